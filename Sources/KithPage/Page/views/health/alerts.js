// SPDX-License-Identifier: Apache-2.0
import { ask } from '../../core/api.js';
import { alerts } from '../../core/alerts.js';
import { attempt, openDialog } from '../../core/dialog.js';
import { button, el, fill } from '../../core/dom.js';
import { ago, time, words } from '../../core/format.js';
import { may } from '../../core/identity.js';

/// What fires, what was resolved lately, and what is silenced.
export function showAlerts(section, { firing, pending, resolved, silences }) {
  section.classList.toggle('attention', firing.length > 0);
  fill(section, el('h2', { id: 'alerts-title' }, 'Alerts'),
    firing.length === 0 && el('p', { class: 'muted' }, pending.length > 0 ? `Nothing fires; ${pending.length} being watched.` : 'Nothing fires.'),
    firing.length > 0 && el('ul', { class: 'rows' }, firing.map((alert) => el('li', el('div', { class: 'grow' },
      el('strong', words(alert.alert)), ' ', el('span', { class: 'state', data: { state: alert.severity } }, alert.severity), ' ', alert.silence && el('span', { class: 'tag' }, 'silenced'),
      el('p', alert.text), el('span', { class: 'muted' }, [alert.subject.name, alert.detail, `since ${time(alert.since)}`].filter(Boolean).join(' · '))),
    may('admin') && !alert.silence && button('Silence', () => silence(alert), { class: 'quiet', 'aria-label': `Silence ${words(alert.alert)} of ${alert.subject.name}` })))),
    silences.length > 0 && [el('h3', 'Silenced'), el('ul', { class: 'rows' }, silences.map((one) => el('li', el('div', { class: 'grow' },
      [one.condition ? words(one.condition) : 'Everything', one.subject && `of ${one.subject.name}`, `until ${time(one.until)}`, one.reason].filter(Boolean).join(' · ')),
    may('admin') && button('Lift', () => attempt(() => ask('DELETE', `/api/alerts/silences/${encodeURIComponent(one.id)}`)).then(() => alerts.read()), { class: 'quiet' }))))],
    resolved.length > 0 && el('details', el('summary', 'Resolved lately'), el('ul', resolved.slice(0, 20).map((one) => el('li', `${words(one.alert)} of ${one.subject.name}, ${ago(one.until ?? one.since)}`)))));
}

function silence(alert) {
  const { body, close } = openDialog(`Silence ${words(alert.alert)}`);
  const forHowLong = el('select', { id: 'silence-time' }, [[60, '1 hour'], [480, '8 hours'], [1440, '1 day'], [10080, '1 week']].map(([minutes, name]) => el('option', { value: minutes }, name)));
  const reason = el('input', { id: 'silence-reason', type: 'text', maxlength: 200 });
  body.append(el('form', { on: { submit: async (event) => {
    event.preventDefault();
    close();
    await attempt(() => ask('POST', '/api/alerts/silences', { condition: alert.alert, subject: alert.subject.id, minutes: Number(forHowLong.value), reason: reason.value || 'from the page' }), 'Silenced. It is still shown here.');
    await alerts.read();
  } } }, el('label', { for: forHowLong.id }, 'For'), forHowLong, el('label', { for: reason.id }, 'Why'), reason,
  el('div', { class: 'actions' }, button('Cancel', close), el('button', { type: 'submit', class: 'primary' }, 'Silence'))));
  forHowLong.focus();
}
