// SPDX-License-Identifier: Apache-2.0
import { ask, get } from '../../core/api.js';
import { alerts } from '../../core/alerts.js';
import { button, el, fill, inNextFrame, setText } from '../../core/dom.js';
import { bytes, count, milliseconds, NONE, plural, words } from '../../core/format.js';
import { may } from '../../core/identity.js';
import { live } from '../../core/live.js';
import { mesh } from '../../core/mesh.js';
import { showAlerts } from './alerts.js';
import { Requests } from './requests.js';
import { showReport } from './report.js';

/// Whether it works, how fast, and what needs attention.
export async function healthView(place, { isShown }) {
  const headline = el('p', { class: 'headline' });
  const tiles = el('div', { class: 'tiles' });
  const alertPlace = el('section', { class: 'card', 'aria-labelledby': 'alerts-title' });
  const requests = new Requests();
  const engines = el('section', { class: 'card', 'aria-labelledby': 'engines-title' });
  const usage = el('section', { class: 'card', 'aria-labelledby': 'usage-title', hidden: true });
  const report = el('section', { class: 'card', 'aria-labelledby': 'doctor-title' });
  const result = el('div', { 'aria-live': 'polite' });
  const run = button('Run the doctor', async () => {
    run.disabled = true;
    setText(run, 'Looking…');
    try {
      showReport(result, await ask('POST', '/api/doctor'));
    } catch (error) {
      fill(result, el('p', { class: 'trouble' }, error.message));
    }
    run.disabled = false;
    setText(run, 'Run the doctor');
  });
  fill(report, el('div', { class: 'card-head' }, el('h2', { id: 'doctor-title' }, 'Doctor'), may('admin') && run),
    el('p', { class: 'muted' }, may('admin') ? 'Looks at files, network, engine and peers, and says what to do.' : 'Running it is for the owner; in a terminal: kith doctor'), result);
  fill(place, el('div', { class: 'view-head' }, el('div', el('h1', 'Health'), headline)), tiles, alertPlace, requests.element,
    el('div', { class: 'columns' }, engines, usage), report);

  let vitals = null;
  const show = () => {
    if (!mesh.own) return;
    requests.update();
    showTiles(tiles, requests.summary, vitals);
    setText(headline, headlineOf());
    showEngines(engines, vitals);
  };
  let names = new Map();
  const readNames = async () => {
    if (may('admin')) names = new Map((await get('/api/keys')).keys.map((key) => [key.id, key.name]));
  };
  const readVitals = async () => {
    try {
      vitals = await get('/api/vitals');
      if (vitals.usage?.some((one) => !names.has(one.key))) await readNames();
    } catch {
      vitals = null;
    }
    if (!isShown()) return;
    showUsage(usage, vitals, names);
    show();
  };
  const alertsChanged = () => showAlerts(alertPlace, alerts);
  alertsChanged();
  show();
  await readVitals();
  // What a route event says changes what the node counts; it is read again when it has been quiet for a moment.
  let pause = 0;
  const soon = () => {
    clearTimeout(pause);
    pause = setTimeout(readVitals, 1_000);
  };
  const ends = [mesh.watch(show), alerts.watch(alertsChanged), live.on('route', soon), live.on('mesh', soon), live.on('node', soon), live.on('reload', inNextFrame(readVitals))];
  return () => {
    clearTimeout(pause);
    for (const end of ends) end();
  };
}

function headlineOf() {
  if (live.state === 'lost') return 'The node is out of reach';
  if (alerts.firing.length > 0) return alerts.firing[0].text ?? plural(alerts.firing.length, 'alert');
  if (mesh.models.size === 0) return 'Nobody can answer: no engine is ready';
  return 'All is well';
}

function showTiles(place, { total, failed, first50, first95, speed, continued }, vitals) {
  const all = [
    ['Last requests', count(total), failed > 0 ? `${failed} failed` : total > 0 ? 'none failed' : 'nobody asked yet', failed > 0 ? 'bad' : ''],
    ['First word', milliseconds(first50), first95 === undefined ? '' : `95 of 100 within ${milliseconds(first95)}`],
    ['Speed', speed === undefined ? NONE : `${count(speed)} tokens/s`, 'in the middle'],
    ['Went on elsewhere', count(continued), 'when a machine was lost'],
    ['Waiting', count(vitals?.engine?.queued ?? mesh.own.engine.queued), vitals?.engine?.queue_limit ? `of ${count(vitals.engine.queue_limit)} places` : 'no queue here'],
  ];
  if (vitals?.disk) all.push(['Disk', bytes(vitals.disk.free_bytes), `free of ${bytes(vitals.disk.size_bytes)}`, vitals.disk.free_bytes / vitals.disk.size_bytes < 0.05 ? 'bad' : '']);
  fill(place, all.map(([name, value, note, kind]) => el('div', { class: `tile ${kind ?? ''}` }, el('span', { class: 'name' }, name), el('strong', value), el('span', { class: 'muted' }, note))));
}

function showEngines(section, vitals) {
  const { engine, node } = mesh.own;
  const rows = [[node, engine.kind ?? 'none', engine.state, engine.models, engine.state === 'ready' ? '' : engine.reason]];
  for (const peer of mesh.kin) rows.push([peer.name, '', peer.state === 'up' ? (peer.models.length > 0 ? 'ready' : 'no models') : peer.state, peer.models, peer.reason ?? '']);
  const breakers = (vitals?.breakers ?? []).filter((one) => one.state !== 'closed');
  fill(section, el('h2', { id: 'engines-title' }, 'Engines'),
    el('ul', { class: 'rows' }, rows.map(([name, kind, state, models, reason]) => el('li', el('div', { class: 'grow' },
      el('strong', name), ' ', kind && el('span', { class: 'tag' }, kind), ' ', el('span', { class: 'state', data: { state } }, words(state)),
      el('div', { class: 'muted' }, models.slice(0, 6).join(', ') || reason || 'no models'))))),
    breakers.length > 0 && [el('h3', 'Left alone after failures'), el('ul', breakers.map((one) => el('li', `${one.model} on ${one.node}: ${one.state === 'open' ? 'not asked for now' : 'being tried'}`)))]);
}

function showUsage(section, vitals, names) {
  const keys = vitals?.usage ?? [];
  section.hidden = keys.length === 0;
  fill(section, el('h2', { id: 'usage-title' }, 'Usage by key'),
    el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Usage by key' }, el('table', el('thead', el('tr', el('th', { scope: 'col' }, 'Key'), el('th', { scope: 'col' }, 'Requests'), el('th', { scope: 'col' }, 'Tokens today'))),
      el('tbody', keys.map((one) => el('tr', el('th', { scope: 'row' }, names.get(one.key) ?? one.key), el('td', count(one.requests)), el('td', count(one.tokens_today ?? 0))))))));
}

