// SPDX-License-Identifier: Apache-2.0
import { ask, get } from '../../core/api.js';
import { attempt, confirmed, openDialog } from '../../core/dialog.js';
import { button, el, fill, keyed, setText } from '../../core/dom.js';
import { ago, plural, time } from '../../core/format.js';
import { may } from '../../core/identity.js';

const PAGE = 50;

/// The insights, a page at a time, so that ten thousand of them are no heavier than fifty.
export class Insights {
  #words = '';
  #shown = PAGE;
  #rows = el('ul', { class: 'rows' });
  #more = button('Show more', () => {
    this.#shown = Math.min(this.#shown + PAGE, 1000);
    this.read();
  }, { hidden: true });
  #note = el('p', { class: 'muted', role: 'status' });
  #pause = 0;
  search = el('input', { type: 'search', placeholder: 'Search insights', 'aria-label': 'Search insights' });
  element = el('div', this.#rows, this.#note, this.#more);

  constructor() {
    this.search.addEventListener('input', () => {
      clearTimeout(this.#pause);
      this.#pause = setTimeout(() => {
        this.#words = this.search.value.trim();
        this.#shown = PAGE;
        this.read();
      }, 150);
    });
    const id = new URLSearchParams(location.search).get('id');
    if (id && /^[0-9a-f]{32}$/.test(id)) attempt(async () => this.#open(await get(`/api/culture/${id}`)));
  }

  async read() {
    const query = new URLSearchParams({ limit: String(this.#shown), ...(this.#words ? { q: this.#words } : {}) });
    const { total, insights } = await get(`/api/culture?${query}`);
    keyed(this.#rows, insights, ({ insight }) => insight.id, (entry) => this.#row(entry), (row, entry) => {
      row.entry = entry;
      setText(row.firstChild.children[1], [`from ${entry.insight.peer}`, ago(entry.learned), entry.times > 1 && `learned ${entry.times} times`].filter(Boolean).join(' · '));
    });
    this.#more.hidden = insights.length >= total || insights.length >= 1000;
    setText(this.#note, insights.length === 0
      ? (this.#words ? 'Nothing holds these words.' : 'Nothing was learned yet.')
      : insights.length < total ? `${plural(insights.length, 'insight')} of ${total}` : '');
  }

  #row(entry) {
    return el('li', el('div', { class: 'grow' }, el('p', entry.insight.text), el('span', { class: 'muted' })),
      button('Provenance', (event) => this.#open(event.currentTarget.closest('li').entry), { class: 'quiet', 'aria-label': `Provenance of: ${entry.insight.text.slice(0, 80)}` }));
  }

  #open({ insight, learned, times, score }) {
    const { body, close } = openDialog('Where it is from');
    const facts = [
      ['Learned from', `${insight.peer} (${insight.tier})`], ['At', time(learned)], ['Topic', insight.topic], ['Model', insight.model],
      ['Quality', insight.quality?.toFixed(2)], ['Weight now', score?.toFixed(2)], ['Learned', plural(times, 'time')], ['Node', insight.node], ['Standing', insight.standing],
    ].filter(([, value]) => value);
    fill(body, el('blockquote', insight.text), el('dl', facts.map(([name, value]) => [el('dt', name), el('dd', value)])),
      insight.reinforcements?.length > 0 && el('details', el('summary', `Reinforced ${plural(insight.reinforcements.length, 'time')}`),
        el('ul', insight.reinforcements.map((one) => el('li', `${one.peer ?? one.node ?? ''} ${one.at ? time(one.at) : ''}`)))),
      may('admin') && el('div', { class: 'actions' }, button('Forget it', async () => {
        close();
        if (!await confirmed('Forget the insight?', 'It is removed on all your machines.', 'Forget it', { isDangerous: true })) return;
        await attempt(() => ask('POST', `/api/culture/${insight.id}/forget`), 'Forgotten.');
        await this.read();
      }, { class: 'danger' })));
  }
}
