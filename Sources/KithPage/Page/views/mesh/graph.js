// SPDX-License-Identifier: Apache-2.0
import { forceCollide, forceLink, forceManyBody, forceRadial, forceSimulation } from 'd3-force';
import { select } from 'd3-selection';
import { setText, svg } from '../../core/dom.js';
import { milliseconds, plural } from '../../core/format.js';
import { live } from '../../core/live.js';
import { mesh } from '../../core/mesh.js';

/// Units of the drawing: wide where there is room, and nearly square on a phone, so that names stay legible.
const WIDE = { width: 900, height: 420 };
/// For a few machines, which need no such height.
const LOW = { width: 900, height: 270 };
const FEW = 6;
const NARROW = { width: 440, height: 300 };
const NARROW_BELOW = 620;
/// How far from the middle, as a part of half the height.
const RING = { kin: 0.62, kith: 0.88, plain: 0.88 };
/// Ticks until the forces have come to rest; done at once, since a graph that wanders is hard to read.
const TICKS = 180;

/// The mesh as a graph: this node in the middle, kin around it, others' nodes further out; an edge is alive while a request or
/// an exchange runs over it.
///
/// The layout is made anew only when nodes come or go. Everything else changes attributes of what is there.
export class Graph {
  #edges = svg('g', { class: 'edges' });
  #nodes = svg('g', { class: 'nodes' });
  /// Whom the layout is of; `null` where there is none yet, as opposed to one of this node alone.
  #known = null;
  #lively = new Map();
  #size = WIDE;
  #observer = new ResizeObserver(() => {
    if (mesh.own) this.update();
  });
  #ends;
  element = svg('svg', { role: 'img', 'aria-label': 'Graph of the mesh' }, this.#edges, this.#nodes);

  constructor() {
    const enliven = (kind) => (fields) => this.#enliven(fields.peer ?? fields.name, kind);
    this.#ends = [live.on('sync', enliven('sync')), live.on('exchange', enliven('exchange'))];
    this.#observer.observe(this.element);
    this.#fit();
  }

  #fit() {
    const isNarrow = this.element.clientWidth > 0 && this.element.clientWidth < NARROW_BELOW;
    const size = isNarrow ? NARROW : mesh.peers.size <= FEW ? LOW : WIDE;
    if (size === this.#size && this.element.hasAttribute('viewBox')) return;
    this.#size = size;
    this.element.setAttribute('viewBox', `0 0 ${size.width} ${size.height}`);
    this.#known = null;
  }

  end() {
    this.#observer.disconnect();
    for (const end of this.#ends) end();
    for (const timer of this.#lively.values()) clearTimeout(timer);
  }

  update() {
    this.#fit();
    const peers = [...mesh.peers.values()].slice(0, 128);
    const known = peers.map((peer) => `${peer.id ?? peer.name}:${peer.tier}`).sort().join();
    if (known !== this.#known) {
      this.#known = known;
      this.#layOut(peers);
    }
    this.#paint(peers);
  }

  #layOut(peers) {
    const { width, height } = this.#size;
    const [middleX, middleY] = [width / 2, height / 2 - 6];
    const nodes = [{ key: 'own', fx: middleX, fy: middleY }];
    peers.forEach((peer, index) => {
      const angle = Math.PI + (2 * Math.PI * index) / peers.length;
      const ring = (RING[peer.tier] ?? RING.kith) * (height / 2);
      nodes.push({ key: peer.id ?? peer.name, ring, x: middleX + ring * Math.cos(angle), y: middleY + ring * Math.sin(angle) });
    });
    const links = nodes.slice(1).map((node) => ({ source: nodes[0], target: node, distance: node.ring }));
    const crowd = Math.max(1, peers.length / 12);
    forceSimulation(nodes)
      .force('charge', forceManyBody().strength(-260 / crowd))
      .force('link', forceLink(links).distance((link) => link.distance).strength(0.1))
      .force('ring', forceRadial((node) => (node.ring ?? 0) * Math.min(1.1, crowd), middleX, middleY).strength(0.5))
      .force('apart', forceCollide(peers.length > 24 ? 20 : 38))
      .force('flat', () => {
        // The place is wider than high.
        for (const node of nodes) {
          if (node.ring === undefined) continue;
          node.x += (node.x - middleX) * 0.012 * (width / height - 1);
          node.x = Math.min(width - 60, Math.max(60, node.x));
          node.y = Math.min(height - 40, Math.max(30, node.y));
        }
      })
      .stop()
      .tick(TICKS);
    const own = nodes[0];
    select(this.#edges).selectAll('line').data(nodes.slice(1), (node) => node.key)
      .join((enter) => enter.append('line').each(function () { this.append(svg('title')); }))
      .attr('x1', own.fx).attr('y1', own.fy).attr('x2', (node) => node.x).attr('y2', (node) => node.y);
    select(this.#nodes).selectAll('g').data(nodes, (node) => node.key)
      .join((enter) => enter.append('g').each(function (node) {
        const radius = node.key === 'own' ? 22 : 15;
        this.append(svg('title'), svg('circle', { class: 'halo', r: radius + 6 }), svg('circle', { class: 'body', r: radius }),
          svg('text', { class: 'load', y: 5, 'text-anchor': 'middle' }), svg('text', { class: 'name', y: radius + 19, 'text-anchor': 'middle' }));
      }))
      .attr('transform', (node) => `translate(${node.x.toFixed(1)} ${node.y.toFixed(1)})`);
    this.element.classList.toggle('crowded', peers.length > 24);
  }

  #paint(peers) {
    const byKey = new Map(peers.map((peer) => [peer.id ?? peer.name, peer]));
    for (const group of this.#nodes.children) {
      const { key } = group.__data__;
      const peer = key === 'own' ? ownAsPeer() : byKey.get(key);
      if (!peer) continue;
      const running = Math.max(mesh.load(peer.name), key === 'own' ? mesh.own.engine.active : peer.active ?? 0);
      mark(group, 'class', `node ${peer.tier} ${peer.state}${peer.draining ? ' draining' : ''}${peer.models.length === 0 ? ' modelless' : ''}`);
      setText(group.children[0], sentence(peer, running));
      setText(group.children[3], running > 0 ? String(running) : '');
      setText(group.children[4], peer.name.length > 18 ? `${peer.name.slice(0, 17)}…` : peer.name);
    }
    for (const line of this.#edges.children) {
      const peer = byKey.get(line.__data__.key);
      if (!peer) continue;
      const kinds = [peer.tier, peer.state];
      if (mesh.load(peer.name) > 0) kinds.push('request');
      for (const kind of ['sync', 'exchange']) if (this.#lively.has(`${peer.name} ${kind}`)) kinds.push(kind);
      mark(line, 'class', kinds.join(' '));
      setText(line.firstChild, `${peer.name}: ${peer.latency_ms === undefined ? 'not measured' : milliseconds(peer.latency_ms)} there and back`);
    }
  }

  /// An edge stays alive for a moment, so that a short exchange is seen.
  #enliven(name, kind) {
    if (!name) return;
    const key = `${name} ${kind}`;
    clearTimeout(this.#lively.get(key));
    this.#lively.set(key, setTimeout(() => {
      this.#lively.delete(key);
      this.update();
    }, 900));
    this.update();
  }
}

function ownAsPeer() {
  const { node, engine, draining } = mesh.own;
  const state = live.state === 'lost' ? 'down' : engine.state === 'down' ? 'suspect' : 'up';
  return { name: node, tier: 'own', state, models: engine.models, draining };
}

function sentence(peer, running) {
  const parts = [`${peer.name}, ${peer.tier === 'own' ? 'this node' : peer.tier}, ${peer.state}`];
  if (peer.reason) parts.push(peer.reason);
  parts.push(peer.models.length > 0 ? peer.models.slice(0, 6).join(', ') : 'no models');
  if (running > 0) parts.push(`${plural(running, 'request')} running`);
  if (peer.latency_ms !== undefined) parts.push(`${milliseconds(peer.latency_ms)} there and back`);
  return parts.join('\n');
}

function mark(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}
