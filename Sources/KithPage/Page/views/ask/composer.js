// SPDX-License-Identifier: Apache-2.0
import { ask } from '../../core/api.js';
import { attempt, notify, openDialog } from '../../core/dialog.js';
import { button, el, fill } from '../../core/dom.js';
import { milliseconds, words } from '../../core/format.js';
import { mesh } from '../../core/mesh.js';

const PICTURES = 4;
const PICTURE_BYTES = 1_500_000;

/// What is typed, to which model and node it goes, and pictures with it.
export class Composer {
  #work;
  #isBusy = false;
  #images = [];
  #offered = '';
  #text = el('textarea', { id: 'message', rows: 1, placeholder: 'Ask anything', 'aria-label': 'Message', enterkeyhint: 'send' });
  #model = el('select', { 'aria-label': 'Model', title: 'Model' });
  #node = el('select', { 'aria-label': 'Machine', title: 'Machine' });
  #send = el('button', { type: 'submit', class: 'primary' }, 'Send');
  #stop = button('Stop', () => this.#work.stop(), { hidden: true });
  #thumbnails = el('div', { class: 'images' });
  #file = el('input', { type: 'file', accept: 'image/png,image/jpeg,image/webp,image/gif', multiple: true, hidden: true, on: { change: () => this.#attach(this.#file.files) } });
  element;

  constructor(work) {
    this.#work = work;
    this.element = el('form', { class: 'composer', on: { submit: (event) => {
      event.preventDefault();
      this.#submit();
    } } },
      this.#thumbnails, this.#text,
      el('div', { class: 'composer-row' }, this.#model, this.#node, this.#file,
        button('Picture', () => this.#file.click(), { class: 'quiet' }), button('Where to?', () => this.#explain(), { class: 'quiet' }),
        el('span', { class: 'spring' }), this.#stop, this.#send));
    this.#text.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.#submit();
      }
    });
    this.#text.addEventListener('input', () => this.#grow());
    this.#text.addEventListener('paste', (event) => {
      const pictures = [...event.clipboardData.files].filter((file) => file.type.startsWith('image/'));
      if (pictures.length > 0) {
        event.preventDefault();
        this.#attach(pictures);
      }
    });
    this.#model.addEventListener('change', () => this.#offerNodes());
  }

  focus() { this.#text.focus({ preventScroll: true }); }

  setBusy(isBusy) {
    this.#isBusy = isBusy;
    this.#stop.hidden = !isBusy;
    this.#send.disabled = isBusy;
    if (!isBusy && (document.activeElement === document.body || document.activeElement === this.#stop)) this.focus();
  }

  /// Offers the models that can be asked now; what is chosen stays.
  offer() {
    const models = [...mesh.models.keys()].sort();
    const key = models.join('\n') + [...mesh.models.values()].join('|');
    if (key === this.#offered) return;
    this.#offered = key;
    const chosen = this.#model.value;
    fill(this.#model, el('option', { value: '' }, 'Best model'), models.map((name) => el('option', { value: name }, name)));
    if (models.includes(chosen)) this.#model.value = chosen;
    this.#offerNodes();
  }

  #offerNodes() {
    const nodes = new Set();
    for (const [model, names] of mesh.models) {
      if (this.#model.value === '' || this.#model.value === model) for (const name of names) nodes.add(name);
    }
    const chosen = this.#node.value;
    fill(this.#node, el('option', { value: '' }, 'Best machine'), [...nodes].sort().map((name) => el('option', { value: name }, name)));
    if (nodes.has(chosen)) this.#node.value = chosen;
  }

  #grow() {
    this.#text.style.height = 'auto';
    this.#text.style.height = `${Math.min(this.#text.scrollHeight, 240)}px`;
  }

  async #submit() {
    const message = this.#text.value.trim();
    if (message === '' || this.#isBusy) return;
    const images = this.#images;
    this.#text.value = '';
    this.#images = [];
    this.#grow();
    this.#showImages();
    const isGood = await this.#work.ask({ message, model: this.#model.value || null, node: this.#node.value || null, images });
    // What could not be asked need not be typed again.
    if (!isGood && this.#text.value === '') {
      this.#text.value = message;
      this.#images = images;
      this.#grow();
      this.#showImages();
    }
  }

  async #attach(files) {
    for (const file of files) {
      if (this.#images.length >= PICTURES) return notify(`At most ${PICTURES} pictures go with a message.`, 'bad');
      if (!file.type.startsWith('image/') || file.size > PICTURE_BYTES) {
        notify(`${file.name} is not a picture of at most 1.5 MB.`, 'bad');
        continue;
      }
      this.#images.push(await dataAddress(file));
    }
    this.#file.value = '';
    this.#showImages();
  }

  #showImages() {
    fill(this.#thumbnails, this.#images.map((address, index) => el('span', { class: 'thumbnail' }, el('img', { src: address, alt: `Picture ${index + 1}` }),
      button('×', () => {
        this.#images.splice(index, 1);
        this.#showImages();
      }, { 'aria-label': `Remove picture ${index + 1}` }))));
  }

  /// Where the message would go now, and why.
  async #explain() {
    const message = this.#text.value.trim() || 'Hello';
    const answer = await attempt(() => ask('POST', '/api/routes/explain', { model: this.#model.value || 'auto', messages: [{ role: 'user', content: message }] }));
    if (!answer) return;
    const { body } = openDialog('Where it would go', { wide: true });
    body.append(
      el('p', answer.node ? `To ${answer.model} on ${answer.node}: ${words(answer.reason)}.` : answer.refusal ?? 'Nobody can be asked.'),
      answer.candidates.length > 0 && el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Candidates' }, el('table',
        el('thead', el('tr', ['Machine', 'Model', 'Whole answer in', 'Queue', 'Tokens/s', 'Breaker'].map((name) => el('th', { scope: 'col' }, name)))),
        el('tbody', answer.candidates.map(({ node, model, wait_ms: wait, estimate }) => el('tr', el('th', { scope: 'row' }, node), el('td', model), el('td', milliseconds(wait)),
          el('td', milliseconds(estimate.queue_ms)), el('td', estimate.tokens_per_second?.toFixed(1) ?? '–'), el('td', estimate.breaker)))))),
      ...(answer.skipped.length > 0 ? [el('h3', 'Passed over'), el('ul', answer.skipped.map((skip) => el('li', `${skip.node}: ${words(skip.reason)}`)))] : []));
  }
}

function dataAddress(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
