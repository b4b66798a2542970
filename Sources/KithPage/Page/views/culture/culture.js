// SPDX-License-Identifier: Apache-2.0
import { ask, get } from '../../core/api.js';
import { attempt } from '../../core/dialog.js';
import { button, el, fill, inNextFrame, setText } from '../../core/dom.js';
import { ago, count, milliseconds, NONE, plural, time, words } from '../../core/format.js';
import { may, ownerHint } from '../../core/identity.js';
import { live } from '../../core/live.js';
import { Insights } from './insights.js';
import { Timeline } from './timeline.js';

/// What the nodes learned in company, from whom, and what the wall held back.
export async function cultureView(place, { isShown }) {
  const headline = el('p', { class: 'headline' });
  const company = el('div', { class: 'actions' });
  const waiting = el('section', { class: 'card attention', 'aria-labelledby': 'waiting-title', hidden: true });
  const insights = new Insights();
  const timeline = new Timeline();
  const exchanges = el('ol', { class: 'timeline' });
  const reputation = el('div');
  const wall = el('section', { class: 'card', 'aria-labelledby': 'wall-title' });
  fill(place,
    el('div', { class: 'view-head' }, el('div', el('h1', 'Culture'), headline), company),
    waiting,
    el('section', { class: 'card', 'aria-labelledby': 'growth-title' }, el('h2', { id: 'growth-title' }, 'How it grew'), timeline.element),
    el('section', { class: 'card', 'aria-labelledby': 'insights-title' }, el('div', { class: 'card-head' }, el('h2', { id: 'insights-title' }, 'Insights'), insights.search), insights.element),
    el('div', { class: 'columns' },
      el('section', { class: 'card', 'aria-labelledby': 'exchanges-title' }, el('h2', { id: 'exchanges-title' }, 'Conversations'), exchanges),
      el('section', { class: 'card', 'aria-labelledby': 'reputation-title' }, el('h2', { id: 'reputation-title' }, 'Company'), reputation)),
    wall);

  const readCompany = async () => {
    const all = await get('/api/companion');
    if (!isShown()) return;
    setText(headline, `${plural(all.insights, 'insight')} · ${all.detail}`);
    fill(company, may('admin') && [
      button(all.state === 'paused' ? 'Go on with company' : 'Pause company', () => pause(all.state !== 'paused').then(readCompany)),
      button('Talk now', () => talk().then(readCompany), { disabled: all.peers === 0, title: all.peers === 0 ? 'Nobody is in reach to talk with' : null })]);
  };
  const readExchanges = async () => showExchanges(exchanges, (await get('/api/companion/history')).exchanges);
  const readReputation = async () => showReputation(reputation, (await get('/api/peers/reputation')).peers);
  const readWaiting = async () => showWaiting(waiting, (await get('/api/culture?shelf=waiting&limit=100')).insights, () => Promise.all([readWaiting(), insights.read()]));
  const readWall = async () => {
    if (!may('admin')) return fill(wall, el('h2', { id: 'wall-title' }, 'Held back by the wall'), ownerHint('Reading what was held back'));
    showWall(wall, await get('/api/companion/refusals'));
  };
  const soon = (...works) => inNextFrame(() => { for (const work of works) work().catch(() => {}); });
  const all = [readCompany, readExchanges, readReputation, readWaiting, readWall, () => insights.read(), () => timeline.read()];
  try {
    await Promise.all(all.map((read) => read()));
  } catch (error) {
    if (error.status !== 404) throw error;
    fill(place, el('div', { class: 'card empty' }, el('h1', 'Culture'), el('p', 'This node keeps no company.')));
    return undefined;
  }
  const ends = [
    live.on('insight', soon(readCompany, readWaiting, () => insights.read(), () => timeline.read())),
    live.on('exchange', soon(readCompany, readExchanges, readReputation, readWall)), live.on('reload', soon(...all)),
  ];
  return () => { for (const end of ends) end(); };
}

const pause = (paused) => attempt(() => ask('PUT', '/api/companion/pause', { paused }), paused ? 'The node begins no conversations now.' : 'The node looks for company again when it is idle.');

const talk = () => attempt(async () => {
  const { exchange, text } = await ask('POST', '/api/companion/now');
  return text ?? exchange?.note;
}, 'They have talked.');

function showWaiting(section, entries, then) {
  section.hidden = entries.length === 0;
  fill(section, el('h2', { id: 'waiting-title' }, 'Waiting for you'),
    el('p', { class: 'muted' }, 'Learned, but doubtful: it is not used before you have decided.'),
    el('ul', { class: 'rows' }, entries.map(({ insight, learned }) => el('li',
      el('div', { class: 'grow' }, el('p', insight.text), el('span', { class: 'muted' }, [insight.reason && words(insight.reason), `from ${insight.peer}`, ago(learned)].filter(Boolean).join(' · '))),
      may('admin') && el('div', { class: 'row-actions' },
        button('Keep', () => decide(insight, 'live').then(then), { class: 'primary' }), button('Reject', () => decide(insight, 'rejected').then(then)))))));
}

export function decide(insight, standing) {
  return attempt(() => ask('PUT', `/api/culture/${insight.id}/standing`, { standing }), standing === 'live' ? 'It belongs to the culture now.' : 'It is kept out.');
}

function showExchanges(list, exchanges) {
  if (exchanges.length === 0) return fill(list, el('li', { class: 'muted' }, 'No conversations yet. The node talks with peers when nobody asks anything for a while.'));
  fill(list, exchanges.slice(0, 30).map((one) => el('li',
    el('time', { datetime: one.at }, time(one.at)), ' ', el('strong', one.peer), ' ', el('span', { class: 'state', data: { state: one.outcome } }, words(one.outcome)),
    el('div', { class: 'muted' }, [one.topic, one.note].filter(Boolean).join(' · ')))));
}

function showReputation(place, peers) {
  if (peers.length === 0) return fill(place, el('p', { class: 'muted' }, 'Nobody is known as company yet.'));
  fill(place, el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Company' }, el('table',
    el('thead', el('tr', ['Peer', 'Standing', 'Talks', 'Answers in'].map((name) => el('th', { scope: 'col' }, name)))),
    el('tbody', peers.map((peer) => el('tr', el('th', { scope: 'row' }, peer.name), el('td', el('meter', { min: 0, max: 1, value: peer.score, 'aria-label': `Standing of ${peer.name}` }), ` ${peer.score.toFixed(2)}`),
      el('td', `${peer.successes} of ${peer.exchanges}`), el('td', peer.latency_ms === undefined ? NONE : milliseconds(peer.latency_ms))))))));
}

function showWall(section, { counts, refusals }) {
  const total = Object.values(counts).reduce((sum, one) => sum + one, 0);
  fill(section, el('h2', { id: 'wall-title' }, 'Held back by the wall'),
    total === 0 ? el('p', { class: 'muted' }, 'Nothing had to be held back. What looks private is never sent to others’ nodes; it would be listed here, for you alone.')
      : [el('p', { class: 'muted' }, `${plural(total, 'text')} never left: `, Object.entries(counts).map(([reason, n]) => `${words(reason)} ${count(n)}`).join(', ')),
        el('ul', { class: 'rows' }, refusals.slice(0, 50).map((one) => el('li', el('div', { class: 'grow' }, el('strong', words(one.reason)), ` to ${one.peer}, ${time(one.at)}`, el('details', el('summary', 'Show the text'), el('p', one.text), el('p', { class: 'hint' }, one.detail))))))]);
}
