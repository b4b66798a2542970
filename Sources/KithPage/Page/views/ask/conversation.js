// SPDX-License-Identifier: Apache-2.0
import { ask, eventsOf, request } from '../../core/api.js';
import { el, fill } from '../../core/dom.js';
import { mesh } from '../../core/mesh.js';
import { AnswerElement, questionElement, turnElements } from './messages.js';

/// One conversation on screen. The node makes the answer whether somebody looks or not, so that a reload in the middle of it
/// finds it again; only `stop` ends it.
export class Conversation {
  element = el('div', { class: 'messages', role: 'log', 'aria-label': 'Conversation', 'aria-live': 'polite', tabindex: '0' });
  onBusy = () => {};
  #session;
  #abort = null;
  #isFollowing = true;

  constructor(session) {
    this.#session = session;
    window.addEventListener('pagehide', this.#hidden);
    this.element.addEventListener('scroll', () => {
      const { scrollTop, scrollHeight, clientHeight } = this.element;
      this.#isFollowing = scrollHeight - scrollTop - clientHeight < 60;
    });
  }

  get #path() { return `/api/sessions/${encodeURIComponent(this.#session)}`; }

  /// Shows what was said, and goes on with an answer that is being made.
  ///
  /// - read: reads the conversation; `null` for one who may not, and for one that the node does not have yet.
  /// - otherwise: reads it where no answer is being made after all.
  async open(read, otherwise) {
    await this.#show(read);
    if (!await this.#resume() && otherwise) await this.#show(otherwise);
  }

  async #show(read) {
    let turns = [];
    if (read) {
      try {
        turns = (await read()).turns;
      } catch (error) {
        if (error.status !== 404) throw error;
      }
    }
    fill(this.element, turns.length > 0 ? turnElements(turns) : this.#greeting());
    this.#scroll();
  }

  /// The answer goes on at the node; a page that is hidden holds no connection.
  #hidden = () => this.#abort?.abort();

  leave() {
    window.removeEventListener('pagehide', this.#hidden);
    this.#abort?.abort();
  }

  #greeting() {
    const models = mesh.models.size;
    return el('div', { class: 'greeting' },
      el('h2', models > 0 ? 'Ask your machines' : 'Nobody can answer yet'),
      el('p', { class: 'muted' }, models > 0
        ? 'The best engine of your mesh answers. If its machine dies in the middle, another goes on.'
        : mesh.own?.engine.reason ?? 'No engine is ready.'));
  }

  async ask({ message, model, node, images }) {
    this.element.querySelector('.greeting')?.remove();
    this.element.append(questionElement(message, images));
    this.#isFollowing = true;
    const answer = this.#begin();
    await this.#follow(answer, (signal) => request('POST', `${this.#path}/messages`, {
      message, ...(model ? { model } : {}), ...(node ? { node } : {}), ...(images.length > 0 ? { images } : {}),
    }, { signal, accept: 'text/event-stream', endless: true }));
    return answer.failure === null;
  }

  /// - Returns: whether one is being made.
  async #resume() {
    let response;
    try {
      response = await request('GET', `${this.#path}/answer`, undefined, { accept: 'text/event-stream', endless: true });
    } catch {
      return false;
    }
    if (response.status === 204) return false;
    this.element.querySelector('.greeting')?.remove();
    const answer = this.#begin();
    this.#follow(answer, async () => response);
    return true;
  }

  async stop() {
    try {
      await ask('DELETE', `${this.#path}/answer`);
    } catch {
      this.#abort?.abort();
    }
  }

  #begin() {
    const answer = new AnswerElement();
    answer.onGrown = () => this.#scroll();
    this.element.append(answer.element);
    this.#scroll();
    return answer;
  }

  async #follow(answer, open) {
    this.#abort?.abort();
    const abort = this.#abort = new AbortController();
    this.element.setAttribute('aria-busy', 'true');
    this.onBusy(true);
    try {
      const response = await open(abort.signal);
      for await (const event of eventsOf(response)) {
        if (abort.signal.aborted) return;
        if (event?.data === undefined) continue;
        const fields = JSON.parse(event.data);
        if (event.event === 'question') answer.element.before(questionElement(fields.message, fields.images ?? []));
        else answer.take(event.event, fields);
        if (answer.isOver) break;
      }
      if (!answer.isOver) answer.take('error', { message: 'The connection to this node was lost. Open the conversation again to go on reading.' });
    } catch (error) {
      if (abort.signal.aborted) return;
      answer.take('error', { message: error.message });
    } finally {
      if (this.#abort === abort) {
        this.element.setAttribute('aria-busy', 'false');
        this.onBusy(false);
      }
    }
  }

  #scroll() {
    if (this.#isFollowing) this.element.scrollTop = this.element.scrollHeight;
  }
}
