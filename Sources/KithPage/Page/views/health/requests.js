// SPDX-License-Identifier: Apache-2.0
import { axisBottom, axisLeft } from 'd3-axis';
import { scaleLog, scaleTime } from 'd3-scale';
import { select } from 'd3-selection';
import { el, fill, keyed, svg } from '../../core/dom.js';
import { count, milliseconds, NONE, time, words } from '../../core/format.js';
import { mesh } from '../../core/mesh.js';

const WIDTH = 900;
const HEIGHT = 200;
const MARGIN = { top: 10, right: 16, bottom: 26, left: 56 };
const SHOWN = 12;

/// The last requests: how long clients waited for the first word, and where each went and why.
export class Requests {
  summary = { total: 0, failed: 0, continued: 0 };
  #chart = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', class: 'chart' });
  #body = el('tbody');
  #speeds = el('tbody');
  #empty = el('p', { class: 'muted' }, 'Nobody has asked anything since the node’s start.');
  #table = el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'The last requests' }, el('table', { class: 'stacks' },
    el('thead', el('tr', ['When', 'Answered by', 'Why', 'First word', 'Whole', 'Outcome'].map((name) => el('th', { scope: 'col' }, name)))), this.#body));
  #speedTable = el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Speed by machine and model' }, el('table',
    el('thead', el('tr', ['Machine', 'Model', 'Requests', 'First word', 'Tokens/s'].map((name) => el('th', { scope: 'col' }, name)))), this.#speeds));
  element = el('section', { class: 'card', 'aria-labelledby': 'requests-title' }, el('h2', { id: 'requests-title' }, 'Requests'), this.#empty, this.#chart, this.#speedTable, this.#table);
  #drawn = null;

  update() {
    const { recent } = mesh;
    if (this.#drawn === recent[0] && recent.length > 0) return;
    this.#drawn = recent[0] ?? null;
    const isEmpty = recent.length === 0;
    this.#empty.hidden = !isEmpty;
    for (const part of [this.#chart, this.#table, this.#speedTable]) part.toggleAttribute('hidden', isEmpty);
    const firsts = recent.map((one) => one.first_token_ms).filter((value) => value !== undefined);
    this.summary = {
      total: recent.length, failed: recent.filter((one) => one.outcome === 'failed').length, continued: recent.reduce((sum, one) => sum + one.continuations.length, 0),
      first50: quantile(firsts, 0.5), first95: quantile(firsts, 0.95), speed: quantile(recent.map((one) => one.tokens_per_second).filter(Boolean), 0.5),
    };
    if (isEmpty) return;
    this.#draw(recent);
    keyed(this.#body, recent.slice(0, SHOWN), (one) => one.id, requestRow);
    fill(this.#speeds, speeds(recent).map((one) => el('tr', el('th', { scope: 'row' }, one.node), el('td', one.model), el('td', count(one.firsts.length)), el('td', milliseconds(quantile(one.firsts, 0.5))),
      el('td', one.speeds.length > 0 ? count(quantile(one.speeds, 0.5)) : NONE))));
  }

  #draw(recent) {
    const points = recent.filter((one) => one.first_token_ms > 0);
    if (points.length === 0) return;
    const times = points.map((one) => new Date(one.at).getTime());
    const x = scaleTime([Math.min(...times) - 1000, Math.max(...times) + 1000], [MARGIN.left, WIDTH - MARGIN.right]);
    const waits = points.map((one) => one.first_token_ms);
    const y = scaleLog([Math.max(0.1, Math.min(...waits) / 2), Math.max(...waits) * 2], [HEIGHT - MARGIN.bottom, MARGIN.top]);
    fill(this.#chart, points.map((one, index) => svg('circle', { class: `dot ${one.outcome}${one.continuations.length > 0 ? ' continued' : ''}`, cx: x(times[index]).toFixed(1), cy: y(one.first_token_ms).toFixed(1), r: 3.5 },
      svg('title', `${one.node ?? 'nobody'}, ${milliseconds(one.first_token_ms)}, ${time(one.at)}`))));
    const axes = select(this.#chart);
    axes.append('g').attr('transform', `translate(0 ${HEIGHT - MARGIN.bottom})`).call(axisBottom(x).ticks(6).tickSizeOuter(0));
    axes.append('g').attr('transform', `translate(${MARGIN.left} 0)`).call(axisLeft(y).ticks(4, milliseconds));
    this.#chart.setAttribute('aria-label', `Time to the first word of the last ${points.length} requests, ${milliseconds(quantile(waits, 0.5))} in the middle`);
  }
}

function requestRow(one) {
  const last = one.continuations.at(-1);
  const cells = [
    time(one.at), last ? `${one.node}, then ${last.node}` : one.node ?? 'nobody',
    [one.reason && words(one.reason), ...one.skipped.slice(0, 2).map((skip) => `not ${skip.node}: ${words(skip.reason)}`)].filter(Boolean).join('; '),
    milliseconds(one.first_token_ms), milliseconds(one.duration_ms),
  ];
  const [when, ...rest] = cells;
  const row = el('tr', el('th', { scope: 'row', data: { label: 'When' } }, when), rest.map((text, index) => el('td', { data: { label: ['Answered by', 'Why', 'First word', 'Whole'][index] } }, text)),
    el('td', { data: { label: 'Outcome' } }, el('span', { class: 'state', data: { state: one.outcome } }, words(one.outcome)), one.failure && el('span', { class: 'muted' }, ` ${words(one.failure)}`)));
  return row;
}

function speeds(recent) {
  const pairs = new Map();
  for (const one of recent) {
    if (!one.node || !one.model) continue;
    const key = `${one.node}\n${one.model}`;
    const pair = pairs.get(key) ?? { node: one.node, model: one.model, firsts: [], speeds: [] };
    if (one.first_token_ms !== undefined) pair.firsts.push(one.first_token_ms);
    if (one.tokens_per_second) pair.speeds.push(one.tokens_per_second);
    pairs.set(key, pair);
  }
  return [...pairs.values()].sort((one, other) => other.firsts.length - one.firsts.length).slice(0, 12);
}

function quantile(values, part) {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}
