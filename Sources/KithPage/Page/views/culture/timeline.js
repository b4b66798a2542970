// SPDX-License-Identifier: Apache-2.0
import { axisBottom, axisLeft } from 'd3-axis';
import { scaleLinear, scaleTime } from 'd3-scale';
import { select } from 'd3-selection';
import { area, curveStepAfter } from 'd3-shape';
import { get } from '../../core/api.js';
import { el, fill, setText, svg } from '../../core/dom.js';
import { plural } from '../../core/format.js';

const WIDTH = 900;
const HEIGHT = 180;
const MARGIN = { top: 10, right: 16, bottom: 26, left: 40 };
const LIMIT = 1000;

/// How many insights there were at each time, from the last thousand that were learned.
export class Timeline {
  #drawing = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', class: 'chart' });
  #note = el('p', { class: 'muted' });
  element = el('div', this.#drawing, this.#note);

  async read() {
    const { total, insights } = await get(`/api/culture?limit=${LIMIT}`);
    const times = insights.map((entry) => new Date(entry.learned).getTime()).filter((time) => !Number.isNaN(time)).sort((one, other) => one - other);
    this.#drawing.toggleAttribute('hidden', times.length < 2);
    if (times.length < 2) return setText(this.#note, 'With a few insights, this shows when they were learned.');
    const before = total - times.length;
    const points = times.map((time, index) => [time, before + index + 1]);
    points.push([Date.now(), total]);
    const x = scaleTime([times[0], Date.now()], [MARGIN.left, WIDTH - MARGIN.right]);
    const y = scaleLinear([0, total], [HEIGHT - MARGIN.bottom, MARGIN.top]).nice(4);
    const shape = area().x(([time]) => x(time)).y0(y(0)).y1(([, count]) => y(count)).curve(curveStepAfter);
    fill(this.#drawing, svg('path', { class: 'area', d: shape(points) }));
    const axes = select(this.#drawing);
    axes.append('g').attr('transform', `translate(0 ${HEIGHT - MARGIN.bottom})`).call(axisBottom(x).ticks(6).tickSizeOuter(0));
    axes.append('g').attr('transform', `translate(${MARGIN.left} 0)`).call(axisLeft(y).ticks(4));
    this.#drawing.setAttribute('aria-label', `${plural(total, 'insight')}, the first of those shown learned ${new Date(times[0]).toDateString()}`);
    const peers = new Map();
    for (const { insight } of insights) peers.set(insight.peer, (peers.get(insight.peer) ?? 0) + 1);
    const most = [...peers].sort((one, other) => other[1] - one[1]).slice(0, 4);
    setText(this.#note, `Learned most from ${most.map(([peer, count]) => `${peer} (${count})`).join(', ')}`);
  }
}
