// SPDX-License-Identifier: Apache-2.0
import { el, fill } from '../../core/dom.js';
import { count, milliseconds, plural, time, words } from '../../core/format.js';
import { markdown } from '../../core/markdown.js';

export function questionElement(text, images = []) {
  return el('article', { class: 'message user', 'aria-label': 'You' },
    images.length > 0 && el('div', { class: 'images' }, images.map((address) => (address.startsWith('data:image/') ? el('img', { src: address, alt: 'A picture that you sent' }) : null))),
    el('div', { class: 'said' }, text));
}

/// What was said before, as the node keeps it.
export function turnElements(turns) {
  return turns.map((turn) => {
    if (turn.role === 'user') return questionElement(turn.text);
    const by = [turn.node, turn.model].filter(Boolean).join(' · ');
    return el('article', { class: 'message assistant', 'aria-label': 'Answer' },
      el('div', { class: 'said' }, markdown(turn.text)),
      el('footer', { class: 'muted' }, [by, turn.completion_tokens && plural(turn.completion_tokens, 'token'), time(turn.at)].filter(Boolean).join(' · ')));
  });
}

/// An answer while it is made.
export class AnswerElement {
  isOver = false;
  failure = null;
  onGrown = () => {};
  #text = '';
  #thought = '';
  #said = el('div', { class: 'said' }, el('span', { class: 'waiting', role: 'img', 'aria-label': 'The answer is being made' }));
  #thinking = el('details', { class: 'thinking', hidden: true }, el('summary', 'Thinking'), el('div', { class: 'said' }));
  #marks = el('div', { class: 'marks' });
  #footer = el('footer', { class: 'muted' });
  #route = null;
  #continued = [];
  #isAsked = false;
  #rest = 0;
  element = el('article', { class: 'message assistant', 'aria-label': 'Answer' }, this.#thinking, this.#said, this.#marks, this.#footer);

  take(kind, fields) {
    switch (kind) {
      case 'began':
        this.#route = fields;
        fill(this.#footer, routeOf(fields));
        break;
      case 'text':
        this.#text += fields.text;
        this.#render();
        break;
      case 'thought':
        this.#thought += fields.text;
        this.#thinking.hidden = false;
        this.#render();
        break;
      case 'waiting':
        if (this.#text === '') fill(this.#said, el('span', { class: 'waiting' }), el('span', { class: 'muted' }, ` ${fields.text}`));
        break;
      case 'continued':
        this.#continued.push(fields);
        this.#marks.append(el('p', { class: 'mark' }, `${fields.node} went on after ${plural(fields.after_tokens, 'token')}: ${words(fields.reason)}. The pause was ${milliseconds(fields.gap_ms)}.`));
        break;
      case 'done':
        this.#end(fields);
        break;
      case 'error':
        this.failure = fields.message;
        this.#end({});
        this.#marks.append(el('p', { class: 'trouble', role: 'alert' }, fields.message));
        break;
    }
    this.onGrown();
  }

  #end(fields) {
    this.isOver = true;
    this.#show();
    if (this.#text === '') fill(this.#said);
    if (fields.finish === 'stopped') this.#marks.append(el('p', { class: 'mark' }, 'Stopped.'));
    if (fields.kept === false) this.#marks.append(el('p', { class: 'trouble' }, 'The node could not keep this answer: it is gone with this page.'));
    if (fields.finish === 'length') this.#marks.append(el('p', { class: 'mark' }, 'The answer reached its limit of tokens.'));
    if (this.#route) fill(this.#footer, routeOf(this.#route, this.#continued, fields));
  }

  /// As often as frames come, and less often when a long answer takes long to lay out.
  #render() {
    if (this.#isAsked) return;
    this.#isAsked = true;
    setTimeout(() => requestAnimationFrame(() => {
      this.#isAsked = false;
      if (this.isOver) return;
      const began = performance.now();
      this.#show();
      this.#rest = 4 * (performance.now() - began);
      this.onGrown();
    }), this.#rest);
  }

  #show() {
    if (this.#text !== '') this.#said.replaceChildren(markdown(this.#text));
    if (this.#thought !== '') this.#thinking.lastElementChild.replaceChildren(markdown(this.#thought));
  }
}

/// Where the answer came from and why, and on demand all of it.
function routeOf(route, continued = [], end = {}) {
  const last = continued.at(-1) ?? route;
  const parts = [last.node, last.model, end.first_token_ms !== undefined && `first word ${milliseconds(end.first_token_ms)}`,
    end.tokens_per_second && `${count(end.tokens_per_second)} tokens/s`].filter(Boolean);
  const facts = [
    ['Answered by', `${route.node} (${words(route.reason)})`],
    ...continued.map((one) => ['Went on', `${one.node}, after ${plural(one.after_tokens, 'token')}`]),
    ...(route.skipped ?? []).map((skip) => ['Passed over', `${skip.node}: ${words(skip.reason)}`]),
    ...(end.usage ? [['Tokens', `${count(end.usage.prompt_tokens)} read, ${count(end.usage.completion_tokens)} made`]] : []),
    ...(route.request ? [['Request', route.request]] : []),
  ];
  return [
    el('details', { class: 'route' }, el('summary', parts.join(' · ')),
      el('dl', facts.map(([name, value]) => [el('dt', name), el('dd', value)]))),
    (route.insights ?? []).length > 0 && el('details', { class: 'route' },
      el('summary', `${plural(route.insights.length, 'insight')} used`),
      el('ul', route.insights.map((insight) => el('li', el('a', { href: `/ui/culture?id=${encodeURIComponent(insight.id)}` }, insight.text))))),
  ];
}
