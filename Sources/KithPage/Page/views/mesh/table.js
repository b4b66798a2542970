// SPDX-License-Identifier: Apache-2.0
import { ask } from '../../core/api.js';
import { asked, attempt, confirmed } from '../../core/dialog.js';
import { button, el, fill, keyed, setText } from '../../core/dom.js';
import { decimal, milliseconds, NONE, seconds, words } from '../../core/format.js';
import { may } from '../../core/identity.js';
import { live } from '../../core/live.js';
import { mesh } from '../../core/mesh.js';

const COLUMNS = ['Machine', 'State', 'Models', 'Running', 'Level', 'Round trip', ''];

/// What the graph shows, for those who read; and what can be done with each machine.
export class PeerTable {
  #body = el('tbody');
  element = el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Machines' }, el('table', { class: 'stacks' },
    el('thead', el('tr', COLUMNS.map((name) => (name ? el('th', { scope: 'col' }, name) : el('th', { scope: 'col' }, el('span', { class: 'unseen' }, 'Actions')))))),
    this.#body));

  update() {
    const { node, engine, level, draining } = mesh.own;
    const own = {
      key: 'own', name: node, tier: 'this node', state: live.state === 'lost' ? 'lost' : engine.state === 'none' ? 'no engine' : engine.state,
      reason: live.state === 'lost' ? 'this page has lost it and tries again' : engine.state === 'ready' ? '' : engine.reason,
      models: engine.models, active: engine.active, slots: engine.slots, queued: engine.queued, level, draining,
    };
    const peers = [...mesh.peers.values()].map((peer) => ({ key: peer.id ?? peer.name, ...peer }));
    peers.sort((one, other) => order(one) - order(other) || one.name.localeCompare(other.name));
    keyed(this.#body, [own, ...peers], (peer) => peer.key, makeRow, updateRow);
  }
}

const order = (peer) => (peer.tier === 'kin' ? 0 : peer.tier === 'kith' ? 1 : 2);

function makeRow() {
  const cells = COLUMNS.map((name) => el('td', { data: { label: name } }));
  const head = el('th', { scope: 'row', data: { label: 'Machine' } }, el('strong'), ' ', el('span', { class: 'tag' }));
  fill(cells[1], el('span', { class: 'state' }), el('span', { class: 'muted reason' }));
  return el('tr', head, cells.slice(1));
}

function updateRow(row, peer) {
  const [head, state, models, running, level, trip, actions] = row.children;
  setText(head.children[0], peer.name);
  setText(head.children[1], peer.tier);
  head.children[1].dataset.tier = peer.tier;
  const isPaused = peer.draining && (peer.state === 'up' || peer.state === 'ready');
  setText(state.children[0], isPaused ? 'paused' : words(peer.state));
  state.children[0].dataset.state = isPaused ? 'draining' : peer.state;
  setText(state.children[1], peer.reason && peer.state !== 'up' && peer.state !== 'ready' ? ` ${peer.reason}` : '');
  const names = peer.models ?? [];
  setText(models, names.length === 0 ? NONE : names.slice(0, 3).join(', ') + (names.length > 3 ? ` and ${names.length - 3} more` : ''));
  models.title = names.length > 3 ? names.join('\n') : '';
  setText(running, peer.slots ? `${peer.active} of ${peer.slots}${peer.queued ? `, ${peer.queued} wait` : ''}` : NONE);
  setText(level, decimal(peer.level));
  setText(trip, peer.key === 'own' ? NONE : peer.latency_ms === undefined ? seen(peer) : milliseconds(peer.latency_ms));
  row.dataset.state = peer.state;
  const wanted = `${peer.name} ${peer.tier} ${peer.draining} ${isAway(peer)}`;
  if (actions.dataset.for !== wanted) {
    actions.dataset.for = wanted;
    fill(actions, may('admin') && menu(peer));
  }
}

const seen = (peer) => (peer.last_seen_seconds === undefined ? NONE : `seen ${seconds(peer.last_seen_seconds)} ago`);

function menu(peer) {
  const items = peer.key === 'own'
    ? [button(peer.draining ? 'Take prompts again' : 'Send prompts elsewhere', () => drain(!peer.draining))]
    : peer.id === undefined ? []
      : [isAway(peer) && button('Wake', () => wake(peer)), button('Rename', () => rename(peer)), button(peer.tier === 'kin' ? 'Make it kith' : 'Make it kin', () => changeTier(peer)),
        button('Forget', () => forget(peer), { class: 'danger' })];
  if (items.length === 0) return null;
  return el('details', { class: 'menu', on: { focusout: (event) => {
    const menu = event.currentTarget;
    if (!menu.contains(event.relatedTarget)) menu.open = false;
  }, click: (event) => {
    if (event.target.tagName === 'BUTTON') event.currentTarget.open = false;
  }, keydown: (event) => {
    if (event.key !== 'Escape') return;
    event.currentTarget.open = false;
    event.currentTarget.firstElementChild.focus();
  } } },
    el('summary', { 'aria-label': `Actions for ${peer.name}` }, '⋯'), el('div', { class: 'menu-items' }, items));
}

const isAway = (peer) => peer.tier === 'kin' && ['asleep', 'left', 'down'].includes(peer.state);

const pathOf = (peer) => `/api/peers/${encodeURIComponent(peer.id)}`;

async function drain(draining) {
  await attempt(async () => {
    await ask('PUT', '/api/drain', { draining });
    mesh.own.draining = draining;
  }, draining ? 'New prompts go elsewhere now; what runs goes on.' : 'This node takes prompts again.');
  await mesh.read();
}

async function wake(peer) {
  await attempt(() => ask('POST', `${pathOf(peer)}/wake`), `${peer.name} was sent what wakes it.`);
  await mesh.read();
}

async function rename(peer) {
  const name = await asked(`Rename ${peer.name}`, 'New name on this node', {
    value: peer.name, pattern: '[A-Za-z0-9._\\-]{1,64}', help: 'Letters, digits, dot, dash and underscore.', maxlength: 64,
  });
  if (!name || name === peer.name) return;
  await attempt(() => ask('PATCH', pathOf(peer), { name }), `${peer.name} is called ${name} here now.`);
  await mesh.read();
}

async function changeTier(peer) {
  const tier = peer.tier === 'kin' ? 'kith' : 'kin';
  const text = tier === 'kin'
    ? `Kin are your own machines: ${peer.name} will get your prompts and share your working context. Do this only with a machine of yours.`
    : `${peer.name} will get abstract conversation only, and nothing of yours any more.`;
  if (!await confirmed(`Make ${peer.name} ${tier}?`, text, tier === 'kin' ? 'Make it kin' : 'Make it kith')) return;
  await attempt(() => ask('PATCH', pathOf(peer), { tier }), `${peer.name} is ${tier} now.`);
  await mesh.read();
}

async function forget(peer) {
  const text = peer.tier === 'kin'
    ? `No machine of yours will talk with ${peer.name} any more. To have it back, it must be paired again.`
    : `${peer.name} is not let in any more. To have it back, it must be paired again.`;
  if (!await confirmed(`Forget ${peer.name}?`, text, 'Forget it', { isDangerous: true })) return;
  await attempt(() => ask('DELETE', pathOf(peer)), `${peer.name} is forgotten.`);
  await mesh.read();
}
