// The board of the stage: tokens, the floors they stand on, and moves at a speed the eye can follow.

const PACE = 430; // milliseconds that a token stays before it moves on
const MOST = 160; // tokens; more could not be told apart

export class Board {
  constructor(element) {
    this.element = element;
    this.tokens = new Map(); // by job id
    this.counter = 0;
    this.replaying = false;
    this.empty = true; // until the server has said what is where
    this.crowds = new Map(); // by floor: all jobs there, and how many of them have a token
    new ResizeObserver(() => this.place()).observe(element);
  }

  // A token, made at the readers' if it is new; null when the board is full.
  token(job, n) {
    const known = this.tokens.get(job);
    if (known) {
      if (n && !known.n) name(known, n);
      return known;
    }
    if (this.tokens.size >= MOST) return null;
    const element = document.createElement("span");
    element.className = "token";
    element.textContent = "·";
    this.element.append(element);
    const token = { job, n: undefined, element, at: "readers", owner: "", order: ++this.counter, moves: [], free: 0, heard: 0, misses: 0 };
    if (n) name(token, n);
    this.tokens.set(job, token);
    return token;
  }

  // Note moves to be made one after the other.
  move(token, ...places) {
    for (const place of places) {
      const last = token.moves.at(-1) ?? token;
      if (last.at !== place.at || last.owner !== (place.owner ?? "")) token.moves.push({ owner: "", ...place });
    }
    token.heard = performance.now();
  }

  // Put a token down without a way there.
  put(token, place) {
    token.moves = [];
    Object.assign(token, { owner: "" }, place, { order: ++this.counter });
  }

  remove(token) {
    token.element.remove();
    this.tokens.delete(token.job);
  }

  clear() {
    for (const token of [...this.tokens.values()]) this.remove(token);
    this.crowds.clear();
  }

  // Make the moves that are due; called by a clock.
  step(now) {
    let moved = false;
    for (const token of this.tokens.values()) {
      if (!token.moves.length || now < token.free) continue;
      const hurry = token.moves.length > 4; // the picture may lag, but not for long
      const next = token.moves.shift();
      const { head, rescued, ...place } = next;
      Object.assign(token, place);
      token.order = head ? -(++this.counter) : ++this.counter;
      token.element.classList.toggle("rescued", Boolean(rescued) || (token.element.classList.contains("rescued") && place.at !== "inbox"));
      token.free = now + (hurry ? 120 : this.replaying ? PACE * 1.7 : PACE);
      moved = true;
    }
    if (moved) this.place();
    return moved;
  }

  // Every token to its spot: by floors, in their order.
  place() {
    const home = this.element.getBoundingClientRect();
    const floors = new Map();
    for (const token of this.tokens.values()) {
      const key = token.at === "worker" ? `worker ${token.owner}` : token.at;
      if (!floors.has(key)) floors.set(key, []);
      floors.get(key).push(token);
    }
    const seats = new Map();
    for (const [key, tokens] of floors) {
      const floor = this.floor(key);
      if (!floor) continue;
      tokens.sort((a, b) => a.order - b.order);
      if (key === "inbox") tokens.reverse();
      const size = (tokens[0].element.offsetWidth || 34) + 4;
      const box = floor.getBoundingClientRect();
      const columns = Math.max(1, Math.floor(box.width / size));
      const rows = Math.max(1, Math.floor(box.height / size));
      const crowd = Math.max(tokens.length, this.crowds.get(key)?.all ?? 0);
      const free = columns * rows < crowd ? columns * rows - 1 : columns * rows; // the last says "+9"
      seats.set(key, free);
      tokens.forEach((token, index) => {
        const beyond = index >= free;
        const spot = beyond ? columns * rows - 1 : index;
        const column = spot % columns;
        // a queue's head is where the workers are
        const x = key === "queue" ? box.right - home.left - (column + 1) * size : box.left - home.left + column * size + 1;
        const y = box.top - home.top + Math.floor(spot / columns) * size + 1;
        const style = token.element;
        style.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
        style.dataset.at = token.at;
        style.classList.toggle("beyond", beyond);
        style.classList.toggle("replayed", this.replaying);
      });
    }
    this.count(seats);
  }

  // On a floor that has no room for all, how many more there are.
  count(seats) {
    for (const floor of this.element.querySelectorAll("[data-floor]")) {
      const { all = 0, sent = 0 } = this.crowds.get(floor.dataset.floor) ?? {};
      const more = all - Math.min(sent, seats.get(floor.dataset.floor) ?? sent);
      if (more > 0) floor.dataset.more = `+${more}`;
      else delete floor.dataset.more;
    }
  }

  floor(key) {
    if (!key.startsWith("worker ")) return this.element.querySelector(`[data-floor="${key}"]`);
    return document.getElementById("boxes").querySelector(`[data-worker="${CSS.escape(key.slice(7))}"] .floor`)
      ?? document.getElementById("boxes");
  }
}

// The number that a token bears; a long one is written smaller.
function name(token, n) {
  token.n = n;
  token.element.textContent = n;
  token.element.dataset.digits = String(n).length;
}
