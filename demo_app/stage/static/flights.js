// Where each token is, and how one that has moved flies to its new place: past the rooms between,
// at a speed that the eye can follow. Only `transform` is animated, which costs no layout.

const PACE = 330; // milliseconds from one room to the next
const WAY = ["readers", "outbox", "queue", "worker", "mail", "inbox"];
const APART = 70; // milliseconds between two that come in together
const FLYING = 40; // tokens that fly at the same time; nobody's eye follows more
const CALM = 3000; // milliseconds for which an empty room stays open
const still = matchMedia("(prefers-reduced-motion: reduce)");
const opened = new WeakMap(); // by room: when it last held something
let places = null; // by token: where it was on the screen, its floor, and its place in the page

const floors = () => [...document.querySelectorAll("[data-floor]")];
const kind = (floor) => (floor.closest(".box") ? "worker" : floor.dataset.floor);
function middle(element) {
  let box = element.getBoundingClientRect();
  if (!box.height) box = element.closest(".room").getBoundingClientRect(); // on a folded floor
  return { x: box.left + box.width / 2, y: box.top + box.height / 2 };
}

// A room that is folded and unfolded by turns would shake the picture.
function calm() {
  const now = performance.now();
  for (const room of document.querySelectorAll(".board > .room")) {
    if (!room.classList.contains("folded")) opened.set(room, now);
    room.classList.toggle("open", room.matches(".off") || now - (opened.get(room) ?? -CALM) < CALM);
  }
}

// On a floor that has no room for all, the last seat says how many more there are. First every size is
// read, then everything is written: each reading after a writing would be a layout.
export function crowd() {
  calm();
  const longest = Math.max(2, ...[...document.querySelectorAll(".floor > .token")].map((one) => one.textContent.length));
  document.documentElement.style.setProperty("--digits", longest); // all seats are as wide
  const sizes = floors().map((floor) => {
    const tokens = [...floor.children];
    const style = getComputedStyle(floor);
    const [gap, height] = [style.rowGap, style.gridAutoRows].map((size) => parseFloat(size) || 1);
    const rows = floor.dataset.floor === "queue" ? 1 : Math.floor((floor.clientHeight + 1 + gap) / (height + gap));
    const seats = Math.max(1, rows) * style.gridTemplateColumns.split(" ").length;
    const all = tokens.length + Number(floor.dataset.hidden);
    return { floor, tokens, all, shown: all > seats ? seats - 1 : tokens.length };
  });
  for (const { floor, tokens, all, shown } of sizes) {
    tokens.forEach((token, number) => token.classList.toggle("beyond", number >= shown));
    // a mail takes the place of the oldest, and all others keep theirs
    if (floor.dataset.floor === "inbox") for (const token of tokens) token.style.order = token.textContent % shown;
    if (all > shown) floor.dataset.more = `+${all - shown}`;
    else delete floor.dataset.more;
  }
}

// Where every token is; one without a seat is where its floor is.
export function note() {
  const found = new Map();
  for (const floor of floors()) {
    const centre = middle(floor);
    for (const token of floor.children) {
      const seated = !token.classList.contains("beyond");
      const spot = seated ? `${token.offsetLeft} ${token.offsetTop}` : "";
      found.set(token.id, { ...(seated ? middle(token) : centre), floor: kind(floor), spot });
    }
  }
  places = found;
}

// The middle of the rooms between two.
function between(from, to) {
  const [start, end] = [WAY.indexOf(from), WAY.indexOf(to)];
  if (start < 0 || end < 0) return [];
  const first = (name) => floors().find((floor) => kind(floor) === name);
  return WAY.slice(start + 1, Math.max(start + 1, end)).map(first).filter(Boolean).map(middle);
}

// Let every token that has moved since `note` fly, once; none if the picture is of another time. Again
// all is read first.
export function fly(sameTime) {
  const before = places;
  places = null; // what comes again without a change moves nothing
  if (still.matches || !before || !sameTime) return;
  const door = { ...middle(floors()[0]), floor: "readers" };
  const full = new Set(floors().filter((floor) => floor.dataset.more).map((floor) => floor.dataset.floor));
  const flights = [];
  for (const token of document.querySelectorAll("[data-floor] > .token:not(.beyond)")) {
    const floor = token.parentElement;
    const was = before.get(token.id) ?? (full.has(floor.dataset.floor) || floor.dataset.floor === "lost" ? null : door);
    const now = kind(floor);
    if (!was || (was.spot === `${token.offsetLeft} ${token.offsetTop}` && was.floor === now)) continue; // or on its way
    const running = token.getAnimations();
    const here = middle(token);
    const stops = [was, ...(was.floor === now ? [] : between(was.floor, now)), here];
    flights.push({ token, here, stops, running, far: was.floor !== now });
  }
  flights.sort((a, b) => b.far - a.far);
  for (const { running } of flights) for (const flight of running) flight.cancel();
  const pace = PACE * (document.body.matches(".look") ? 4 : 1);
  let entering = 0;
  for (const { token, here, stops } of flights.slice(0, FLYING)) {
    const frames = stops.map(({ x, y }) => ({ transform: `translate(${x - here.x}px, ${y - here.y}px)` }));
    const way = { duration: pace * (frames.length - 1), easing: "ease-in-out", fill: "backwards", delay: 0 };
    if (stops[0] === door) { // one after the other, or they would lie upon each other
      frames[0].opacity = 0;
      way.delay = APART * entering++;
    }
    token.animate(frames, way);
  }
}
