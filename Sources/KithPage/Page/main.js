// SPDX-License-Identifier: Apache-2.0
import { notify } from './core/dialog.js';
import { el, fill, setText, svg } from './core/dom.js';
import { may, me, readIdentity, signIn, signOut, takeProof } from './core/identity.js';
import { live } from './core/live.js';
import { mesh } from './core/mesh.js';
import { alerts } from './core/alerts.js';
import { askView } from './views/ask/ask.js';
import { cultureView } from './views/culture/culture.js';
import { healthView } from './views/health/health.js';
import { meshView } from './views/mesh/mesh.js';
import { workView } from './views/work/work.js';

const views = [
  { name: 'mesh', title: 'Mesh', make: meshView, icon: 'M6 6l5 5m2 0 5-5m-6 7v5M5 5m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M19 5m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M12 12m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M12 20m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0' },
  { name: 'ask', title: 'Ask', make: askView, icon: 'M4 5h16v11H10l-4 4v-4H4z' },
  { name: 'work', title: 'Work', make: workView, icon: 'M4 7h16v12H4zM9 7V4h6v3M4 12h16' },
  { name: 'culture', title: 'Culture', make: cultureView, icon: 'M12 20c-5-3-8-6-8-10a4 4 0 0 1 8-1 4 4 0 0 1 8 1c0 4-3 7-8 10z' },
  { name: 'health', title: 'Health', make: healthView, icon: 'M3 12h4l3-7 4 14 3-7h4' },
];

const place = document.getElementById('view');
let current = null;

function viewOf(path) {
  const [, ui, name] = path.split('/');
  return (ui === 'ui' && views.find((view) => view.name === name)) || views[0];
}

/// Shows a view under its address. The view gets the place, and may return a function that ends what it began.
async function show(view, { focus = true } = {}) {
  current?.end?.();
  current = { view };
  document.title = `${view.title} · ${mesh.own?.node ?? 'kith'}`;
  for (const link of document.querySelectorAll('#nav a')) {
    if (link.dataset.view === view.name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  place.dataset.view = view.name;
  place.setAttribute('aria-busy', 'true');
  const token = current;
  try {
    const end = await view.make(place, { isShown: () => current === token, go });
    if (current === token) token.end = end;
    else end?.();
  } catch (error) {
    if (current !== token) return;
    if (error.status === 401) return void signInAgain();
    console.warn(error);
    fill(place, el('div', { class: 'card empty' }, el('h1', view.title), el('p', { class: 'trouble' }, error.message),
      el('button', { type: 'button', on: { click: () => show(view) } }, 'Try again')));
  }
  place.setAttribute('aria-busy', 'false');
  // A view that knows better where people go on has put the keyboard there.
  if (focus && !place.contains(document.activeElement)) place.focus();
}

function go(path) {
  if (path === location.pathname + location.search) return;
  history.pushState(null, '', path);
  show(viewOf(location.pathname));
}

async function signInAgain(reason) {
  current?.end?.();
  current = null;
  place.setAttribute('aria-busy', 'false');
  await signIn(place, reason);
  await begin();
}

function navigation() {
  fill(document.getElementById('nav'), views.map((view) => el('a', { href: `/ui/${view.name}`, data: { view: view.name } },
    svg('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true' }, svg('path', { d: view.icon })), el('span', view.title))));
  document.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[href^="/ui/"]');
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(link.getAttribute('href'));
  });
  window.addEventListener('popstate', () => show(viewOf(location.pathname)));
}

function barEnd() {
  const state = el('span', { class: 'connection', role: 'status' });
  const alertLink = el('a', { class: 'alerts', href: '/ui/health', hidden: true });
  const identity = el('span', { class: 'identity' });
  const tell = () => {
    const words = { connecting: 'Connecting…', live: mesh.own ? mesh.own.node : 'Connected', lost: 'Not connected' };
    setText(state, words[live.state]);
    state.dataset.state = live.state;
    document.body.classList.toggle('offline', live.state === 'lost');
    alertLink.hidden = alerts.firing.length === 0;
    setText(alertLink, alerts.firing.length === 1 ? '1 alert' : `${alerts.firing.length} alerts`);
  };
  live.on('state', tell);
  mesh.watch(tell);
  alerts.watch(tell);
  const who = () => {
    if (me.caller === 'nobody' || me.caller === 'local') return fill(identity);
    fill(identity, el('span', { class: 'who' }, me.caller === 'owner' ? 'owner' : me.name ?? 'key'),
      el('button', { type: 'button', class: 'quiet', on: { click: signOut } }, 'Sign out'));
  };
  who();
  fill(document.getElementById('bar-end'), alertLink, state, identity);
  tell();
}

async function begin() {
  await readIdentity();
  if (me.scopes.length > 0 && !may('read')) return signInAgain('This key may not read how the node is; the page needs the scope read.');
  if (me.caller === 'nobody') return signInAgain();
  await mesh.read();
  barEnd();
  alerts.read();
  await show(viewOf(location.pathname), { focus: false });
}

/// After a gap; a node that was started anew knows none of the browsers that had signed in.
async function anew() {
  alerts.read();
  try {
    if (!await readIdentity()) return;
  } catch {
    return;
  }
  notify('The node was started anew, and you are signed out. kith dashboard opens this page as the owner again.', 'bad');
  await begin();
}

async function start() {
  await takeProof();
  navigation();
  live.on('signed-out', () => signInAgain());
  live.on('reload', () => anew());
  try {
    await begin();
  } catch (error) {
    fill(place, el('div', { class: 'card empty' }, el('h1', 'The node does not answer'), el('p', error.message),
      el('p', { class: 'hint' }, 'This page tries again by itself.')));
    const again = live.on('state', (state) => {
      if (state !== 'live') return;
      again();
      begin();
    });
  }
  live.follow();
}

start();
