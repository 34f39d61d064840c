// The page: buttons, stations with their jobs, the story of one job, and time that goes both ways.
"use strict";

const $ = (selector) => document.querySelector(selector);
const RUNGS = ["early", "late", "claims", "outbox"];
const SLOW = 450;  // real milliseconds for a tick of 250

const page = {
  language: navigator.language.startsWith("ja") ? "ja" : "en",
  world: null,
  past: [],  // the world before each tick and each act
  deeds: [],  // [tick, what, worker]: what a link carries
  chosen: null,
  playing: null,
};

function say(name, values = {}) {
  return WORDS[page.language][name].replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

const ticks = () => Math.round(page.past.filter((one) => one.tick).length);

// ---- what the visitor does
const DEEDS = {
  comment: (world) => world.comment(),
  five: (world) => { for (let i = 0; i < 5; i += 1) world.comment(); },
  wipe: (world) => world.wipe(),
  hour: (world) => world.hour(),
  kill: (world, number) => world.kill(number),
  pause: (world, number) => world.pause(number),
  cut: (world, number) => world.cut(number),
};

function act(what, number) {
  page.past.push({tick: false, saved: page.world.save(), deeds: page.deeds.length});
  page.deeds.push([ticks(), what, number]);
  const before = page.world.told.length;
  DEEDS[what](page.world, number);
  const hit = page.world.told.slice(before).find((one) => one.job);
  if (hit) page.chosen = hit.job;
  document.body.classList.remove("fresh");
}

function tick() {
  page.past.push({tick: true, saved: page.world.save(), deeds: page.deeds.length});
  page.world.tick();
}

function back() {
  const last = page.past.pop();
  if (!last) return;
  page.world.load(last.saved);
  page.deeds.length = last.deeds;
}

function begin(rung, deeds = []) {
  Object.assign(page, {world: new World(rung), past: [], deeds: [], chosen: null});
  const until = deeds.length ? deeds.at(-1)[0] : 0;
  for (let now = 0; now <= until; now += 1) {
    for (const [at, what, number] of deeds) if (at === now) act(what, number);
    if (now < until) tick();
  }
}

function play(wanted) {
  clearInterval(page.playing);
  page.playing = wanted ? setInterval(() => { tick(); draw(); }, SLOW) : null;
}

// ---- drawing
const tokens = new Map();  // job, or job and "copy", to its button

function token(name, job) {
  if (!tokens.has(name)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = job;
    button.addEventListener("click", () => { page.chosen = job; draw(); });
    tokens.set(name, button);
  }
  return tokens.get(name);
}

function put(list, name, job, look) {
  const button = token(name, job), item = document.createElement("li");
  button.className = `job ${look}`;
  button.setAttribute("aria-pressed", String(page.chosen === job));
  item.append(button);
  list.append(item);
}

function draw_jobs() {
  const from = new Map([...tokens].map(([name, one]) => [name, one.getBoundingClientRect()]));
  const shown = new Set(), places = page.world.places();
  for (const list of document.querySelectorAll("#stations ol")) list.replaceChildren();
  const show = (list, name, job, look) => { shown.add(name); put($(`${list} ol`), name, job, look); };
  const queued = places.filter((one) => one.where === "queue");
  queued.sort((a, b) => a.position - b.position);
  queued.forEach((one, i) => show("#queue", one.job, one.job, i ? "" : "next"));
  for (const one of places) {
    const {job, where} = one;
    if (one.kept) show("#web", where === "outbox" ? job : `${job} copy`, job, "copy");
    if (where === "worker") show(`#worker${one.number}`, job, job, "running");
    if (where === "held") show(`#worker${one.number}`, job, job, "held");
    if (where === "nowhere") show("#nowhere", job, job, "lost");
    if (one.copies) show("#inbox", where === "inbox" ? job : `${job} mail`, job, "delivered");
  }
  for (const name of tokens.keys()) if (!shown.has(name)) tokens.delete(name);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const [name, one] of tokens) {
    const old = from.get(name), now = one.getBoundingClientRect();
    if (!old || (old.x === now.x && old.y === now.y)) continue;
    const move = `translate(${old.x - now.x}px, ${old.y - now.y}px)`;
    one.animate([{transform: move}, {transform: "none"}], {duration: 380, easing: "ease-in-out"});
  }
}

function draw_worker(worker) {
  const box = $(`#worker${worker.number}`);
  box.className = `worker ${worker.dead ? "dead" : worker.paused ? "paused" : ""}`;
  const held = page.world.places()
    .filter((one) => one.where === "held" && one.number === worker.number).map((one) => one.job);
  const seconds = Math.max(0, (worker.back - page.world.now) / 1000).toFixed(1);
  let state = say("idle");
  if (worker.run) state = say("busy", {job: worker.run.job});
  if (worker.paused) state = say("paused");
  if (worker.dead) state = say("dead", {s: seconds});
  if (held.length) state += ` · ${say("holds", {jobs: held.join(", ")})}`;
  box.querySelector("h2").textContent = say("worker", {n: worker.number});
  box.querySelector("p").textContent = state;
  const words = {kill: "kill", pause: worker.paused ? "resume" : "pause", cut: "cut"};
  for (const button of box.querySelectorAll(".acts button")) {
    const {act: what} = button.dataset;
    button.textContent = say(words[what]);
    button.setAttribute("aria-label", `${say(words[what])}: ${say("worker", {n: worker.number})}`);
    button.disabled = Boolean(worker.dead) || (what === "cut" && Boolean(worker.cut));
  }
}

function draw_sum() {
  const seen = page.world.verdict(), parts = [];
  const add = (look, text) => parts.push(Object.assign(
    document.createElement("span"), {className: look, textContent: text}));
  add("", say("sum", seen));
  if (seen.lost) add("bad", say("lost", {n: seen.lost}));
  if (seen.late) add("late", say("late.sum", {n: seen.late}));
  if (seen.twice) add("late", say("twice", {n: seen.twice}));
  if (seen.comments && !seen.lost && !seen.late) add("good", say("fine"));
  $("#sum").replaceChildren(...parts.flatMap((part, i) => (i ? [" · ", part] : [part])));
}

function draw_story() {
  const box = $("#story"), title = document.createElement("h2");
  title.textContent = page.chosen ? say("story", {job: page.chosen}) : say("story.none");
  const rows = document.createElement("ol");
  for (const one of page.chosen ? page.world.story(page.chosen) : []) {
    const row = document.createElement("li"), at = document.createElement("time");
    at.textContent = `${((one.at - START) / 1000).toFixed(2)} s  `;
    row.append(at, say(`t.${one.what}`, one));
    if (one.file) {
      const own = SCRIPTS[one.file], code = document.createElement("code");
      const line = own && own.split("\n")[one.line - 1];
      code.textContent = own ? `${say("by.lua", one)}: ${line.trim()}` : say("by.kombu");
      row.append(code);
    }
    rows.append(row);
  }
  const lost = page.world.places().find((one) => one.job === page.chosen && one.where === "nowhere");
  const why = document.createElement("p");
  why.textContent = lost ? say("nowhere.why") : "";
  box.replaceChildren(title, rows, why);
}

function draw() {
  document.documentElement.lang = page.language;
  document.title = say("title");
  for (const one of document.querySelectorAll("[data-word]")) one.textContent = say(one.dataset.word);
  for (const one of document.querySelectorAll("#rungs input")) {
    one.checked = one.value === page.world.rung;
    one.parentElement.querySelector("span").textContent = say(one.value);
    one.parentElement.querySelector("small").textContent = say(`${one.value}.more`);
  }
  $("#web").hidden = page.world.rung !== "outbox";
  $("#play").textContent = say(page.playing ? "stop" : "play");
  $("#back").disabled = !page.past.length;
  $("#clock").textContent = `${((page.world.now - START) / 1000).toFixed(2)} s`;
  draw_jobs();
  page.world.workers.forEach(draw_worker);
  draw_sum();
  draw_story();
}

// ---- links: #claims;0.comment.;3.kill.1
function link() {
  return `#${[page.world.rung, ...page.deeds.map((deed) => deed.join("."))].join(";")}`;
}

function follow(hash) {
  const [rung, ...deeds] = hash.slice(1).split(/;|%3B/i);
  const known = deeds.slice(0, 200).map((deed) => deed.split(".")).filter(([at, what, number]) =>
    Number(at) <= 1000 && Object.hasOwn(DEEDS, what) && /^[12]?$/.test(number || ""));
  if (!RUNGS.includes(rung)) return false;
  begin(rung, known.map(([at, what, number]) => [Number(at), what, Number(number) || undefined]));
  return true;
}

function build() {
  for (const rung of RUNGS) {
    const label = document.createElement("label");
    label.innerHTML = '<input type="radio" name="rung"> <span></span><small></small>';
    const input = label.querySelector("input");
    input.value = rung;
    input.addEventListener("change", () => { arrive(rung); draw(); });
    $("#rungs").append(label);
  }
  for (const number of [1, 2]) {
    const box = $(`#worker${number}`);
    box.innerHTML = "<h2></h2><p></p><ol></ol><div class='acts'></div>";
    for (const what of ["kill", "pause", "cut"]) {
      const button = Object.assign(document.createElement("button"), {type: "button", className: what});
      button.dataset.act = what;
      button.addEventListener("click", () => { act(what, number); draw(); });
      box.querySelector(".acts").append(button);
    }
  }
  for (const one of document.querySelectorAll("[data-do]")) {
    one.addEventListener("click", () => { act(one.dataset.do); draw(); });
  }
  $("#step").addEventListener("click", () => { play(false); tick(); draw(); });
  $("#back").addEventListener("click", () => { play(false); back(); draw(); });
  $("#play").addEventListener("click", () => { play(!page.playing); draw(); });
  $("#again").addEventListener("click", () => { arrive(page.world.rung); draw(); });
  $("#other").addEventListener("click", () => {
    page.language = page.language === "en" ? "ja" : "en";
    draw();
  });
  $("#link").addEventListener("click", () => {
    location.hash = link();
    if (navigator.clipboard) navigator.clipboard.writeText(location.href).catch(() => {});
  });
}

// A visitor finds jobs at work, and may kill at once.
function arrive(rung) {
  begin(rung, [[0, "five"], [3, "comment"]]);
  page.chosen = null;
  document.body.classList.add("fresh");
  play(true);
}

build();
if (!follow(location.hash)) arrive("early");
draw();
