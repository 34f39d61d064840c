// Make the page on show like the one that just came, touching only what differs: focus, choices,
// open details and scroll positions stay as they are.

export function morph(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE || old.nodeType === Node.COMMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    const ours = name === "class" && old.tagName === "TR";
    const theirs = name === "open" || ours;
    if (!fresh.hasAttribute(name) && !theirs) old.removeAttribute(name);
  }
  if (old.tagName === "INPUT" || old.tagName === "TEXTAREA") return;
  children(old, fresh);
}

function children(old, fresh) {
  const known = new Map();
  for (const child of old.children) if (child.id) known.set(child.id, child);
  let at = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const same = wanted.id ? known.get(wanted.id) : at && !at.id && alike(at, wanted) ? at : null;
    if (!same) {
      old.insertBefore(wanted, at);
      continue;
    }
    if (same === at) at = at.nextSibling;
    else old.insertBefore(same, at);
    known.delete(same.id);
    morph(same, wanted);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName;
