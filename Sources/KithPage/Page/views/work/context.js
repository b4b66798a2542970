// SPDX-License-Identifier: Apache-2.0
import { ask, get } from '../../core/api.js';
import { attempt, confirmed, openDialog } from '../../core/dialog.js';
import { button, el, fill, keyed, setText } from '../../core/dom.js';
import { time } from '../../core/format.js';
import { may } from '../../core/identity.js';

const SHOWN = 200;

/// The keys of the working context, and those of which several values were written at once.
export class ContextList {
  count = 0;
  conflicts = 0;
  #rows = el('ul', { class: 'rows' });
  #note = el('p', { class: 'muted' });
  #conflictSection;
  element = el('div', this.#rows, this.#note);

  /// - conflictSection: where the conflicts are shown.
  constructor(conflictSection) { this.#conflictSection = conflictSection; }

  async read() {
    if (!may('sync')) {
      setText(this.#note, 'Reading the working context needs a key with the scope sync.');
      return;
    }
    const { context, more } = await get('/api/context');
    this.count = context.length;
    const disputed = context.filter((entry) => entry.conflict);
    this.conflicts = disputed.length;
    keyed(this.#rows, context.slice(0, SHOWN), (entry) => entry.key, makeRow, updateRow);
    setText(this.#note, context.length === 0
      ? 'Nothing yet. Programs write here what you are working on, such as a branch or a file: kith context set branch main'
      : more || context.length > SHOWN ? 'The first of them; kith context show lists all.' : '');
    this.#showConflicts(disputed);
  }

  add() { editValue(null, '', () => this.read()); }

  #showConflicts(entries) {
    this.#conflictSection.hidden = entries.length === 0;
    fill(this.#conflictSection, el('h2', { id: 'conflicts-title' }, 'To resolve'),
      el('p', { class: 'muted' }, 'These keys were written on several machines that did not know of each other. Choose the value that is to stay.'),
      entries.map((entry) => el('fieldset', el('legend', entry.key), el('div', { class: 'choices' }, entry.values.map((value) => button([
        el('code', shown(value.value)), el('span', { class: 'muted' }, `${value.source_name ?? value.source}, at ${value.node}, ${time(value.written_at)}`)],
      () => attempt(() => ask('PUT', pathOf(entry.key), { value: value.value }), `${entry.key} is ${shown(value.value).slice(0, 60)} now.`).then(() => this.read()),
      { class: 'choice' }))))));
  }
}

const pathOf = (key) => `/api/context/${encodeURIComponent(key)}`;

const shown = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

function makeRow() {
  return el('li', el('div', { class: 'grow' }, el('strong'), el('code', { class: 'value' }), el('span', { class: 'muted' })), el('div', { class: 'row-actions' }));
}

function updateRow(row, entry) {
  const latest = entry.values[0];
  const [text, actions] = row.children;
  setText(text.children[0], entry.key);
  setText(text.children[1], shown(latest.value).slice(0, 500));
  setText(text.children[2], `${latest.source_name ?? latest.source}, ${time(latest.written_at)}`);
  row.entry = entry;
  if (actions.childElementCount === 0 && may('sync')) {
    fill(actions, button('Edit', () => editValue(row.entry.key, shown(row.entry.values[0].value)), { class: 'quiet', 'aria-label': `Edit ${entry.key}` }),
      button('Remove', () => remove(row.entry.key), { class: 'quiet', 'aria-label': `Remove ${entry.key}` }));
  }
}

async function remove(key) {
  if (!await confirmed(`Remove ${key}?`, 'It is removed on all your machines.', 'Remove it', { isDangerous: true })) return;
  await attempt(() => ask('DELETE', pathOf(key)));
}

function editValue(key, value, then = () => {}) {
  const { body, close } = openDialog(key === null ? 'Add to the context' : `Edit ${key}`);
  const name = el('input', { id: 'context-key', type: 'text', required: true, maxlength: 128, spellcheck: 'false', autocomplete: 'off' });
  const text = el('textarea', { id: 'context-value', rows: 4, required: true, spellcheck: 'false', value });
  body.append(el('form', { on: { submit: async (event) => {
    event.preventDefault();
    close();
    await attempt(() => ask('PUT', pathOf(key ?? name.value.trim()), { value: parsed(text.value) }));
    then();
  } } },
    key === null && [el('label', { for: name.id }, 'Key'), name],
    el('label', { for: text.id }, 'Value'), text, el('p', { class: 'hint' }, 'Text, or JSON.'),
    el('div', { class: 'actions' }, button('Cancel', close), el('button', { type: 'submit', class: 'primary' }, 'Save'))));
  (key === null ? name : text).focus();
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
