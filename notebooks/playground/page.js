// The page's controls: the visitor's actions, steps forward and back in time, and links that replay the actions.

const $ = (selector) => document.querySelector(selector);
const DEED = /^(\d{1,4})\.(comment|five|wipe|hour|(?:kill|pause|cut)(?=\.[12]))\.([12]?)$/;
const RUNGS = ["early", "late", "claims", "outbox"];
const PAST = 400;  // steps that Back can undo
const SLOW = 450;  // real milliseconds per tick; a tick simulates 250 ms

const page = {
  language: navigator.language.startsWith("ja") ? "ja" : "en",
  world: null,
  past: [],  // the world before each of the last ticks and actions
  ticks: 0,
  deeds: [],  // [tick, what, worker]: the content of a link
  picked: null,  // the job that the visitor chose, for the story
  copied: null,  // key of the message about the last link
  playing: null,
};

// ---- the visitor's actions
function keep() {
  page.past.push({saved: page.world.save(), deeds: [...page.deeds], ticks: page.ticks});
  if (page.past.length > PAST) page.past.shift();
}

function act(what, number) {
  keep();
  page.deeds.push([page.ticks, what, number]);
  page.world[what](number);
  Object.assign(page, {picked: null, copied: null});
  document.body.classList.remove("fresh");
}

function tick() {
  keep();
  page.ticks += 1;
  page.world.tick();
}

function back() {
  const {saved, ...rest} = page.past.pop();
  page.world.load(saved);
  Object.assign(page, rest);
}

function begin(rung, deeds = []) {
  Object.assign(page, {world: new World(rung), past: [], ticks: 0, deeds: [], picked: null, copied: null});
  const until = deeds.length ? deeds.at(-1)[0] : 0;
  for (let now = 0; now <= until; now += 1) {
    for (const [at, what, number] of deeds) if (at === now) act(what, number);
    if (now < until) tick();
  }
}

function play(on) {
  clearInterval(page.playing);
  page.playing = on ? setInterval(() => { tick(); draw(); }, SLOW) : null;
}

// ---- links, such as #claims;0.comment.;3.kill.1: the rung, then tick.action.worker of each action
function link() {
  return `#${[page.world.rung, ...page.deeds.map((deed) => deed.join("."))].join(";")}`;
}

function follow(hash) {
  const [rung, ...deeds] = hash.slice(1).split(/;|%3B/i);
  if (!RUNGS.includes(rung)) return false;
  const known = deeds.slice(0, 200).map((deed) => deed.match(DEED)).filter(Boolean);
  begin(rung, known.map(([, at, what, number]) => [Number(at), what, number]));
  return true;
}

// Start with running jobs, so that a visitor can kill a worker immediately.
function arrive(rung) {
  begin(rung, [[0, "five"], [3, "comment"]]);
  history.replaceState(null, "", location.href.split("#")[0]);
  document.body.classList.add("fresh");
  play(true);
}

const CONTROLS = {
  again: () => arrive(page.world.rung),
  back: () => { play(false); back(); },
  play: () => play(!page.playing),
  step: () => { play(false); tick(); },
  other: () => { page.language = page.language === "en" ? "ja" : "en"; },
  link: () => {
    history.replaceState(null, "", link());
    page.copied = "in.address";
    const copied = () => { page.copied = "copied"; draw(); };
    navigator.clipboard?.writeText(location.href).then(copied, () => {});
  },
};

document.addEventListener("click", ({target: {id, dataset: {job, act: what, worker}}}) => {
  if (job) page.picked = job;
  else if (what) act(what, worker);
  else if (Object.hasOwn(CONTROLS, id)) CONTROLS[id]();
  else return;
  draw();
});
$("#rungs").addEventListener("change", ({target}) => { arrive(target.value); draw(); });

for (const rung of RUNGS) {
  $("#rungs").insertAdjacentHTML("beforeend", `<label><input type="radio" name="rung" value="${rung}">
    <span data-word="${rung}"></span><small data-word="${rung}.more"></small></label>`);
  $("#about .small").insertAdjacentHTML("beforebegin", `<h3 data-word="${rung}"></h3><p data-word="${rung}.why"></p>`);
}
for (const box of document.querySelectorAll(".worker")) {
  const button = (what) => `<button class="${what}" data-act="${what}" data-worker="${box.id.at(-1)}"></button>`;
  box.innerHTML = `<h2></h2><p></p><ol></ol><div>${["kill", "pause", "cut"].map(button).join("")}</div>`;
}
if (!follow(location.hash)) arrive("early");
addEventListener("hashchange", () => { if (follow(location.hash)) { play(false); draw(); } });
draw();
