// SPDX-License-Identifier: Apache-2.0
import { ask, get } from '../../core/api.js';
import { asked, attempt } from '../../core/dialog.js';
import { button, el, fill, inNextFrame, setText } from '../../core/dom.js';
import { ago, decimal, NONE, plural, seconds, time, words } from '../../core/format.js';
import { may } from '../../core/identity.js';
import { live } from '../../core/live.js';
import { ContextList } from './context.js';

/// What the owner's machines share: levels, working context, and how far each is behind.
export async function workView(place, { isShown }) {
  const headline = el('p', { class: 'headline' });
  const conflicts = el('section', { class: 'card attention', 'aria-labelledby': 'conflicts-title', hidden: true });
  const context = new ContextList(conflicts);
  const levels = el('div');
  const sync = el('div');
  const bridge = el('section', { class: 'card', 'aria-labelledby': 'bridge-title', hidden: true });
  fill(place,
    el('div', { class: 'view-head' }, el('div', el('h1', 'Work'), headline)),
    conflicts,
    el('section', { class: 'card', 'aria-labelledby': 'context-title' },
      el('div', { class: 'card-head' }, el('h2', { id: 'context-title' }, 'Working context'), may('sync') && button('Add', () => context.add())),
      context.element),
    el('div', { class: 'columns' },
      el('section', { class: 'card', 'aria-labelledby': 'levels-title' }, el('h2', { id: 'levels-title' }, 'Levels'), levels),
      el('section', { class: 'card', 'aria-labelledby': 'sync-title' }, el('h2', { id: 'sync-title' }, 'In step'), sync)),
    bridge);

  let standing = null;
  const readSync = async () => {
    standing = await get('/api/sync');
    if (!isShown()) return;
    showSync(sync, standing);
    setText(headline, summary(standing, context));
  };
  const readLevels = async () => showLevels(levels, (await get('/api/levels')).levels);
  const readContext = async () => {
    await context.read();
    if (standing) setText(headline, summary(standing, context));
  };
  const readBridge = async () => {
    const report = await get('/api/bridge');
    bridge.hidden = report.mode === null;
    if (report.mode !== null) showBridge(bridge, report);
  };
  const soon = (work) => inNextFrame(() => work().catch(() => {}));
  await Promise.all([readSync(), readLevels(), readContext(), readBridge()]);
  const ends = [
    live.on('context', soon(readContext)), live.on('level', soon(readLevels)), live.on('sync', soon(readSync)), live.on('bridge', soon(readBridge)),
    live.on('mesh', soon(readSync)), live.on('reload', soon(() => Promise.all([readSync(), readLevels(), readContext(), readBridge()]))),
  ];
  return () => { for (const end of ends) end(); };
}

function summary({ kin, operations }, context) {
  const behind = kin.filter((one) => one.state !== 'in_step');
  const parts = [plural(context.count, 'key')];
  if (context.conflicts > 0) parts.push(`${plural(context.conflicts, 'conflict')} to resolve`);
  if (kin.length === 0) parts.push('no other machine shares it yet');
  else parts.push(behind.length === 0 ? 'all machines in step' : `${behind.map((one) => one.name).join(', ')} not in step`);
  parts.push(plural(operations, 'write'));
  return parts.join(' · ');
}

function showLevels(place, levels) {
  if (levels.length === 0) {
    return fill(place, el('p', { class: 'muted' }, 'No machine or program has declared a level. It is the weight of a machine when your prompts are placed: ', el('code', '--level 2'), ' doubles it.'));
  }
  const most = Math.max(10, ...levels.map((one) => one.level));
  fill(place, el('ul', { class: 'rows' }, levels.map((one) => el('li',
    el('div', el('strong', one.name ?? one.source), el('span', { class: 'muted' }, ` written ${ago(one.written_at)} at ${one.node}`)),
    el('div', { class: 'level' }, el('meter', { min: 0, max: most, value: one.level, 'aria-label': `Level of ${one.name ?? one.source}` }), el('span', decimal(one.level)),
      may('sync') && button('Change', () => changeLevel(one), { class: 'quiet', 'aria-label': `Change the level of ${one.name ?? one.source}` }))))));
}

async function changeLevel({ source, name, level }) {
  const text = await asked(`Level of ${name ?? source}`, 'From 0 to 10', { value: String(level), pattern: '([0-9](\\.[0-9]+)?|10(\\.0+)?)', inputmode: 'decimal' });
  if (text === null || Number(text) === level) return;
  await attempt(() => ask('PUT', `/api/levels/${encodeURIComponent(source)}`, { level: Number(text) }));
}

function showSync(place, { kin }) {
  if (kin.length === 0) return fill(place, el('p', { class: 'muted' }, 'Pair another machine of yours, and it shares all this, also after it was away.'));
  fill(place, el('ul', { class: 'rows' }, kin.map((one) => el('li',
    el('div', el('strong', one.name), ' ', el('span', { class: 'state', data: { state: one.state } }, words(one.state))),
    el('div', { class: 'muted' }, [
      one.behind_by > 0 && `lacks ${plural(one.behind_by, 'write')}`, one.ahead_by > 0 && `has ${plural(one.ahead_by, 'write')} more`,
      one.unreachable_since && `away since ${time(one.unreachable_since)}`,
      one.exchanged_seconds_ago !== undefined && `last exchange ${seconds(one.exchanged_seconds_ago)} ago`, one.problem].filter(Boolean).join(' · ') || NONE)))));
}

function showBridge(section, { mode, since, upstreams = [], history = [] }) {
  fill(section, el('h2', { id: 'bridge-title' }, 'Bridge'),
    el('p', el('span', { class: 'state', data: { state: mode } }, words(mode)), el('span', { class: 'muted' }, ` since ${time(since)}`)),
    upstreams.length > 0 && el('ul', { class: 'rows' }, upstreams.map((one) => el('li', el('div', el('strong', one.node ?? one.url), ' ', el('span', { class: 'state', data: { state: one.state } }, words(one.state))),
      el('span', { class: 'muted' }, one.reason ?? '')))),
    history.length > 0 && [el('h3', 'Before'), el('ol', { class: 'timeline' }, history.map((one) => el('li', el('time', time(one.at)), ' ', words(one.mode), one.reason && el('span', { class: 'muted' }, ` ${one.reason}`))))]);
}

