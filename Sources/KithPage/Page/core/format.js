// SPDX-License-Identifier: Apache-2.0

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export const NONE = '–';

export function milliseconds(value) {
  if (value === undefined || value === null) return NONE;
  if (value < 1) return `${value.toFixed(2)} ms`;
  if (value < 1000) return `${value < 10 ? number.format(value) : whole.format(value)} ms`;
  return seconds(value / 1000);
}

export function seconds(value) {
  if (value === undefined || value === null) return NONE;
  if (value < 1) return milliseconds(value * 1000);
  if (value < 90) return `${number.format(value)} s`;
  if (value < 5400) return `${whole.format(value / 60)} min`;
  if (value < 129_600) return `${number.format(value / 3600)} h`;
  return `${whole.format(value / 86_400)} days`;
}

export function bytes(value) {
  if (value === undefined || value === null) return NONE;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${number.format(value)} ${units[unit]}`;
}

export function count(value) {
  return value === undefined || value === null ? NONE : whole.format(value);
}

export function decimal(value, places = 1) {
  return value === undefined || value === null ? NONE : value.toFixed(places);
}

export function plural(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/// The time of day for today, else the date too.
export function time(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return NONE;
  return date.toDateString() === new Date().toDateString() ? clock.format(date) : day.format(date);
}

export function ago(text) {
  const passed = (Date.now() - new Date(text).getTime()) / 1000;
  if (Number.isNaN(passed)) return NONE;
  return passed < 2 ? 'now' : `${seconds(Math.round(passed))} ago`;
}

/// `queue-full` as `queue full`.
export function words(text) {
  return (text ?? '').replaceAll(/[-_]/g, ' ');
}
