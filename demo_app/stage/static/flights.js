// The movement of tokens, which never overlap. Within a row, tokens slide. Any other moved token grows at its new
// position, and a streak shows its path if it comes from another floor. A floor is an area for tokens; a room is a
// box of the page with one or more floors. The animations do not change the layout.

const PACE = 250; // milliseconds for a slide, for a streak, and for the growth after the streak
const FLYING = 40; // limit of streaks at the same time: people can't follow more
const CALM = 3000; // milliseconds for which an empty room stays open
const still = matchMedia("(prefers-reduced-motion: reduce)");
const opened = new WeakMap(); // by room: the last time when it was not folded
let places = null; // by token: its position on the screen, its floor, and its position on the floor

const floors = () => [...document.querySelectorAll("[data-floor]")];
const kind = (floor) => (floor.closest(".box") ? "worker" : floor.dataset.floor);
function middle(element) {
  const box = element.getBoundingClientRect();
  return box.height ? { x: box.left + box.width / 2, y: box.top + box.height / 2 } : seat(element);
}
// Return an element's final position, also while it moves; on a folded floor, the position of the room.
function seat(element) {
  const seen = element.checkVisibility({ visibilityProperty: true }) ? element : element.closest(".room");
  const board = (seen.offsetParent ?? document.body).getBoundingClientRect();
  return { x: board.left + seen.offsetLeft + seen.offsetWidth / 2, y: board.top + seen.offsetTop + seen.offsetHeight / 2 };
}

// Keep a room open for CALM milliseconds after it is empty: quick folding and unfolding would shake the picture.
function calm() {
  const now = performance.now();
  for (const room of document.querySelectorAll(".board > .room")) {
    if (!room.classList.contains("folded")) opened.set(room, now);
    room.classList.toggle("open", room.matches(".off") || now - (opened.get(room) ?? -CALM) < CALM);
  }
}

// If a floor is too small for all its tokens, hide the last ones, and show their number in the last position. Read
// all sizes first, then write: reading a size after a write forces the browser to compute the layout again.
export function crowd() {
  calm();
  const longest = Math.max(2, ...[...document.querySelectorAll(".floor > .token")].map((one) => one.textContent.length));
  document.documentElement.style.setProperty("--digits", longest); // all tokens have the same width
  const lines = document.body.matches(".look") ? 2 : 1; // rows of the queue's floor
  const sizes = floors().map((floor) => {
    const tokens = [...floor.children];
    const style = getComputedStyle(floor);
    const [gap, height] = [style.rowGap, style.gridAutoRows].map((size) => parseFloat(size) || 1);
    const rows = floor.dataset.floor === "queue" ? lines : Math.floor((floor.clientHeight + 1 + gap) / (height + gap));
    const seats = Math.max(1, rows) * style.gridTemplateColumns.split(" ").length;
    const all = tokens.length + Number(floor.dataset.hidden);
    return { floor, tokens, all, seats, shown: all > seats ? seats - 1 : tokens.length };
  });
  for (const { floor, tokens, all, seats, shown } of sizes) {
    tokens.forEach((token, number) => token.classList.toggle("beyond", number >= shown));
    // a new mail replaces the oldest one, and the others keep their places
    const lap = Math.max(1, seats - 1);
    if (floor.dataset.floor === "inbox") for (const token of tokens) token.style.order = token.textContent % lap;
    if (all > shown) floor.dataset.more = `+${all - shown}`;
    else delete floor.dataset.more;
  }
  threads();
}

// Store the position of every token; for a hidden token, the centre of its floor.
export function note() {
  const found = new Map();
  for (const floor of floors()) {
    const centre = middle(floor);
    for (const token of floor.children) {
      const seated = !token.classList.contains("beyond");
      found.set(token.id, { ...(seated ? middle(token) : centre), floor: kind(floor), spot: spot(token) });
    }
  }
  places = found;
}

// Return a token's position on its floor, which does not change when the room grows or moves.
const spot = ({ offsetLeft, offsetTop, parentElement: floor }) => `${offsetLeft - floor.offsetLeft} ${offsetTop - floor.offsetTop}`;

function draw(kind, from, to) {
  const line = document.createElement("i");
  line.className = kind;
  const [x, y] = [to.x - from.x, to.y - from.y];
  Object.assign(line.style, { left: `${from.x}px`, top: `${from.y}px`, width: `${Math.hypot(x, y)}px` });
  line.style.rotate = `${Math.atan2(y, x)}rad`;
  document.body.append(line);
  return line;
}

// In the view `look`, draw a thin line from each token of a dead worker, and from each rescued token in the queue,
// to the Redis key that contains the job's id.
function threads() {
  for (const old of document.querySelectorAll(".thread")) old.remove();
  if (!document.body.matches(".look")) return;
  for (const token of document.querySelectorAll(".token:is(.box.off *, .rescued):not(.beyond)")) {
    const { floor } = token.parentElement.dataset;
    const key = document.querySelector(floor === "queue" ? ".redis h2 .key" : `[data-claims="${floor}"]`);
    if (!key) continue;
    const { x, y } = middle(key);
    draw("thread", seat(token), { x: x + key.offsetWidth / 2, y });
  }
}

function streak(from, to, pace) {
  const line = draw("streak", from, to);
  const frames = [{ scale: "0 1" }, { scale: 1, opacity: 1 }, { scale: 1, opacity: 0 }];
  line.animate(frames, 2 * pace).finished.then(() => line.remove());
}

// Animate every token that has moved since `note`. Read all positions before the first write, so that the browser
// computes the layout only once.
// sameTime: false if nothing may move: for the first picture, and for a change between the present and a replay.
export function fly(sameTime) {
  const before = places;
  places = null; // a second call without `note` must move nothing
  if (still.matches || !before || !sameTime) return;
  const door = { ...middle(floors()[0]), floor: "readers" };
  const full = new Set(floors().filter((floor) => floor.dataset.more).map((floor) => floor.dataset.floor));
  const moved = [];
  for (const token of document.querySelectorAll("[data-floor] > .token:not(.beyond)")) {
    const floor = token.parentElement;
    const was = before.get(token.id) ?? (full.has(floor.dataset.floor) || floor.dataset.floor === "lost" ? null : door);
    const far = was?.floor !== kind(floor);
    const here = spot(token);
    if (!was || (was.spot === here && !far)) continue; // unmoved, or already moving there
    if (!far && floor.dataset.floor === "inbox") continue; // tokens do not move on this floor
    const row = !far && was.spot.split(" ")[1] === here.split(" ")[1];
    moved.push({ token, was, here: seat(token), far, row, running: token.getAnimations() });
  }
  for (const { running } of moved) for (const flight of running) flight.cancel();
  const pace = PACE * (document.body.matches(".look") ? 4 : 1);
  for (const { token, was, here, row } of moved) {
    const from = row ? { translate: `${was.x - here.x}px` } : { scale: 0 };
    const [duration, delay] = row ? [PACE, 0] : [pace, pace];
    token.animate([from, {}], { duration, delay, easing: "ease-in-out", fill: "backwards" });
  }
  for (const { was, here } of moved.filter(({ far }) => far).slice(0, FLYING)) streak(was, here, pace);
}
