// Keeps a page true: when something happens, the page is fetched again and what changed is put in.
// The server makes every page; without this script they work by reloading.
import { morph } from "./morph.js";

const main = document.getElementById("main");
const button = document.getElementById("live");
const SOONEST = 300; // milliseconds between two looks
const LATEST = 1000; // for an answer; what is on show is older then than it seems
const SILENCE = 2500; // of the events, of which there is one a second
let paused = false, looking = false, wanted = false, last = 0, heardAt = 0, source = null;

async function look() {
  if (looking || paused) { wanted = !paused; return; }
  looking = true;
  wanted = false;
  last = performance.now();
  const late = setTimeout(() => say("lost"), LATEST);
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    const text = await answer.text();
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("main");
    if (fresh && !paused) {
      morph(main, fresh);
      document.dispatchEvent(new Event("fresh"));
      say("on");
    }
  } catch {
    say("lost");
  }
  clearTimeout(late);
  looking = false;
  if (wanted) soon();
}

function soon() {
  if (wanted && looking) return;
  wanted = true;
  setTimeout(look, Math.max(0, SOONEST - (performance.now() - last)));
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

function polls() {
  const every = Number(main.dataset.poll);
  if (every) setTimeout(async () => { if (!document.hidden) await look(); polls(); }, every);
}

// Ages and countdowns go on between two looks.
const words = (s) => s < 9.95 ? `${s.toFixed(1)} s` : s < 120 ? `${Math.round(s)} s`
  : s < 7200 ? `${Math.round(s / 60)} min` : s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} d`;
setInterval(() => {
  if (paused || document.hidden) return;
  if (source && performance.now() - heardAt > SILENCE) { heardAt = performance.now(); soon(); }
  const now = Date.now() / 1000;
  for (const time of main.querySelectorAll("time[data-since], time[data-until]")) {
    const { since, until } = time.dataset;
    time.textContent = words(Math.max(0, since ? now - since : until - now));
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
  x: () => document.querySelector("tr.here input")?.click(),
  "?": () => document.getElementById("keys")?.showModal(),
};
const go = (link) => link?.click();

function row(step) {
  const rows = [...main.querySelectorAll("tbody tr")];
  if (!rows.length) return;
  const here = rows.findIndex((one) => one.classList.contains("here"));
  const next = rows[Math.min(rows.length - 1, Math.max(0, here + step))];
  rows[here]?.classList.remove("here");
  next.classList.add("here");
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
    const told = form.querySelector("[data-wait]");
    setInterval(() => {
      told.textContent = form.dataset.waits.replace("{s}", ((performance.now() - began) / 1000).toFixed(1));
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
polls();
