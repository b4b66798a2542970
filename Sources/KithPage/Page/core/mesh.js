// SPDX-License-Identifier: Apache-2.0
import { get } from './api.js';
import { inNextFrame } from './dom.js';
import { live } from './live.js';

const RECENT = 256;

/// What the page knows of the mesh: read once, then kept true by events.
class Mesh {
  /// As `GET /api/status` says it, without `peers`; `null` until it was read.
  own = null;
  /// By name.
  peers = new Map();
  /// Requests that run now, by id: { node, model, began }.
  running = new Map();
  /// Requests that ended, the newest first.
  recent = [];
  #watchers = new Set();
  #tell = inNextFrame(() => { for (const watcher of this.#watchers) watcher(); });

  constructor() {
    live.on('node', (fields) => this.#change(() => { this.own = { ...this.own, ...fields }; }));
    live.on('mesh', (fields) => this.#change(() => this.#peer(fields)));
    live.on('request', (fields) => this.#change(() => {
      this.running.set(fields.id, { ...fields, began: performance.now() });
      if (this.running.size > 512) this.running.delete(this.running.keys().next().value);
    }));
    live.on('route', (fields) => this.#change(() => {
      this.running.delete(fields.id);
      this.recent.unshift(fields);
      this.recent.length = Math.min(this.recent.length, RECENT);
    }));
    live.on('reload', () => this.read().catch(() => {}));
  }

  /// Calls `watcher` after changes, once a frame at most.
  ///
  /// - Returns: a function that ends that.
  watch(watcher) {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  async read() {
    const [status, recent] = await Promise.all([get('/api/status'), get(`/api/routes/recent?limit=${RECENT}`)]);
    const { peers, ...own } = status;
    this.own = own;
    this.peers = new Map(peers.map((peer) => [peer.id ?? peer.name, peer]));
    this.recent = recent.requests;
    this.running.clear();
    this.#tell();
  }

  get kin() { return [...this.peers.values()].filter((peer) => peer.tier === 'kin'); }

  /// Every model that can be asked, with the nodes that have it.
  get models() {
    const models = new Map();
    const note = (name, node) => models.set(name, [...(models.get(name) ?? []), node]);
    for (const model of this.own?.engine.models ?? []) note(model, this.own.node);
    for (const peer of this.kin) {
      if (peer.state === 'up') for (const model of peer.models) note(model, peer.name);
    }
    return models;
  }

  /// How many requests run at a node now.
  load(name) {
    let count = 0;
    for (const request of this.running.values()) if (request.node === name) count += 1;
    return count;
  }

  #peer(fields) {
    const { gone, kind, at, ...peer } = fields;
    const key = peer.id ?? peer.name;
    if (gone) this.peers.delete(key);
    else this.peers.set(key, peer);
  }

  #change(work) {
    if (this.own === null) return;
    work();
    this.#tell();
  }
}

export const mesh = new Mesh();
