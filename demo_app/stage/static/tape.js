// The tape, a replay of the journal by the server: Space freezes the picture, arrow keys step through the events,
// a slider selects the moment, and kills and rescues have bookmarks.
import { onKeys } from "./keys.js";
import { refresh, view } from "./live.js";

const $ = (id) => document.getElementById(id);
const main = $("main");
const STEP = 250; // milliseconds between two pictures while the tape plays
const SLOW = 0.5; // speed of the tape; a film plays at full speed
const SILENCE = 1.5; // longest pause without an event (seconds); longer pauses are shortened to it
const LAST_SHOWN = 1500; // milliseconds for which the last picture is shown
const MINUTE = 60; // seconds to go back before playing if the tape is at its end
const END = 1e10; // later than any event: the server shows the last one
let reel = null; // the server's data: since, until, moment, previous, next, marks
let at = 0, playing = false, ending = 0;

export const open = () => view.address !== null;

export function show(moment) {
  at = moment;
  const since = reel ? `&since=${reel.since}&until=${reel.until}` : "";
  view.address = `stage?at=${at.toFixed(3)}${since}`;
  document.body.classList.add("replay");
  refresh();
}

export function close() {
  if (main.dataset.film) { play(false); return; } // a film can't show the running system
  clearTimeout(ending);
  view.address = reel = null;
  playing = false;
  ending = 0;
  $("tape").hidden = true;
  document.body.classList.remove("replay");
  refresh();
}

export function play(on) {
  playing = on;
  if (on && reel && !reel.next) at = main.dataset.film ? reel.since : Math.max(reel.since, at - MINUTE);
  $("play").textContent = on ? "❚❚" : "▶";
  clearTimeout(ending);
  ending = 0;
}

function jump(moment) {
  play(false);
  if (!open()) show(END);
  else if (moment) show(moment);
}

function later(by) {
  const marks = (reel?.marks ?? []).map(([moment]) => moment);
  return by > 0 ? marks.find((moment) => moment > at) : marks.findLast((moment) => moment < at);
}

document.addEventListener("fresh", () => {
  if (!open() || !main.dataset.tape) return; // a picture of the running system, requested before the tape was opened
  const first = reel === null;
  reel = JSON.parse(main.dataset.tape);
  if (first || !playing) at = reel.moment;
  $("tape").hidden = false;
  const bar = $("scrub");
  [bar.min, bar.max, bar.value] = [reel.since, reel.until, at];
  $("time").textContent = `${clock(Math.min(at, reel.until) - reel.since)} / ${clock(reel.until - reel.since)}`;
  if (first) { mark(); show(at); } // request the picture again, now with a fixed start and end of the tape
  if (!playing) return;
  if (reel.next) at = Math.max(at, reel.next - SILENCE);
  else ending ||= setTimeout(close, LAST_SHOWN);
});

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds) % 60).padStart(2, "0")}`;

function mark() {
  const { kill, rescue } = $("marks").dataset;
  $("marks").replaceChildren(...reel.marks.map(([moment, what]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = what;
    button.textContent = what === "kill" ? "✗" : "↩";
    button.ariaLabel = button.title = what === "kill" ? kill : rescue;
    button.style.left = `${(100 * (moment - reel.since)) / (reel.until - reel.since)}%`;
    button.addEventListener("click", () => jump(moment));
    return button;
  }));
}

setInterval(() => {
  if (open() && playing && reel) show(at + (STEP / 1000) * (main.dataset.film ? 1 : SLOW));
}, STEP);

const KEYS = {
  " ": () => { if (!open()) show(END); else play(!playing); },
  ArrowLeft: () => jump(reel?.previous),
  ArrowRight: () => jump(reel?.next),
  ArrowUp: () => jump(later(1)),
  ArrowDown: () => jump(later(-1)),
  Escape: (event) => {
    if (!open()) return;
    event.stopImmediatePropagation(); // this Esc must not end the show too
    close();
  },
};
onKeys(KEYS, (event, key) => key === " " && (event.repeat || event.target.closest?.("button, a")));
$("play").addEventListener("click", KEYS[" "]);
$("scrub").addEventListener("input", () => jump(Number($("scrub").value)));
$("replay").addEventListener("click", () => { if (open()) close(); else show(END); });
