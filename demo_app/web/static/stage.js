// The stage plays what really happens: the journal's events move the tokens, and twice a second the
// server's own count says where everything is, so that the picture can't drift from the truth.
import { Board } from "./board.js";
import { follow, settle } from "./journey.js";
import { Replay } from "./replay.js";
import { box, cross, rooms, strike, sums, tell, webIsDead, word, workers } from "./rooms.js";

const main = document.getElementById("main");
const board = new Board(document.getElementById("board"));
const replay = new Replay(board, play);
const $ = (id) => document.getElementById(id);
const RESCUE_SHOWN = 5000; // milliseconds for which a rescue is told
let rescued = []; // when jobs were, lately
let source = null, asking = false, behind = false;

function play(event) {
  if (event.job) follow(board, event);
  if (event.event === "rescued") rescued.push(performance.now());
  if (event.event === "worker_started") box(event.by, event.pid);
  if (event.event === "worker_died") {
    const crossed = cross(event.text ?? "");
    if (crossed && replay.on) setTimeout(() => crossed.remove(), 2500);
  }
}

function rescues() {
  rescued = rescued.filter((when) => performance.now() - when < RESCUE_SHOWN);
  return rescued.length ? word("told-rescued", { jobs: rescued.length }) : "";
}

async function ask() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const answer = await fetch(main.dataset.state);
    if (!answer.ok) throw new Error(answer.status);
    const seen = await answer.json();
    if (behind) { behind = false; listen(); }
    if (!replay.on) {
      workers(seen, [...board.tokens.values()]);
      settle(board, seen);
      rooms(seen);
      board.place();
      tell(seen.told, rescues());
    }
    sums(seen);
  } catch {
    behind = true;
    deaf();
    webIsDead();
  }
  asking = false;
}

async function act(name) {
  if (name === "replay") {
    if (replay.on) endReplay(); else await replay.start(main.dataset.replay);
    return;
  }
  const began = performance.now();
  const waiting = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    if (seconds > 0.4) $("wait").textContent = word("wait", { s: seconds.toFixed(1) });
  }, 100);
  try {
    const answer = await fetch(`stage/do/${name}`, { method: "POST" });
    if (!answer.ok) oops((await answer.json()).detail);
    else if (name === "new-round") board.clear();
    else if (name === "kill-redis") strike();
  } catch {
    if (name !== "kill-web") oops(word("web-dead"));
  }
  clearInterval(waiting);
  $("wait").textContent = "";
  ask();
}

function endReplay() {
  replay.end();
  rescued = [];
  ask();
}

function oops(why) {
  $("oops").textContent = word("failed", { why });
  $("oops").hidden = false;
  setTimeout(() => { $("oops").hidden = true; }, 5000);
}

function listen() {
  if (source || document.hidden) return;
  source = new EventSource(main.dataset.events);
  source.addEventListener("message", (message) => { if (!replay.on) play(JSON.parse(message.data)); });
}
function deaf() { source?.close(); source = null; }

setInterval(() => {
  const now = performance.now();
  if (replay.on) {
    tell(`${word("replaying")} …`, rescues());
    if (replay.step(now)) endReplay();
  }
  board.step(now);
}, 60);
setInterval(ask, 500);

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-act]");
  if (!button) return;
  event.preventDefault();
  act(button.dataset.act);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.matches("input, textarea")) return;
  const button = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (button) { event.preventDefault(); act(button.dataset.act); }
});
document.addEventListener("visibilitychange", () => (document.hidden ? deaf() : (listen(), ask())));
window.addEventListener("pagehide", deaf);
document.querySelector("[data-act=replay]").hidden = false;
listen();
ask();
