// Where each token goes: the journal's events move it at once, and the server's own count, twice a
// second, puts right what the journal did not tell.

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

export function follow(board, event) {
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

export function settle(board, seen) {
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
    if (fresh && board.empty) board.put(token, there);
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
    if (told.has(token.job) || token.moves.length) continue;
    // a job without a number is no comment of this round: only the journal tells of it
    const over = token.n || token.at === "inbox" || now - token.heard > 30_000;
    if (over && ++token.misses > 4) board.remove(token);
  }
  board.empty = false;
  crowds(board, seen);
}

// How many jobs are in each place, and how many of them have a token.
function crowds(board, seen) {
  const places = { outbox: "outbox", queue: "queued", later: "later", dead: "dead", memory: "memory", lost: "lost" };
  board.crowds = new Map(Object.entries(places).map(([floor, place]) => [floor, {
    all: seen.hidden[place] ?? 0,
    sent: seen.tokens.filter((one) => one.place === place).length,
  }]));
}
