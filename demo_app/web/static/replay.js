// The last minute again, at half the speed, from the journal; long silences are cut short.
import { box, noBoxes } from "./rooms.js";

const LONGEST = 1.5; // seconds of silence

export class Replay {
  constructor(board, play) {
    this.board = board;
    this.play = play;
    this.events = null;
  }

  get on() { return this.events !== null; }

  // Begin, if there is anything to see.
  async start(address) {
    const told = await (await fetch(address)).json();
    const begin = told.find((event) => event.job);
    if (!begin) return;
    let at = 0, before = begin.at;
    this.events = told.map((event) => {
      at += Math.min(LONGEST, Math.max(0, event.at - before)) * 2000;
      before = event.at;
      return { at, event };
    });
    this.began = performance.now();
    this.clear(true);
    for (const { event } of this.events) if (event.event === "claimed") box(event.by, /-(\d+)-\w+\.\d+$/.exec(event.by)?.[1]);
  }

  end() {
    this.events = null;
    this.clear(false);
    this.board.empty = true; // what is there now is put down without a way there
  }

  clear(on) {
    this.board.clear();
    noBoxes();
    this.board.replaying = on;
    document.body.classList.toggle("replay", on);
  }

  // Play what is due; whether that was the last of it.
  step(now) {
    while (this.events.length && this.events[0].at <= now - this.began) {
      const { event } = this.events.shift();
      if (event.job) this.board.token(event.job, event.n);
      this.play(event);
    }
    return !this.events.length && ![...this.board.tokens.values()].some((token) => token.moves.length);
  }
}
