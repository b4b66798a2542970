// SPDX-License-Identifier: Apache-2.0
import { get } from './api.js';
import { inNextFrame } from './dom.js';
import { live } from './live.js';

/// The alerts of the mesh, as the node knows them.
class Alerts {
  firing = [];
  pending = [];
  resolved = [];
  silences = [];
  #watchers = new Set();
  #tell = inNextFrame(() => { for (const watcher of this.#watchers) watcher(); });

  constructor() {
    live.on('alert', () => this.read());
  }

  watch(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  async read() {
    try {
      const all = await get('/api/alerts');
      const are = (state) => all.alerts.filter((alert) => alert.state === state);
      this.firing = are('firing');
      this.pending = are('pending');
      this.resolved = are('resolved');
      this.silences = all.silences;
    } catch {
      // The bar says that the node is gone; a key without the right sees no alerts.
      this.firing = [];
    }
    this.#tell();
  }
}

export const alerts = new Alerts();
