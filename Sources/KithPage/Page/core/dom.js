// SPDX-License-Identifier: Apache-2.0

/// An element. What comes from other machines only ever becomes text or an attribute's value, never markup.
///
/// `options`: attributes; `class`; `on` with listeners by event; `data` for data-… attributes. Children are nodes or text;
/// null, undefined and false are left out.
export function el(tag, options, ...children) {
  const element = document.createElement(tag);
  if (options instanceof Node || Array.isArray(options) || typeof options !== 'object' || options === null) {
    children.unshift(options);
    options = {};
  }
  assign(element, options);
  append(element, children);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(tag, options = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  assign(element, options);
  append(element, children);
  return element;
}

function assign(element, options) {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === 'data') {
      for (const [key, text] of Object.entries(value)) element.dataset[key] = text;
    } else if (name === 'class') {
      element.setAttribute('class', value);
    } else if (name === 'value' || name === 'checked' || name === 'disabled' || name === 'selected' || name === 'hidden') {
      element[name] = value;
    } else {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child);
  }
}

/// Puts `children` in the place of what the element holds.
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/// Makes `container` hold one element for each item, in their order, and keeps those that are there already, so that focus,
/// scrolling and open menus stay.
///
/// `make(item)` makes an element, `update(element, item)` makes it right; both may be the same work.
export function keyed(container, items, key, make, update) {
  const known = container.keyed ??= new Map();
  const seen = new Set();
  let place = container.firstChild;
  for (const item of items) {
    const name = key(item);
    if (seen.has(name)) continue;
    seen.add(name);
    let element = known.get(name);
    if (!element) {
      element = make(item);
      known.set(name, element);
    }
    update?.(element, item);
    if (element === place) {
      place = place.nextSibling;
    } else {
      container.insertBefore(element, place);
    }
  }
  for (const [name, element] of known) {
    if (seen.has(name)) continue;
    element.remove();
    known.delete(name);
  }
}

/// Sets text only where it changed: what is announced or selected stays as it is.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function button(label, action, options = {}) {
  return el('button', { type: 'button', ...options, on: { click: action } }, label);
}

/// At most one call in a frame, of the last function that was asked for.
export function inNextFrame(work) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      work();
    });
  };
}
