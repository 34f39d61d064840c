// Keeps a page true: when something happens, the page is fetched again and what changed is put in.
// The server makes every page; without this script they work by reloading.
/* global Idiomorph */

const main = document.getElementById("main");
const button = document.getElementById("live");
const SOONEST = 300; // milliseconds between two fetches
const LATEST = 1000; // for an answer; what is on show is older then than it seems
const SILENCE = 2500; // of the events, of which there is one a second
let paused = false, fetching = false, wanted = false, last = 0, heardAt = 0, source = null, shown = "";

// Kept as it is on show: an input, an open detail, the row that the keyboard is at, and whatever
// a script fills in.
const callbacks = {
  beforeNodeMorphed: (old) => !old.matches?.("input, textarea, [data-kept]"),
  beforeAttributeUpdated: (name) => name !== "open" && name !== "data-here",
};

// What is on show: this page or, in a replay, what is at another address.
export const view = { address: null };

// Fetch it again, and put in what differs.
export async function refresh() {
  if (fetching || paused) { wanted = !paused; return; }
  fetching = true;
  wanted = false;
  last = performance.now();
  const late = setTimeout(() => say("lost"), LATEST);
  try {
    const answer = await fetch(view.address ?? location.href, { headers: { accept: "text/html" } });
    const text = await answer.text();
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("main");
    if (fresh && !paused && text !== shown) {
      shown = text; // the same page again changes nothing, and costs no layout
      document.dispatchEvent(new Event("stale"));
      Idiomorph.morph(main, fresh, { callbacks });
    }
    if (fresh && !paused) {
      document.dispatchEvent(new Event("fresh"));
      say("on");
    }
  } catch {
    shown = ""; // a listener may change the page
    say("lost");
    document.dispatchEvent(new Event("lost"));
  }
  clearTimeout(late);
  fetching = false;
  if (wanted) soon();
}

function soon() {
  if (wanted && fetching) return;
  wanted = true;
  setTimeout(refresh, Math.max(0, SOONEST - (performance.now() - last)));
}

function say(state) {
  if (!button) return;
  const words = button.dataset[paused ? "paused" : state];
  if (button.textContent !== words) button.textContent = words;
  button.dataset.state = state;
}

function listen() {
  if (source || paused || document.hidden || !main.dataset.live) return;
  source = new EventSource(main.dataset.live);
  let pending = 0;
  heardAt = performance.now();
  const heard = () => { heardAt = performance.now(); if (!pending) pending = setTimeout(() => { pending = 0; soon(); }, 60); };
  for (const kind of ["message", "tick", "trouble"]) source.addEventListener(kind, heard);
  source.addEventListener("error", () => say("lost"));
}

function deaf() {
  source?.close();
  source = null;
}

function pause() {
  paused = !paused;
  button.setAttribute("aria-pressed", String(paused));
  say("on");
  if (paused) deaf();
  else { listen(); soon(); }
}

function poll() {
  const every = Number(main.dataset.poll);
  if (every) setTimeout(async () => { if (!document.hidden) await refresh(); poll(); }, every);
}

// Ages and countdowns go on between two looks.
const span = (s) => s < 9.95 ? `${s.toFixed(1)} s` : s < 120 ? `${Math.round(s)} s`
  : s < 7200 ? `${Math.round(s / 60)} min` : s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} d`;
setInterval(() => {
  if (paused || document.hidden) return;
  if (source && performance.now() - heardAt > SILENCE) { heardAt = performance.now(); soon(); }
  const now = Date.now() / 1000;
  for (const time of main.querySelectorAll("time[data-since], time[data-until]")) {
    const { since, until } = time.dataset;
    const words = span(Math.max(0, since ? now - since : until - now));
    if (time.textContent !== words) time.textContent = words;
  }
}, 200);

const KEYS = {
  p: () => pause(),
  o: () => go(document.querySelector(".states a")),
  n: () => go(document.querySelector("a[rel=next]")),
  b: () => history.back(),
  s: () => go(document.querySelector(".bar nav a[href$=stage]")),
  "/": () => document.getElementById("search")?.focus(),
  j: () => row(1),
  k: () => row(-1),
  x: () => document.querySelector("tr[data-here] input")?.click(),
  "?": () => document.getElementById("keys")?.showModal(),
};
const go = (link) => link?.click();

function row(step) {
  const rows = [...main.querySelectorAll("tbody tr")];
  if (!rows.length) return;
  const here = rows.findIndex((one) => "here" in one.dataset);
  const next = rows[Math.min(rows.length - 1, Math.max(0, here + step))];
  if (here >= 0) delete rows[here].dataset.here;
  next.dataset.here = "";
  next.querySelector("a")?.focus();
  next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.matches?.("input:not([type=checkbox]), textarea");
  if (!button || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]")) return;
  const act = KEYS[event.key] ?? (/^[1-7]$/.test(event.key)
    ? () => go(document.querySelector(`.states [data-key="${event.key}"]`)) : null);
  if (act) { event.preventDefault(); act(); }
});

// While a form waits for its answer (inline jobs!), the reader sees for how long.
for (const form of document.querySelectorAll("form[data-waits]")) {
  form.addEventListener("submit", () => {
    const began = performance.now();
    const note = form.querySelector("[data-wait]");
    setInterval(() => {
      note.textContent = form.dataset.waits.replace("{s}", ((performance.now() - began) / 1000).toFixed(1));
    }, 100);
  });
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) deaf();
  else if (main.dataset.live) { listen(); soon(); }
});
// a page that comes back from the browser's memory is old
window.addEventListener("pageshow", (event) => { if (event.persisted) { source = null; listen(); soon(); } });
window.addEventListener("pagehide", deaf);
if (button) {
  button.hidden = document.getElementById("keys-button").hidden = false;
  button.addEventListener("click", pause);
  document.getElementById("keys-button").addEventListener("click", KEYS["?"]);
}
listen();
poll();
