// SPDX-License-Identifier: Apache-2.0
import { ask, get } from '../../core/api.js';
import { asked, attempt, confirmed, openDialog } from '../../core/dialog.js';
import { button, el, fill, keyed, setText } from '../../core/dom.js';
import { ago, plural } from '../../core/format.js';
import { mesh } from '../../core/mesh.js';

/// The conversations that the node keeps: to open, search, rename, send to another machine, save and delete.
export class SessionList {
  #current;
  #work;
  #list = el('ul', { class: 'session-list' });
  #search = el('input', { type: 'search', placeholder: 'Search', 'aria-label': 'Search conversations' });
  #pause = 0;
  element;

  constructor(current, work) {
    this.#current = current;
    this.#work = work;
    this.element = el('aside', { id: 'sessions', class: 'sessions', 'aria-label': 'Conversations' },
      el('div', { class: 'sessions-head' }, this.#search, button('New', work.fresh)), this.#list);
    this.#search.addEventListener('input', () => {
      clearTimeout(this.#pause);
      this.#pause = setTimeout(() => this.read(), 150);
    });
  }

  focus() { this.#search.focus(); }

  async read() {
    const words = this.#search.value.trim();
    try {
      const { sessions } = await get(`/api/sessions${words ? `?q=${encodeURIComponent(words)}` : ''}`);
      keyed(this.#list, sessions.slice(0, 200), (session) => session.id, (session) => this.#row(session), (row, session) => this.#update(row, session));
      this.#list.classList.toggle('none', sessions.length === 0);
    } catch {
      // The bar says that the node is gone.
    }
  }

  #row(session) {
    const open = el('a', { href: `/ui/ask?session=${encodeURIComponent(session.id)}`, on: { click: (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      this.#work.open(session.id);
    } } }, el('span', { class: 'title' }), el('span', { class: 'muted' }));
    const menu = el('details', { class: 'menu', on: { focusout: (event) => {
      if (!event.currentTarget.contains(event.relatedTarget)) event.currentTarget.open = false;
    } } }, el('summary'), el('div', { class: 'menu-items' },
      button('Rename', () => this.#rename(session)), button('Save as Markdown', () => this.#save(session, 'markdown')), button('Save as JSON', () => this.#save(session, 'json')),
      button('Send to a machine', () => this.#send(session)), button('Delete', () => this.#delete(session), { class: 'danger' })));
    menu.addEventListener('click', (event) => {
      if (event.target.tagName === 'BUTTON') menu.open = false;
    });
    return el('li', open, menu);
  }

  #update(row, session) {
    row.session = session;
    const [open, menu] = row.children;
    if (session.id === this.#current) open.setAttribute('aria-current', 'true');
    setText(open.firstChild, titleOf(session));
    setText(open.lastChild, `${plural(session.turn_count, 'turn')}, ${ago(session.last_used_at)}`);
    menu.firstChild.setAttribute('aria-label', `Actions for ${titleOf(session)}`);
    setText(menu.firstChild, '⋯');
  }

  async #rename(session) {
    const title = await asked('Rename the conversation', 'Title', { value: titleOf(session) });
    if (!title) return;
    await attempt(() => ask('PATCH', pathOf(session), { title }));
    await this.read();
  }

  async #save(session, format) {
    const text = await attempt(() => ask('GET', `${pathOf(session)}/export?format=${format}`));
    if (text === undefined) return;
    const body = typeof text === 'string' ? text : JSON.stringify(text, null, 2);
    const address = URL.createObjectURL(new Blob([body], { type: format === 'json' ? 'application/json' : 'text/markdown' }));
    el('a', { href: address, download: `${titleOf(session).replaceAll(/[^\w -]/g, '').slice(0, 60) || 'conversation'}.${format === 'json' ? 'json' : 'md'}` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  #send(session) {
    const kin = mesh.kin.filter((peer) => peer.state === 'up');
    const { body, close } = openDialog('Send the conversation to');
    const buttons = kin.map((peer) => button(peer.name, async () => {
      close();
      await attempt(() => ask('POST', `${pathOf(session)}/send`, { to: peer.id }), `${titleOf(session)} is on ${peer.name} now, and no longer here.`);
      await this.read();
    }, { class: 'choice' }));
    fill(body, buttons.length > 0 ? el('div', { class: 'choices' }, buttons) : el('p', 'No other machine of yours is in reach.'));
  }

  async #delete(session) {
    if (!await confirmed('Delete the conversation?', `“${titleOf(session)}” is removed from this node for good.`, 'Delete it', { isDangerous: true })) return;
    await attempt(() => ask('DELETE', pathOf(session)));
    if (session.id === this.#current) this.#work.fresh();
    else await this.read();
  }
}

const pathOf = (session) => `/api/sessions/${encodeURIComponent(session.id)}`;

const titleOf = (session) => session.title || session.opening || session.id;
