// SPDX-License-Identifier: Apache-2.0
import { get } from '../../core/api.js';
import { button, el, fill } from '../../core/dom.js';
import { may } from '../../core/identity.js';
import { live } from '../../core/live.js';
import { mesh } from '../../core/mesh.js';
import { Composer } from './composer.js';
import { Conversation } from './conversation.js';
import { SessionList } from './sessions.js';

const LAST = 'kith-last-session';
/// Conversations that were begun on this page and in which nothing was asked yet: the node does not know them.
const fresh = new Set();

/// A chat with the mesh. The address names the conversation, so that it can be kept, opened twice and reloaded.
export async function askView(place, { go }) {
  const named = new URLSearchParams(location.search).get('session');
  const session = named ?? sessionStorage.getItem(LAST) ?? freshSession();
  const isFresh = fresh.has(session) || history.state?.fresh === session;
  if (!isFresh) sessionStorage.setItem(LAST, session);
  const isAsked = history.state?.isAsked === true;
  if (!named || isFresh) history.replaceState(isFresh ? { fresh: session, isAsked } : null, '', addressOf(session));

  const conversation = new Conversation(session);
  const composer = new Composer({
    ask: (question) => {
      fresh.delete(session);
      sessionStorage.setItem(LAST, session);
      // The node knows a conversation only when its first answer is whole.
      if (history.state?.fresh) history.replaceState({ fresh: session, isAsked: true }, '', addressOf(session));
      return conversation.ask(question).finally(() => {
        if (history.state?.fresh === session) history.replaceState(null, '', addressOf(session));
      });
    },
    stop: () => conversation.stop(),
    fresh: () => go(addressOf(freshSession())),
  });
  conversation.onBusy = (isBusy) => composer.setBusy(isBusy);
  const open = (id) => go(addressOf(id));
  const sessions = may('admin') ? new SessionList(session, { open, fresh: () => open(freshSession()) }) : null;
  const drawer = sessions && button('Conversations', () => {
    place.classList.toggle('with-drawer');
    if (place.classList.contains('with-drawer')) sessions.focus();
  }, { class: 'drawer-button', 'aria-controls': 'sessions' });

  fill(place, el('h1', { class: 'unseen' }, 'Ask'),
    el('div', { class: `ask${sessions ? '' : ' alone'}` },
      sessions?.element,
      el('div', { class: 'talk' },
        el('div', { class: 'talk-head' }, drawer, button('New conversation', () => open(freshSession()), { class: 'quiet' })),
        conversation.element, composer.element)));

  const ends = [mesh.watch(() => composer.offer()), live.on('session', () => sessions?.read()), live.on('reload', () => sessions?.read())];
  composer.offer();
  sessions?.read();
  const read = may('admin') ? () => get(`/api/sessions/${encodeURIComponent(session)}`) : null;
  await conversation.open(isFresh ? null : read, isAsked ? read : null);
  composer.focus();
  return () => {
    place.classList.remove('with-drawer');
    for (const end of ends) end();
    conversation.leave();
  };
}

const addressOf = (session) => `/ui/ask?session=${encodeURIComponent(session)}`;

function freshSession() {
  const session = `page-${crypto.randomUUID().slice(0, 13)}`;
  fresh.add(session);
  return session;
}
