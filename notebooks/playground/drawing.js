// Draws the stations with their jobs, the news (the latest events), and the story of one job (all its
// events).

// Event types: the visitor's acts, and ordinary events, which are not shown in the news.
const BY_VISITOR = new Set(["killed", "paused", "resumed", "cut", "wiped", "hour"]);
const ORDINARY = new Set(["comment", "moved", "fetched", "taken", "mail", "done"]);
const tokens = new Map();  // the button of each job, and of each further copy or run of a job

function say(name, values = {}) {
  return WORDS[page.language][name].replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

// Return the text for this rung, or the text for all rungs, or "" if there is neither. The rung
// `outbox` also has the texts of `claims`.
function say_here(name, values) {
  const {rung} = page.world, kin = rung === "outbox" ? "claims" : rung;
  const found = [`${name}.${rung}`, `${name}.${kin}`, name].find((one) => one in WORDS.en);
  return found ? say(found, values) : "";
}

function sentence(one) {
  const parts = [say_here(`t.${one.what}`, one), say_here(`f.${one.fate}`, one)];
  return parts.join(page.language === "en" ? " " : "").trim();
}

const seconds = (at) => `${((at - START) / 1000).toFixed(2)} s`;

// Return a list: the visitor's last act, and the last event after it that is not ordinary.
function news() {
  const {events} = page.world, did = events.findLastIndex((one) => BY_VISITOR.has(one.what));
  return [events[did], events.slice(did + 1).findLast((one) => !ORDINARY.has(one.what))].filter(Boolean);
}

// Return the id of the job whose story is shown: the visitor's choice, or the job of the last event
// that is not ordinary.
function chosen() {
  return page.picked ?? page.world.events.findLast(({job, what}) => job && !ORDINARY.has(what))?.job;
}

function make(tag, textContent, more = {}) {
  return Object.assign(document.createElement(tag), {textContent, ...more});
}

// Replace the content only if the text differs, so that a screen reader does not repeat it.
function fill(box, ...parts) {
  if (box.textContent !== parts.map((one) => one.textContent ?? one).join("")) box.replaceChildren(...parts);
}

function draw_jobs(places) {
  const from = new Map([...tokens].flatMap(([name, one]) => {
    const box = one.getBoundingClientRect();
    return [[name, box], [`of ${one.dataset.job}`, box]];
  }));
  const shown = new Set(), focused = document.activeElement;
  for (const list of document.querySelectorAll("#stations ol")) list.replaceChildren();
  const show = (box, name, job, look) => {
    const button = tokens.get(name) || make("button", job), item = make("li", "");
    const title = say(`dot.${look}`, {job}), ariaPressed = String(chosen() === job);
    Object.assign(button, {className: `job ${look}`, title, ariaLabel: title, ariaPressed});
    button.dataset.job = job;
    item.append(button);
    $(`${box} ol`).append(item);
    tokens.set(name, button);
    shown.add(name);
  };
  const queued = places.filter((one) => one.where === "queue").sort((a, b) => a.position - b.position);
  queued.forEach(({job}, i) => show("#queue", job, job, i ? "queued" : "next"));
  for (const {job, where, number, ghosts, kept, copies} of places) {
    if (where === "worker") show(`#worker${number}`, job, job, "running");
    if (where === "ahead" || where === "held") show(`#worker${number}`, job, job, where);
    if (where === "aside") show("#queue", job, job, "held");
    if (where === "nowhere") show("#nowhere", job, job, "lost");
    for (const mind of ghosts) show(`#worker${mind}`, `${job} in ${mind}`, job, "memory");
    if (kept) show("#web", `${job} copy`, job, "copy");
    if (copies) show("#inbox", `${job} mail`, job, "delivered");
  }
  for (const name of tokens.keys()) if (!shown.has(name)) tokens.delete(name);
  focused.focus({preventScroll: true});
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const [name, one] of tokens) {  // move a new button here from the last place of its job
    const old = from.get(name) || from.get(`of ${one.dataset.job}`), now = one.getBoundingClientRect();
    if (!old || (old.x === now.x && old.y === now.y)) continue;
    const move = `translate(${old.x - now.x}px, ${old.y - now.y}px)`;
    const under = {pointerEvents: "none"};  // a click is for the button that the dot moves over
    one.animate([{transform: move, ...under}, {transform: "none", ...under}],
      {duration: 380, easing: "ease-in-out"});
  }
}

function state_of({number, run, dead, paused, back: starts}, places) {
  const parts = [say(run ? (run.sent ? "sent" : "busy") : "idle", run || {})];
  if (paused) parts[0] = say("paused");
  if (dead) parts[0] = say("dead", {s: ((starts - page.world.now) / 1000).toFixed(1)});
  const ghost = places.find(({ghosts}) => ghosts.includes(number));
  if (ghost) parts.push(say(ghost.where === "memory" ? "memory" : "believes", ghost));
  for (const [place, word] of [["ahead", "fetched"], ["held", "holds"]]) {
    const jobs = places.filter((one) => one.where === place && one.number === number).map(({job}) => job);
    if (jobs.length) parts.push(say_here(word, {jobs: jobs.join(", ")}));
  }
  return parts.join(" · ");
}

function draw_worker(worker, places) {
  const box = $(`#worker${worker.number}`), name = say("worker", {n: worker.number});
  box.className = `worker ${worker.dead ? "dead" : worker.paused ? "paused" : ""}`;
  fill(box.querySelector("h2"), name);
  fill(box.querySelector("p"), state_of(worker, places));
  const now = {pause: worker.paused && "resume", cut: worker.cut && "armed"};
  for (const button of box.querySelectorAll("[data-act]")) {
    const {act: what} = button.dataset, word = now[what] || what;
    fill(button, say(word));
    button.ariaLabel = `${say(word)}: ${name}`;
    button.classList.toggle("armed", word === "armed");
    button.disabled = Boolean(worker.dead) || word === "armed";
  }
}

function draw_sum() {
  const seen = page.world.counts(), parts = [make("span", say("sum", seen))];
  const add = (className, word) => parts.push(" · ", make("span", say(word, seen), {className}));
  if (seen.lost) add("bad", "lost");
  if (seen.late) add("late", "late.sum");
  if (seen.twice) add("late", "twice");
  if (seen.comments && !seen.lost && !seen.late) add("good", "fine");
  fill($("#sum"), ...parts);
  const rows = news().map(sentence);
  if (!rows.length) rows.push(say("begun", {rung: say(page.world.rung)}));
  fill($("#news"), ...rows.map((row) => make("li", row)));
}

function draw_story() {
  const job = chosen(), events = page.world.events.filter((one) => job && one.job === job);
  fill($("#story h2"), job ? say("story", {job}) : say("story.none"));
  const row = (one) => {
    const item = make("li", ""), line = SCRIPTS[one.file]?.split("\n")[one.line - 1];
    item.append(make("time", seconds(one.at)), " ", sentence(one));
    if (line) item.append(make("code", `${say("by.lua", one)}: ${line}`));
    return item;
  };
  fill($("#story > ol"), ...events.filter((one) => one.what !== "moved").map(row));
  fill($("#story details ol"), ...events.filter((one) => one.what === "moved").map(row));
  fill($("#story summary"), say_here("commands"));
  $("#story details").hidden = !job;
}

function draw() {
  const {rung, now, workers} = page.world, places = page.world.places();
  document.documentElement.lang = page.language;
  document.title = say("title");
  for (const one of document.querySelectorAll("[data-word]")) fill(one, say(one.dataset.word));
  for (const one of document.querySelectorAll("#rungs input")) one.checked = one.value === rung;
  fill($("#more"), say(`${rung}.more`));
  $("#web").classList.toggle("unused", rung !== "outbox");
  fill($("#web p"), say_here("web.note"));
  fill($("#play"), say(page.playing ? "stop" : "play"));
  $("#back").disabled = !page.past.length;
  fill($("#clock"), seconds(now));
  fill($("#copied"), page.copied ? say(page.copied) : "");
  draw_jobs(places);
  for (const worker of workers) draw_worker(worker, places);
  draw_sum();
  draw_story();
}
