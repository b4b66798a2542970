// SPDX-License-Identifier: Apache-2.0
import { el, fill } from '../../core/dom.js';
import { plural } from '../../core/format.js';

const ORDER = ['error', 'warning', 'unknown', 'info', 'ok'];

/// What the doctor found, what is wrong first, with what to do.
export function showReport(place, report) {
  const findings = [...(report.findings ?? [])].sort((one, other) => ORDER.indexOf(one.severity ?? one.level) - ORDER.indexOf(other.severity ?? other.level));
  const wrong = findings.filter((one) => ['error', 'warning'].includes(one.severity ?? one.level));
  const fine = findings.filter((one) => !wrong.includes(one));
  fill(place,
    el('p', wrong.length === 0 ? 'Nothing is wrong.' : `${plural(wrong.length, 'finding')} to look at.`),
    wrong.length > 0 && el('ul', { class: 'rows' }, wrong.map(row)),
    fine.length > 0 && el('details', el('summary', `${plural(fine.length, 'check')} without a finding`), el('ul', { class: 'rows' }, fine.map(row))));
}

function row(finding) {
  const severity = finding.severity ?? finding.level;
  return el('li', el('div', { class: 'grow' },
    el('span', { class: 'state', data: { state: severity } }, severity), ' ', el('strong', finding.title ?? finding.subject ?? finding.check), ' ', finding.message ?? finding.text ?? '',
    finding.fix && el('p', { class: 'fix' }, finding.fix)));
}
