// The few things that every part of the page needs from the document.

/** The element with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** A new element. Texts are set as text, so nothing that a server or another tab says becomes markup. */
export function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

/** Shows the sections with these ids and hides the other ones of `all`. */
export function showOnly(all, shown) {
  for (const id of all) byId(id).hidden = !shown.includes(id);
}

/** Shows an error text in an element kept for it, or hides it when there is none. */
export function showError(id, text) {
  const node = byId(id);
  node.hidden = !text;
  node.textContent = text ?? "";
}

/** Replaces the pairs of a description list. */
export function setFacts(list, pairs) {
  list.replaceChildren(
    ...pairs
      .filter(([, value]) => value)
      .map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))),
  );
}
