// SPDX-License-Identifier: Apache-2.0
import { el } from './dom.js';

/// A model's Markdown as elements: paragraphs, headings, lists, quotes, tables, code, emphasis and links (CommonMark's common
/// part). What a model writes is not trusted: it never becomes markup, links lead only to http, https and mailto, and images
/// are shown as links, since a page that loads them tells their server who reads.
export function markdown(text) {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  const fragment = document.createDocumentFragment();
  fragment.append(...blocks(lines, 0));
  return fragment;
}

const DEPTH = 8;
const RULE = /^ {0,3}([-*_])( *\1){2,} *$/;
const FENCE = /^ {0,3}(`{3,}|~{3,}) *([\w+#.-]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(\S.*)$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])[ \t]+(\S.*)$/;
const DIVIDER = /^ *\|? *:?-+:? *(\| *:?-+:? *)+\|? *$/;

function blocks(lines, depth) {
  const found = [];
  let index = 0;
  while (index < lines.length) {
    const line = lines[index];
    let match;
    if (line.trim() === '') {
      index += 1;
    } else if ((match = FENCE.exec(line))) {
      const end = new RegExp(`^ {0,3}${match[1][0]}{${match[1].length},} *$`);
      const code = [];
      index += 1;
      while (index < lines.length && !end.test(lines[index])) code.push(lines[index++]);
      index += 1;
      found.push(codeBlock(code.join('\n'), match[2]));
    } else if ((match = HEADING.exec(line))) {
      // The page has h1 and h2 of its own.
      found.push(el(`h${Math.min(match[1].length + 2, 6)}`, inline(withoutClosing(match[2]))));
      index += 1;
    } else if (RULE.test(line)) {
      found.push(el('hr'));
      index += 1;
    } else if (QUOTE.test(line) && depth < DEPTH) {
      const inner = [];
      while (index < lines.length && QUOTE.test(lines[index])) inner.push(lines[index++].replace(QUOTE, ''));
      found.push(el('blockquote', blocks(inner, depth + 1)));
    } else if (ITEM.test(line) && depth < DEPTH) {
      const [list, next] = listFrom(lines, index, depth);
      found.push(list);
      index = next;
    } else if (line.includes('|') && DIVIDER.test(lines[index + 1] ?? '')) {
      const [table, next] = tableFrom(lines, index);
      found.push(table);
      index = next;
    } else {
      const paragraph = [line];
      index += 1;
      while (index < lines.length && lines[index].trim() !== '' && !startsBlock(lines[index])) paragraph.push(lines[index++]);
      found.push(el('p', inline(paragraph.join('\n'))));
    }
  }
  return found;
}

/// Without the signs that may end a heading.
function withoutClosing(text) {
  let end = text.length;
  while (end > 0 && ' \t#'.includes(text[end - 1])) end -= 1;
  return end > 0 ? text.slice(0, end) : text;
}

function startsBlock(line) {
  return FENCE.test(line) || HEADING.test(line) || QUOTE.test(line) || ITEM.test(line) || RULE.test(line);
}

function listFrom(lines, start, depth) {
  const first = ITEM.exec(lines[start]);
  const indent = first[1].length;
  const isOrdered = /\d/.test(first[2]);
  const list = el(isOrdered ? 'ol' : 'ul', isOrdered ? { start: parseInt(first[2], 10) } : {});
  let index = start;
  while (index < lines.length) {
    const match = ITEM.exec(lines[index]);
    if (!match || match[1].length !== indent || /\d/.test(match[2]) !== isOrdered) break;
    const inner = [match[3]];
    index += 1;
    while (index < lines.length) {
      const next = lines[index];
      const isDeeper = /^ */.exec(next)[0].length > indent;
      if (next.trim() === '' && /^ */.exec(lines[index + 1] ?? '')[0].length > indent) {
        inner.push('');
      } else if (isDeeper && next.trim() !== '') {
        inner.push(next.slice(Math.min(indent + 2, /^ */.exec(next)[0].length)));
      } else {
        break;
      }
      index += 1;
    }
    const content = blocks(inner, depth + 1);
    const isTight = content.length > 0 && content[0].tagName === 'P';
    list.append(el('li', isTight ? [...content[0].childNodes] : content[0], content.slice(1)));
    while (index < lines.length && lines[index].trim() === '' && ITEM.exec(lines[index + 1] ?? '')?.[1].length === indent) index += 1;
  }
  return [list, index];
}

function tableFrom(lines, start) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, '').split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
  const head = el('thead', el('tr', cells(lines[start]).map((cell) => el('th', { scope: 'col' }, inline(cell)))));
  const body = el('tbody');
  let index = start + 2;
  while (index < lines.length && lines[index].includes('|')) {
    body.append(el('tr', cells(lines[index]).map((cell) => el('td', inline(cell)))));
    index += 1;
  }
  return [el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'A table' }, el('table', head, body)), index];
}

function codeBlock(code, language) {
  const copy = el('button', { type: 'button', class: 'copy quiet', on: { click: async () => {
    await navigator.clipboard?.writeText(code);
    copy.textContent = 'Copied';
    setTimeout(() => { copy.textContent = 'Copy'; }, 1_500);
  } } }, 'Copy');
  return el('figure', { class: 'code' },
    el('figcaption', el('span', language || 'code'), copy),
    el('pre', { tabindex: '0', role: 'region', 'aria-label': language ? `Code in ${language}` : 'Code' }, el('code', code)));
}

// What repeats is bounded or begins with a character of its own, so that no text makes the search slow.
const INLINE = /(?<!`)(`{1,8})(?!`)([\s\S]{1,1000}?)(?<!`)\1(?!`)|!?\[([^\]\n]{0,500})\]\(([^\s()]{1,2000})(?: "[^"\n]{0,200}")?\)|\*\*([^*\n]+)\*\*|__([^_\n]+)__|\*([^*\n]+)\*|(?<!\w)_([^_\n]+)_(?!\w)|~~([^~\n]+)~~|https?:\/\/[^\s<>()"']{1,2000}[^\s<>()"'.,;:!?]|\\([\\`*_{}[\]()#+\-.!|~>])/g;

function inline(text, depth = 0) {
  if (depth > 4) return [text];
  const found = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > end) found.push(...withBreaks(text.slice(end, match.index)));
    end = match.index + match[0].length;
    const [whole, , code, label, target, strong, strong2, emphasis, emphasis2, struck, escaped] = match;
    if (code !== undefined) found.push(el('code', code.replaceAll('\n', ' ')));
    else if (target !== undefined) found.push(link(label || target, target));
    else if (strong ?? strong2) found.push(el('strong', inline(strong ?? strong2, depth + 1)));
    else if (emphasis ?? emphasis2) found.push(el('em', inline(emphasis ?? emphasis2, depth + 1)));
    else if (struck) found.push(el('del', inline(struck, depth + 1)));
    else if (escaped) found.push(escaped);
    else found.push(link(whole, whole));
  }
  if (end < text.length) found.push(...withBreaks(text.slice(end)));
  return found;
}

function withBreaks(text) {
  const parts = text.split(/(?<! ) {2,}\n/);
  return parts.flatMap((part, index) => (index === 0 ? [part] : [el('br'), part]));
}

function link(label, target) {
  let address;
  try {
    address = new URL(target);
  } catch {
    return label;
  }
  if (!['http:', 'https:', 'mailto:'].includes(address.protocol)) return label;
  return el('a', { href: address.href, rel: 'noopener noreferrer nofollow', target: '_blank' }, label);
}
