// The stage plays what really happens: the journal's events move the tokens, and twice a second the
// server's own count says where everything is, so that the picture can't drift from the truth.
import { Board } from "./board.js";

const main = document.getElementById("main");
const board = new Board(document.getElementById("board"));
const $ = (id) => document.getElementById(id);
const word = (key, values = {}) => Object.entries(values).reduce(
  (text, [name, value]) => text.replace(`{${name}}`, value),
  board.element.getAttribute(`data-word-${key.replaceAll(/[. _]/g, "-")}`) ?? "");
let struckUntil = 0; // Redis is back so soon that the blow would not be seen
let state = null, replay = null, source = null, first = true, asking = false, behind = false;

// Where an event of the journal takes its job.
function moves(event) {
  switch (event.event) {
    case "enqueued": return [{ at: "outbox" }, { at: "queue" }];
    case "scheduled": case "retrying": return [{ at: "later" }];
    case "claimed": return [{ at: "worker", owner: event.by }];
    case "rescued": return [{ at: "queue", head: true, rescued: true }];
    case "requeued": return [{ at: "queue", head: true }];
    case "dead": return [{ at: "dead" }];
    case "done": return [{ at: "mail" }, { at: "inbox" }];
    default: return [];
  }
}

function play(event) {
  if (!event.job) {
    if (event.event === "worker_started") box(event.by, event.pid);
    if (event.event === "worker_died") cross(event.text ?? "");
    return;
  }
  const token = board.token(event.job);
  if (!token) return;
  if (event.event === "discarded") { board.remove(token); return; }
  if (token.at === "inbox" && event.event !== "done") return;
  // it was in the queue before: no second way through the web app
  const way = moves(event);
  board.move(token, ...(event.event === "enqueued" && token.at !== "readers" ? way.slice(1) : way));
}

// Where the server says that a job is, on this board.
function spot({ place, owner, backend }) {
  if (place === "queued" || place === "unsure") return { at: "queue" };
  if (place === "running" && !backend) return { at: "worker", owner };
  if (place === "running" || place === "memory") return { at: "memory" };
  return { at: { delivered: "inbox", discarded: "inbox" }[place] ?? place };
}

function settle(seen) {
  const told = new Set();
  const now = performance.now();
  for (const one of seen.tokens) {
    told.add(one.job);
    const fresh = !board.tokens.has(one.job);
    const token = board.token(one.job, one.n);
    if (!token) continue;
    const there = spot(one);
    token.element.classList.toggle("unsure", one.place === "unsure");
    token.element.classList.toggle("busy", one.place === "running" && Boolean(one.backend));
    if (fresh && first) board.put(token, there);
    else if (fresh && there.at === "inbox") board.move(token, { at: "memory" }, { at: "mail" }, there);
    else if (fresh) { if (one.backend || there.at !== "queue") board.move(token, there); else token.heard = now; }
    else if (token.at === there.at && token.owner === (there.owner ?? "")) token.misses = 0;
    // the journal tells it sooner and better; step in only where it stays silent
    else if (!token.moves.length && now - token.heard > 900 && ++token.misses > 1) {
      const left = token.at === "memory" && there.at === "inbox" ? [{ at: "mail" }] : [];
      board.move(token, ...left, there);
      token.misses = 0;
    }
  }
  for (const token of [...board.tokens.values()]) {
    if (!told.has(token.job) && token.n && !token.moves.length && ++token.misses > 4) board.remove(token);
  }
  first = false;
}

function box(id, pid) {
  const boxes = $("boxes");
  let found = boxes.querySelector(`[data-worker="${CSS.escape(id)}"]`);
  if (!found) {
    found = document.createElement("div");
    found.className = "box";
    found.dataset.worker = id;
    found.innerHTML = '<p><b></b><span></span></p><div class="bar"><i></i></div><div class="floor"></div>';
    boxes.querySelector(".says")?.remove();
    boxes.append(found);
  }
  if (pid) found.querySelector("b").textContent = pid;
  return found;
}

function cross(id) {
  const found = $("boxes").querySelector(`[data-worker="${CSS.escape(id)}"]`);
  if (!found) return;
  found.classList.add("off");
  found.querySelector("span").textContent = `✗ ${word("worker-dead")}`;
  if (replay) setTimeout(() => found.remove(), 2500);
}

function workers(seen) {
  for (const one of seen.workers) {
    const found = box(one.id, one.pid);
    found.classList.toggle("off", !one.alive);
    found.classList.toggle("asleep", one.quiet);
    const rescue = one.left || seen.workers.some((other) => other.alive)
      ? word("worker-lease", { s: one.left.toFixed(1) }) : word("worker-stuck");
    found.querySelector("span").textContent = one.alive ? `${one.running} / ${one.threads || 1}`
      : `✗ ${word("worker-dead")} · ${rescue}`;
    found.querySelector("i").style.width = `${Math.min(100, one.left / 3 * 100)}%`;
  }
  const known = new Set(seen.workers.map((one) => one.id));
  for (const found of [...$("boxes").querySelectorAll(".box")]) {
    const held = [...board.tokens.values()].some((token) => token.at === "worker" && token.owner === found.dataset.worker);
    if (!known.has(found.dataset.worker) && !held && seen.redis !== false) found.remove();
  }
  const dead = new Set(seen.workers.filter((one) => !one.alive).map((one) => one.id));
  for (const token of board.tokens.values()) token.element.classList.toggle("orphan", token.at === "worker" && dead.has(token.owner));
  if (!$("boxes").firstElementChild) $("boxes").innerHTML = seen.redis === null // nobody is asked about workers
    ? `<p class="says">${word("unseen-workers")}</p>` : `<p class="says bad">${word("no-workers")}</p>`;
}

function rooms(seen) {
  const room = (name) => board.element.querySelector(`.room.${name}`);
  room("web").classList.remove("off");
  $("web-says").textContent = "";
  const struck = seen.redis === false || performance.now() < struckUntil;
  room("redis").classList.toggle("off", struck);
  $("redis-says").textContent = struck ? word("redis-dead") : seen.persistence ? word(`keeps-${seen.persistence}`) : "";
  $("redis-says").classList.toggle("bad", struck || seen.persistence === "none");
  room("mail").classList.toggle("off", ["down", "away"].includes(seen.mail));
  room("mail").classList.toggle("busy", ["slow", "odd"].includes(seen.mail));
  $("mail-says").textContent = word(`mood-${seen.mail}`);
  $("inbox-says").textContent = seen.mails === null ? "" : word("mails", { n: seen.mails.toLocaleString("en") });
  $("grave").hidden = !seen.sums.lost;
  const places = { outbox: "outbox", queue: "queued", later: "later", dead: "dead", memory: "memory", lost: "lost" };
  for (const [floor, place] of Object.entries(places)) {
    const element = board.floor(floor);
    const more = (seen.hidden[place] ?? 0) - (board.shown?.get(floor) ?? Infinity);
    if (more > 0) element.dataset.more = word("more", { n: more });
    else delete element.dataset.more;
  }
}

function sums(seen) {
  for (const element of document.querySelectorAll("[data-sum]")) element.textContent = seen.sums[element.dataset.sum].toLocaleString("en");
  document.querySelector(".sum.lost").classList.toggle("any", seen.sums.lost > 0);
  document.querySelector("[data-discarded]").hidden = !seen.sums.discarded;
  if ($("told").textContent !== seen.told) $("told").textContent = seen.told;
  const pressed = { "slow-mail": seen.mail === "slow", "no-mail": seen.mail === "down" };
  for (const button of document.querySelectorAll("[data-act][aria-pressed]")) {
    const act = button.dataset.act;
    button.setAttribute("aria-pressed", String(pressed[act] ?? seen.backend === act));
  }
}

async function ask() {
  if (asking || document.hidden) return;
  asking = true;
  try {
    const answer = await fetch(main.dataset.state);
    if (!answer.ok) throw new Error(answer.status);
    state = await answer.json();
    if (behind) { behind = false; listen(); }
    if (!replay) {
      workers(state);
      settle(state);
      rooms(state);
      board.place();
    }
    sums(state);
  } catch {
    behind = true;
    deaf();
    board.element.querySelector(".room.web").classList.add("off");
    $("web-says").textContent = word("web-dead");
    $("web-says").classList.add("bad");
  }
  asking = false;
}

async function act(name) {
  if (name === "replay") return startReplay();
  const began = performance.now();
  const waiting = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    if (seconds > 0.4) $("wait").textContent = word("wait", { s: seconds.toFixed(1) });
  }, 100);
  try {
    const answer = await fetch(`stage/do/${name}`, { method: "POST" });
    if (!answer.ok) oops((await answer.json()).detail);
    else if (name === "new-round") board.clear();
    else if (name === "kill-redis") struckUntil = performance.now() + 2000;
  } catch {
    if (name !== "kill-web") oops(word("web-dead"));
  }
  clearInterval(waiting);
  $("wait").textContent = "";
  ask();
}

function oops(why) {
  $("oops").textContent = word("failed", { why });
  $("oops").hidden = false;
  setTimeout(() => { $("oops").hidden = true; }, 5000);
}

// The last minute again, at half the speed; long silences are cut short.
async function startReplay() {
  if (replay) { endReplay(); return; }
  const events = await (await fetch(main.dataset.replay)).json();
  if (!events.some((event) => event.job)) return;
  let at = 0, before = events.find((event) => event.job).at;
  replay = events.map((event) => {
    at += Math.min(1.5, Math.max(0, event.at - before)) * 2000;
    before = event.at;
    return { at, event };
  });
  replay.began = performance.now();
  board.clear();
  $("boxes").replaceChildren();
  board.replaying = true;
  document.body.classList.add("replay");
  for (const { event } of replay) if (event.event === "claimed") box(event.by, /-(\d+)-\w+\.\d+$/.exec(event.by)?.[1]);
}

function endReplay() {
  replay = null;
  first = true;
  board.clear();
  $("boxes").replaceChildren();
  board.replaying = false;
  document.body.classList.remove("replay");
  ask();
}

function listen() {
  if (source || document.hidden) return;
  source = new EventSource(main.dataset.events);
  source.addEventListener("message", (message) => { if (!replay) play(JSON.parse(message.data)); });
}
function deaf() { source?.close(); source = null; }

setInterval(() => {
  const now = performance.now();
  if (replay) {
    $("told").textContent = `${word("replaying")} …`;
    while (replay.length && replay[0].at <= now - replay.began) {
      const { event } = replay.shift();
      if (event.job) board.token(event.job, event.n);
      play(event);
    }
    if (!replay.length && ![...board.tokens.values()].some((token) => token.moves.length)) endReplay();
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
