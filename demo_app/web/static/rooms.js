// The rooms around the tokens: who lives in them, and what the server says of them.

const boxes = document.getElementById("boxes");
const board = document.getElementById("board");
const $ = (id) => document.getElementById(id);
let struckUntil = 0; // Redis is back so soon that the blow would not be seen

// A word of the page in its language.
export const word = (key, values = {}) => Object.entries(values).reduce(
  (text, [name, value]) => text.replace(`{${name}}`, value),
  board.getAttribute(`data-word-${key.replaceAll(/[. _]/g, "-")}`) ?? "");

// The box of a worker, made if it is new.
export function box(id, pid) {
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

// A worker was found dead.
export function cross(id) {
  const found = boxes.querySelector(`[data-worker="${CSS.escape(id)}"]`);
  if (!found) return null;
  found.classList.add("off");
  found.querySelector("span").textContent = `✗ ${word("worker-dead")}`;
  return found;
}

export const noBoxes = () => boxes.replaceChildren();
export const strike = () => { struckUntil = performance.now() + 2000; };

export function workers(seen, tokens) {
  const rescuer = seen.workers.some((one) => one.alive);
  for (const one of seen.workers) {
    const found = box(one.id, one.pid);
    found.classList.toggle("off", !one.alive);
    found.classList.toggle("asleep", one.quiet);
    const rescue = one.left || rescuer ? word("worker-lease", { s: one.left.toFixed(1) }) : word("worker-stuck");
    found.querySelector("span").textContent = one.alive ? `${one.running} / ${one.threads || 1}`
      : `✗ ${word("worker-dead")} · ${rescue}`;
    found.querySelector("i").style.width = `${Math.min(100, one.left / seen.lease * 100)}%`;
  }
  const known = new Set(seen.workers.map((one) => one.id));
  const held = new Set([...tokens].filter((token) => token.at === "worker").map((token) => token.owner));
  for (const found of [...boxes.querySelectorAll(".box")]) {
    const { worker } = found.dataset;
    if (!known.has(worker) && !held.has(worker) && seen.redis !== false) found.remove();
  }
  const dead = new Set(seen.workers.filter((one) => !one.alive).map((one) => one.id));
  for (const token of tokens) token.element.classList.toggle("orphan", token.at === "worker" && dead.has(token.owner));
  if (!boxes.firstElementChild) boxes.innerHTML = seen.redis === null // nobody is asked about workers
    ? `<p class="says">${word("unseen-workers")}</p>` : `<p class="says bad">${word("no-workers")}</p>`;
}

export function rooms(seen) {
  const room = (name) => board.querySelector(`.room.${name}`);
  room("web").classList.remove("off");
  $("web-says").textContent = "";
  const struck = seen.redis === false || performance.now() < struckUntil;
  room("redis").classList.toggle("off", struck);
  $("redis-says").textContent = struck ? word("redis-dead") : seen.persistence ? word(`keeps-${seen.persistence}`) : "";
  $("redis-says").classList.toggle("bad", struck || seen.persistence === "none");
  room("mail").classList.toggle("off", ["down", "away"].includes(seen.mail));
  room("mail").classList.toggle("busy", ["slow", "odd"].includes(seen.mail));
  $("mail-says").textContent = word(`mood-${seen.mail}`, { s: seen.mail_seconds });
  $("inbox-says").textContent = seen.mails === null ? "" : word("mails", { n: seen.mails.toLocaleString("en") });
  $("grave").hidden = !seen.sums.lost;
}

// The web app answers no more.
export function webIsDead() {
  board.querySelector(".room.web").classList.add("off");
  $("web-says").textContent = word("web-dead");
  $("web-says").classList.add("bad");
}

export function sums(seen) {
  for (const element of document.querySelectorAll("[data-sum]")) element.textContent = seen.sums[element.dataset.sum].toLocaleString("en");
  document.querySelector(".sum.lost").classList.toggle("any", seen.sums.lost > 0);
  document.querySelector("[data-discarded]").hidden = !seen.sums.discarded;
  const pressed = { "slow-mail": seen.mail === "slow", "no-mail": seen.mail === "down" };
  for (const button of document.querySelectorAll("[data-act][aria-pressed]")) {
    const { act } = button.dataset;
    button.setAttribute("aria-pressed", String(pressed[act] ?? seen.backend === act));
  }
}

// The picture in words; said again only when it differs, or a screen reader would never stop.
export function tell(...sentences) {
  const text = sentences.filter(Boolean).join(" ");
  if ($("told").textContent !== text) $("told").textContent = text;
}
