// The stage plays what really happens: the server says which token is on which floor, and here each
// one that has moved flies there, past the floors between, at a speed that the eye can follow.
import { refresh, view } from "./live.js";

const $ = (id) => document.getElementById(id);
const main = $("main");
const PACE = 330; // milliseconds from one floor to the next
const WAY = ["readers", "outbox", "queue", "worker", "mail", "inbox"];
const STEP = 300; // milliseconds between two pictures of a replay, which shows half as much time
const LAST_SHOWN = 1500; // milliseconds for the last picture of it
const SILENCE = 1.5; // seconds in which nothing happens; what is longer is cut short
const still = matchMedia("(prefers-reduced-motion: reduce)");
let places = new Map(); // by token: where it is on the screen, its floor, and its place in the page

const floors = () => [...document.querySelectorAll("[data-floor]")];
const kind = (floor) => (floor.closest(".box") ? "worker" : floor.dataset.floor);
const middle = (element) => {
  const box = element.getBoundingClientRect();
  return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
};

// On a floor that has no room for all, the last place says how many more there are.
function crowd() {
  const sizes = floors().map((floor) => {
    const tokens = [...floor.children];
    for (const token of tokens) token.classList.remove("beyond");
    return { floor, tokens };
  }).map(({ floor, tokens }) => {
    const fit = (room, size) => Math.max(1, Math.floor((room + 4) / ((size ?? 0) + 4)));
    const seats = fit(floor.clientWidth, tokens[0]?.offsetWidth) * fit(floor.clientHeight, tokens[0]?.offsetHeight);
    return { floor, tokens, seats, all: tokens.length + Number(floor.dataset.hidden) };
  });
  for (const { floor, tokens, seats, all } of sizes) {
    const shown = all > seats ? seats - 1 : tokens.length;
    for (const token of tokens.slice(shown)) token.classList.add("beyond");
    if (all > shown && floor.dataset.floor !== "inbox") floor.dataset.more = `+${all - shown}`;
    else delete floor.dataset.more;
  }
}

// Where every token is; one without a seat is where its floor is.
function note() {
  const found = new Map();
  for (const floor of floors()) {
    for (const token of floor.children) {
      const seated = !token.classList.contains("beyond");
      const spot = seated ? `${token.offsetLeft} ${token.offsetTop}` : "";
      found.set(token.id, { ...middle(seated ? token : floor), floor: kind(floor), crowded: Boolean(floor.dataset.more), spot });
    }
  }
  return found;
}

// The middle of the floors between two.
function between(from, to) {
  const [start, end] = [WAY.indexOf(from), WAY.indexOf(to)];
  if (start < 0 || end < 0) return [];
  const first = (name) => floors().find((floor) => kind(floor) === name);
  return WAY.slice(start + 1, Math.max(start + 1, end)).map(first).filter(Boolean).map(middle);
}

function fly(token, from) {
  const was = places.get(token.id) ?? from;
  const now = kind(token.parentElement);
  if (was.spot === `${token.offsetLeft} ${token.offsetTop}` && was.floor === now) return; // or on its way
  for (const flight of token.getAnimations()) flight.cancel();
  const here = middle(token);
  const stops = [was, ...between(was.floor, now), here];
  const frames = stops.map(({ x, y }) => ({ translate: `${x - here.x}px ${y - here.y}px` }));
  token.animate(frames, { duration: PACE * (frames.length - 1), easing: "ease-in-out" });
}

let shown = false; // what is there at first, or in another picture, has made no way
document.addEventListener("stale", () => { places = note(); });
document.addEventListener("fresh", () => {
  if (!$("board")) return; // an error, in place of the stage
  crowd();
  const door = middle(floors()[0]);
  const crowded = new Set(floors().filter((floor) => floor.dataset.more).map((floor) => floor.dataset.floor));
  if (shown && !still.matches) {
    for (const token of document.querySelectorAll("[data-floor] > .token:not(.beyond)")) {
      const floor = token.parentElement.dataset.floor;
      if (places.has(token.id) || !(crowded.has(floor) || floor === "lost")) fly(token, { ...door, floor: "readers" });
    }
  }
  shown = true;
  if (replaying()) replayed();
});
document.addEventListener("lost", () => {
  if (!$("board")) return;
  $("web").classList.add("off");
  $("web-says").textContent = $("board").dataset.webDead;
});

export async function act(name) {
  const began = performance.now();
  const waiting = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    if (seconds > 0.4) $("wait").textContent = $("board").dataset.wait.replace("{s}", seconds.toFixed(1));
  }, 100);
  try {
    const answer = await fetch(`stage/do/${name}`, { method: "POST" });
    if (!answer.ok) oops((await answer.json()).detail);
  } catch {
    if (name !== "kill-web") oops($("board").dataset.webDead);
  }
  clearInterval(waiting);
  $("wait").textContent = "";
  refresh();
}

function oops(why) {
  $("oops").textContent = $("board").dataset.failed.replace("{why}", why);
  $("oops").hidden = false;
  setTimeout(() => { $("oops").hidden = true; }, 5000);
}

// The last minute again, at half the speed, as the server finds it in the journal.
let at = 0, ending = 0;
const replaying = () => view.address !== null;

function replay(on) {
  clearTimeout(ending);
  at = ending = 0;
  shown = false;
  view.address = on ? "stage?at=0" : null;
  document.body.classList.toggle("replay", on);
  refresh();
}

function replayed() {
  if (!main.dataset.since) return; // a picture of now, asked for before
  const next = Number(main.dataset.next);
  if (!next) ending ||= setTimeout(() => replay(false), LAST_SHOWN);
  at = Math.max(at, next - SILENCE);
  view.address = `stage?at=${at.toFixed(3)}&since=${main.dataset.since}`;
}

setInterval(() => {
  if (!replaying()) return;
  at += STEP / 2000;
  refresh();
}, STEP);

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button");
  if (!button) return;
  event.preventDefault();
  if (button.id === "replay") replay(!replaying());
  else if (!replaying()) act(button.dataset.action); // a replay's buttons disturb nothing
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches("input, textarea")) return;
  // with CapsLock, and while an input method is on
  const typed = /^[\da-z]$/i.test(event.key) ? event.key : event.code.replace(/^(Key|Digit)/, "");
  const button = document.querySelector(`[data-key="${CSS.escape(typed.toLowerCase())}"]`);
  if (button) { event.preventDefault(); button.click(); }
});
addEventListener("resize", crowd);
$("replay").hidden = false;
crowd();
