// Small helpers: elements without innerHTML, calls to the API, times and sizes for people.

export const $ = (id) => document.getElementById(id);

// el("a", {href: "#", class: "x", onclick: f}, "text", child, null)
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// Every address is relative: the page may live below any path.
export async function api(path, method = "GET", body = undefined) {
  const response = await fetch(`api/${path}`, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(await explanation(response));
  return response.json();
}

async function explanation(response) {
  const text = await response.text();
  try {
    const { detail } = JSON.parse(text);
    if (typeof detail === "string") return detail;
    return detail.map((one) => `${one.loc.slice(2).join(" ")} ${one.msg}`.trim()).join("; ");
  } catch {
    return text || `The inbox answered ${response.status}.`;
  }
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export function time(iso, long = false) {
  const date = new Date(iso);
  const today = date.toDateString() === new Date().toDateString();
  const text = long ? full.format(date) : today ? clock.format(date) : day.format(date);
  return el("time", { datetime: iso, title: iso }, text);
}

export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(bytes < 1e4 ? 1 : 0)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString()} ${count === 1 ? one : many}`;

// A dialogue as it was spoken, with the seconds since its first line.
export function dialogue(lines) {
  if (!lines.length) return el("p", { class: "hint" }, "Nothing was said.");
  const [[start]] = lines;
  const names = { C: "client", S: "server", "#": "note" };
  return el("ol", { class: "dialogue" }, lines.map(([at, who, text]) =>
    el("li", { class: names[who] },
      el("span", { class: "at" }, (at - start).toFixed(3)),
      el("span", { class: "who" }, names[who]),
      el("span", { class: "said" }, text))));
}
