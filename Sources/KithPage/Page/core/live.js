// SPDX-License-Identifier: Apache-2.0
import { eventsOf, request } from './api.js';

const SILENCE = 2_000;
const PAUSES = [200, 500, 1_000, 2_000];

/// Follows what happens in the node, for as long as the page is open.
///
/// Views listen to kinds of events. After a gap, or when the node is back under another run, listeners of `reload` read anew
/// what they show. `state` is `connecting`, `live` or `lost`.
class Live {
  state = 'connecting';
  #listeners = new Map();
  #last = null;
  #failures = 0;
  #heard = 0;
  #abort = null;
  #isAway = false;

  /// - Returns: a function that ends the listening.
  on(kind, listener) {
    const listeners = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  tell(kind, fields) {
    for (const listener of this.#listeners.get(kind) ?? []) {
      try {
        listener(fields);
      } catch (error) {
        console.error(error);
      }
    }
  }

  async follow() {
    // A page that the browser keeps for the way back must hold no connection: there are few to one node.
    window.addEventListener('pagehide', () => {
      this.#isAway = true;
      this.#abort?.abort();
    });
    while (true) {
      if (this.#isAway) await new Promise((resolve) => { window.addEventListener('pageshow', resolve, { once: true }); });
      this.#isAway = false;
      const abort = this.#abort = new AbortController();
      const watch = setInterval(() => {
        if (Date.now() - this.#heard > SILENCE) abort.abort();
      }, 250);
      try {
        this.#heard = Date.now();
        await this.#read(abort.signal);
      } catch (error) {
        // Sign-in is needed or was lost: the page asks for it, and then follows again.
        if (error.status === 401 || error.status === 403) {
          this.#become('lost');
          this.tell('signed-out', error);
          clearInterval(watch);
          await new Promise((resolve) => { this.signedIn = resolve; });
          continue;
        }
      }
      clearInterval(watch);
      this.#become('lost');
      const pause = PAUSES[Math.min(this.#failures, PAUSES.length - 1)];
      this.#failures += 1;
      await new Promise((resolve) => { setTimeout(resolve, pause); });
    }
  }

  async #read(signal) {
    const resume = this.#last === null ? '' : `&last-event-id=${encodeURIComponent(this.#last)}`;
    const response = await request('GET', `/api/events?heartbeat=1${resume}`, undefined, {
      signal, accept: 'text/event-stream', endless: true,
    });
    const wasLost = this.state === 'lost';
    this.#failures = 0;
    let isFirst = true;
    for await (const event of eventsOf(response)) {
      this.#heard = Date.now();
      if (isFirst) {
        isFirst = false;
        this.#become('live');
        if (wasLost && this.#last === null) this.tell('reload');
      }
      if (event === null) continue;
      if (event.id) this.#last = event.id;
      if (event.data === undefined) continue;
      if (event.event === 'gap') {
        this.tell('reload');
        continue;
      }
      let fields;
      try {
        fields = JSON.parse(event.data);
      } catch {
        continue;
      }
      this.tell(event.event, fields);
    }
  }

  #become(state) {
    if (this.state === state) return;
    this.state = state;
    this.tell('state', state);
  }
}

export const live = new Live();
