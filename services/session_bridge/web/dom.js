/** The few things this page does to a document. Text is only ever inserted as text. */

export const byId = (id) => document.getElementById(id);

/** Make an element: its class, and what is in it, texts or elements. */
export function make(tag, name = "", ...content) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.append(...content);
  return element;
}

/** Make the element that a `<template>` holds. */
export const fromTemplate = (id) => byId(id).content.firstElementChild.cloneNode(true);

/** Set the text of what a selector finds, and hide it while there is none. */
export function tell(parent, selector, text) {
  const element = parent.querySelector(selector);
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}

/** Show or hide what a selector finds, if it finds anything. */
export function show(parent, selector, wanted) {
  const element = parent.querySelector(selector);
  if (element) element.hidden = !wanted;
}

/** Show a moment in a `<time>`: milliseconds since 1970, and how they read. */
export function date(element, at, text) {
  element.dateTime = new Date(at).toISOString();
  element.textContent = text;
}

const shown = new WeakMap();

/**
 * Show a list: elements are kept by key, filled anew only if their item is another, and moved only if they must.
 *
 * @template T
 * @param {Element} parent
 * @param {T[]} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => Element} create
 * @param {(element: Element, item: T) => void} fill
 */
export function list(parent, items, keyOf, create, fill = () => {}) {
  const before = shown.get(parent) ?? new Map();
  const now = new Map(items.map((item) => [keyOf(item), item]));
  for (const [key, { element }] of before) {
    if (!now.has(key)) element.remove();
  }
  const after = new Map();
  let place = parent.firstElementChild;
  for (const [key, item] of now) {
    const known = before.get(key) ?? { element: create(item) };
    if (known.item !== item) fill(known.element, item);
    if (known.element === place) place = place.nextElementSibling;
    else parent.insertBefore(known.element, place);
    after.set(key, { element: known.element, item });
  }
  shown.set(parent, after);
}
