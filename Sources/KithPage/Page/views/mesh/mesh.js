// SPDX-License-Identifier: Apache-2.0
import { get } from '../../core/api.js';
import { button, el, fill, setText } from '../../core/dom.js';
import { plural } from '../../core/format.js';
import { may, ownerHint } from '../../core/identity.js';
import { live } from '../../core/live.js';
import { mesh } from '../../core/mesh.js';
import { Graph } from './graph.js';
import { joinDialog, inviteDialog } from './pairing.js';
import { PeerTable } from './table.js';

/// Who is in the mesh, what works, and what runs.
export async function meshView(place) {
  const headline = el('p', { class: 'headline' });
  const graph = new Graph();
  const table = new PeerTable();
  const nearby = el('section', { class: 'card', 'aria-labelledby': 'nearby-title', hidden: true });
  const isOwner = may('admin');
  fill(place,
    el('div', { class: 'view-head' },
      el('div', el('h1', 'Mesh'), headline),
      isOwner && el('div', { class: 'actions' },
        button('Invite a machine', inviteDialog, { class: 'primary' }), button('Enter a code', () => joinDialog()))),
    el('section', { class: 'card graph', 'aria-label': 'The mesh as a graph; the table after it says the same' }, graph.element),
    el('section', { class: 'card', 'aria-labelledby': 'machines' }, el('h2', { id: 'machines' }, 'Machines'), table.element,
      !isOwner && ownerHint('Pairing and changing machines')),
    nearby);

  const show = () => {
    if (!mesh.own) return;
    setText(headline, summary());
    graph.update();
    table.update();
  };
  const readNearby = async () => {
    try {
      showNearby(nearby, await get('/api/peers/nearby'));
    } catch {
      nearby.hidden = true;
    }
  };
  show();
  readNearby();
  const ends = [mesh.watch(show), live.on('pairing', readNearby), live.on('reload', readNearby), live.on('state', show)];
  return () => {
    for (const end of ends) end();
    graph.end();
  };
}

function summary() {
  const machines = 1 + mesh.peers.size;
  const away = [...mesh.peers.values()].filter((peer) => ['down', 'left', 'suspect', 'unknown'].includes(peer.state));
  const sleeping = [...mesh.peers.values()].filter((peer) => peer.state === 'asleep');
  const models = mesh.models.size;
  const parts = [plural(machines, 'machine'), plural(models, 'model')];
  if (mesh.running.size > 0) parts.push(`${plural(mesh.running.size, 'request')} running`);
  if (away.length === 1) parts.push(`${away[0].name} is away`);
  else if (away.length > 1) parts.push(`${away.length} are away`);
  if (sleeping.length === 1) parts.push(`${sleeping[0].name} is asleep`);
  else if (sleeping.length > 1) parts.push(`${sleeping.length} are asleep`);
  if (machines > 1 && away.length + sleeping.length === 0) parts.push('all in reach');
  if (models === 0) parts.push('nobody can answer');
  return parts.join(' · ');
}

function showNearby(section, { nodes, problems }) {
  section.hidden = nodes.length === 0 && problems.length === 0;
  if (section.hidden) return;
  fill(section, el('h2', { id: 'nearby-title' }, 'Nearby, not paired'),
    nodes.length > 0 && el('ul', { class: 'rows' }, nodes.map((node) => el('li',
      el('div', el('strong', nameOf(node)), ' ', el('span', { class: 'muted' }, (node.addresses ?? []).slice(0, 2).join(', '))),
      may('admin') && button('Pair', () => joinDialog(nameOf(node)))))),
    problems.map((problem) => el('p', { class: 'hint' }, typeof problem === 'string' ? problem : problem.message ?? problem.reason ?? '')));
}

const nameOf = (node) => node.name ?? node.id?.slice(0, 7) ?? node.addresses?.[0] ?? 'a node';
