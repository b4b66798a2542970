// SPDX-License-Identifier: Apache-2.0
import { ask, PROOF } from './api.js';
import { el } from './dom.js';
import { live } from './live.js';

/// Who the node takes this page for, and what it may do.
export const me = { caller: 'nobody', name: null, scopes: [] };

export function may(scope) {
  return me.scopes.includes(scope);
}

/// Takes what a link of the owner has put behind the address, and leaves the address clean.
export async function takeProof() {
  const proof = /^#([a-z2-7]{20,64})$/.exec(location.hash)?.[1];
  if (!proof) return;
  history.replaceState(null, '', location.pathname + location.search);
  const before = localStorage.getItem(PROOF);
  localStorage.setItem(PROOF, proof);
  // Any page can lead here with a word of its own; one that does not fit takes nothing away.
  const isMine = await ask('GET', '/api/page/session').then((session) => session.signed_in && session.caller !== 'local', () => false);
  if (!isMine && before !== null) localStorage.setItem(PROOF, before);
}

/// - Returns: whether it may do other things than before.
export async function readIdentity() {
  const before = me.scopes.join();
  try {
    Object.assign(me, await ask('GET', '/api/page/session'));
  } catch (error) {
    if (error.status !== 401 && error.status !== 403 && error.status !== 404) throw error;
    Object.assign(me, { caller: 'nobody', name: null, scopes: [] });
  }
  return me.scopes.join() !== before;
}

export async function signOut() {
  await ask('DELETE', '/api/page/session');
  localStorage.removeItem(PROOF);
  location.assign('/');
}

/// A form for a key, in the place of the view; resolves when a key was taken.
export function signIn(place, reason) {
  return new Promise((resolve) => {
    const trouble = el('p', { class: 'trouble', role: 'alert' });
    const key = el('input', { id: 'key', type: 'password', required: true, autocomplete: 'current-password', spellcheck: 'false', placeholder: 'kith_…' });
    const form = el('form', { class: 'card sign-in', on: { submit: async (event) => {
      event.preventDefault();
      trouble.textContent = '';
      try {
        await enter(key.value.trim());
        await readIdentity();
        live.signedIn?.();
        resolve();
      } catch (error) {
        trouble.textContent = error.status === 401 ? 'This key is not accepted.' : error.message;
        key.select();
      }
    } } },
      el('h1', 'Sign in'),
      el('p', reason ?? 'This node wants a key. On its own machine, ', el('code', 'kith dashboard'), ' opens this page without one.'),
      el('label', { for: 'key' }, 'Key'), key, trouble,
      el('div', { class: 'actions' }, el('button', { type: 'submit', class: 'primary' }, 'Sign in')));
    place.replaceChildren(form);
    key.focus();
  });
}

async function enter(key) {
  const response = await fetch('/api/page/session', {
    method: 'POST', headers: { authorization: `Bearer ${key}` }, credentials: 'same-origin',
  });
  if (response.ok) {
    localStorage.setItem(PROOF, (await response.json()).proof);
    return;
  }
  const error = new Error(response.status === 401 ? 'not accepted' : `The node answered ${response.status}.`);
  error.status = response.status;
  throw error;
}

/// What is said where only the owner may do something.
export function ownerHint(what) {
  return el('p', { class: 'hint' }, `${what} is for the owner: open this page with `, el('code', 'kith dashboard'), ' on the node’s machine, or sign in with a key that has the scope admin.');
}

