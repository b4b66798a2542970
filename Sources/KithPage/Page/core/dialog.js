// SPDX-License-Identifier: Apache-2.0
import { button, el } from './dom.js';

/// A modal dialog with a title; Escape and the button close it, and the focus goes back to where it was.
///
/// - Returns: { dialog, close, body }
export function openDialog(title, { onClose, wide = false } = {}) {
  const before = document.activeElement;
  const name = `dialog-${crypto.randomUUID()}`;
  const body = el('div', { class: 'dialog-body' });
  const dialog = el('dialog', { class: wide ? 'wide' : '', 'aria-labelledby': name },
    el('header', el('h2', { id: name }, title), button('×', () => dialog.close(), { class: 'quiet', 'aria-label': 'Close' })),
    body);
  dialog.addEventListener('close', () => {
    dialog.remove();
    onClose?.();
    if (before?.isConnected) before.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, body, close: () => dialog.close() };
}

/// Asks before something that cannot be taken back.
export function confirmed(title, text, action, { isDangerous = false } = {}) {
  return new Promise((resolve) => {
    const { body, close } = openDialog(title, { onClose: () => resolve(false) });
    const yes = button(action, () => {
      resolve(true);
      close();
    }, { class: isDangerous ? 'danger' : 'primary' });
    body.append(el('p', text), el('div', { class: 'actions' }, button('Cancel', close), yes));
    yes.focus();
  });
}

/// Asks for one line of text; `null` when it was cancelled.
export function asked(title, label, { value = '', action = 'Save', help, pattern, maxlength = 128, inputmode } = {}) {
  return new Promise((resolve) => {
    const { body, close } = openDialog(title, { onClose: () => resolve(null) });
    const input = el('input', { type: 'text', id: `${title}-input`, required: true, value, pattern, maxlength, inputmode, autocomplete: 'off', spellcheck: 'false' });
    body.append(el('form', { on: { submit: (event) => {
      event.preventDefault();
      resolve(input.value.trim());
      close();
    } } },
      el('label', { for: input.id }, label), input, help && el('p', { class: 'hint' }, help),
      el('div', { class: 'actions' }, button('Cancel', close), el('button', { type: 'submit', class: 'primary' }, action))));
    input.select();
    input.focus();
  });
}

const notices = () => document.getElementById('notices');

/// A sentence for a few seconds; errors stay until they are closed.
export function notify(text, kind = 'good') {
  const notice = el('div', { class: `notice ${kind}` }, el('span', text), button('×', () => notice.remove(), { class: 'quiet', 'aria-label': 'Close this message' }));
  notices().append(notice);
  while (notices().childElementCount > 4) notices().firstElementChild.remove();
  if (kind !== 'bad') setTimeout(() => notice.remove(), 6_000);
}

/// Does something that may fail, and says so.
export async function attempt(work, success) {
  try {
    const result = await work();
    if (success) notify(success);
    return result;
  } catch (error) {
    notify(error.message || String(error), 'bad');
    return undefined;
  }
}
