// A small simulated blog: a web app, an outbox, Redis, two workers and an inbox. The visitor controls
// its clock.
//
// The jobs in Redis are moved by the Lua files (`claims.js`), or by the documented steps of Celery's
// own transport (`stock.js`).

const TICK = 250;  // milliseconds
const JOB = 2000;  // a job's duration (milliseconds)
const MAIL_AT = 1750;  // milliseconds from a job's start to its mail
const BEAT = 500;
const HOUR = 3_600_000;
const AWAY = 5000;  // milliseconds from a kill to the worker's restart; longer than a lease
const START = 1_700_000_000_000;

class World {
  // rung: early, late, claims or outbox
  constructor(rung) {
    this.rung = rung;
    this.now = START;
    this.store = new Store(() => this.now);
    this.outbox = [];
    this.inbox = {};  // the number of mails of each job
    this.comments = 0;
    this.events = [];  // the events of all jobs: {at, job, what, ...}
    const own = rung === "claims" || rung === "outbox";
    this.queue = own ? new Claims(this) : new Stock(this, rung === "late");
    this.workers = [1, 2].map((number) => ({number, epoch: 0}));
    this.workers.forEach((worker) => this.start(worker));
  }

  // Return a copy of the current state for `load`.
  save() {
    const {now, outbox, inbox, comments, workers, events: {length}, store: {keys, entries}} = this;
    return structuredClone({now, outbox, inbox, comments, workers, length, keys, entries});
  }

  load(saved) {
    const {keys, entries, length, ...rest} = structuredClone(saved);
    Object.assign(this, rest);
    Object.assign(this.store, {keys, entries});
    this.events.length = length;
  }

  // more: further values for the event's sentence, such as `fate` (the job's place after the event)
  record(what, job, more = {}) { this.events.push({at: this.now, what, job, ...more}); }

  // ---- the visitor's acts
  comment() {
    const job = String((this.comments += 1));
    this.record("comment", job);
    if (this.rung === "outbox") this.outbox.push(job);
    this.queue.put(job);
  }

  five() { for (let i = 0; i < 5; i += 1) this.comment(); }

  kill(number) {
    const worker = this.workers[number - 1];
    if (worker.dead) return;
    const jobs = [...worker.ahead, worker.run?.job];
    Object.assign(worker, {dead: true, paused: false, run: null, ahead: [], back: this.now + AWAY});
    for (const job of jobs) this.record("killed", job, {worker: number, fate: this.where(job)});
  }

  pause(number) {
    const worker = this.workers[number - 1];
    if (worker.dead) return;
    worker.paused = !worker.paused;
    this.record(worker.paused ? "paused" : "resumed", worker.run?.job, {worker: number});
  }

  // Lose the reply to the worker's next claim.
  cut(number) {
    this.workers[number - 1].cut = true;
    this.record("cut", null, {worker: number});
  }

  wipe() {
    const gone = this.places().filter(({where}) => ["queue", "worker", "ahead", "held", "aside"].includes(where));
    this.store.wipe();
    for (const {job} of gone.reverse()) this.record("gone", job, {fate: this.where(job)});
    this.record("wiped");
  }

  // Let an hour pass. First the running workers finish all jobs; then the clock jumps to the end of
  // the hour.
  hour() {
    const end = this.now + HOUR;
    const has_work = ({paused, dead, run, ahead}) =>
      !paused && (dead || run || ahead.length || this.queue.queued().length);
    while (this.now < end && this.workers.some(has_work)) this.tick();
    this.now = end;
    this.record("hour");
    for (const worker of this.workers) if (!worker.dead && !worker.paused) this.queue.beat(worker);
  }

  // ---- time
  tick() {
    this.now += TICK;
    const turn = (this.now - START) / TICK;
    if (this.rung === "outbox" && turn % 4 === 0) this.relay();
    for (const worker of this.workers) {
      if (worker.dead && this.now >= worker.back) this.start(worker);
      if (worker.dead || worker.paused) continue;
      if (turn % (BEAT / TICK) === 0) this.queue.beat(worker);
      this.work(worker);
    }
  }

  start(worker) {
    Object.assign(worker, {dead: false, paused: false, cut: false, run: null, ahead: []});
    this.rename(worker);
    this.queue.start?.(worker);
  }

  rename(worker) { worker.name = `worker-${worker.number}.${worker.epoch += 1}`; }

  // Return true if the reply that gives the job to the worker gets lost.
  lose_answer(worker, job) {
    if (worker.cut) this.record("answer lost", job, {worker: worker.number});
    return worker.cut && !(worker.cut = false);
  }

  take(worker) {
    const claimed = this.queue.claim(worker);
    if (!claimed) return;
    this.record("taken", claimed.job, {worker: worker.number});
    worker.run = {...claimed, began: this.now, sent: false};
  }

  // Do the worker's next step: fetch and claim a job, send its mail, or finish the job.
  work(worker) {
    this.queue.fetch?.(worker);
    const {run} = worker;
    if (!run) return this.take(worker);
    if (!run.sent && this.now - run.began >= MAIL_AT) {
      if (!this.queue.stillOwns(worker)) {  // checked before each side effect
        worker.run = null;
        return this.record("not mine", run.job, {worker: worker.number, fate: this.where(run.job)});
      }
      this.record(this.inbox[run.job] ? "mail again" : "mail", run.job);
      this.inbox[run.job] = (this.inbox[run.job] || 0) + 1;
      run.sent = true;
    }
    if (this.now - run.began >= JOB) {
      worker.run = null;
      this.queue.finish(worker, run);
    }
  }

  // Delete the done jobs from the outbox, and enqueue again the jobs that the queue has lost.
  relay() {
    if (!this.outbox.length) return;
    const rows = this.outbox, states = this.queue.states(rows);
    this.outbox = rows.filter((job, i) => states[i] !== "done");
    for (const job of rows.filter((job, i) => !states[i])) {
      this.record("brought again", job);
      this.queue.put(job);
    }
  }

  // ---- the visible state
  // Return the place of each job (`where`). A job in Redis: queue, worker (claimed and running there),
  // ahead (fetched by a worker that has not started it), held (claimed, but unknown to its worker) or
  // aside. Any other job: memory (of a worker), inbox, outbox or nowhere.
  // ghosts: workers that have the job in their memory without a claim.
  places() {
    const queued = this.queue.queued(), held = this.queue.held();
    return Array.from({length: this.comments}, (_, i) => String(i + 1)).map((job) => {
      const minds = this.workers.filter(({run, ahead}) => run?.job === job || ahead.includes(job)).map(({number}) => number);
      const copies = this.inbox[job] || 0;
      const position = queued.indexOf(job), kept = this.outbox.includes(job);
      const number = held.find((one) => one.job === job)?.number;
      const aside = this.queue.aside?.().includes(job);
      const elsewhere = aside ? "aside" : minds.length ? "memory" : copies ? "inbox" : kept ? "outbox" : "nowhere";
      const started = this.workers[number - 1]?.run?.job === job;
      const claimed = !minds.includes(number) ? "held" : started ? "worker" : "ahead";
      return {
        job, position, number, copies, kept,
        where: position >= 0 ? "queue" : number ? claimed : elsewhere,
        ghosts: minds.filter((one) => one !== number),
      };
    });
  }

  where(job) { return this.places().find((one) => one.job === job)?.where; }

  // Return the counts for the sentence above the picture.
  counts() {
    const places = this.places(), count = (is_so) => places.filter(is_so).length;
    return {
      comments: this.comments,
      delivered: count(({copies}) => copies),
      twice: count(({copies}) => copies > 1),
      lost: count(({where}) => where === "nowhere"),
      late: this.queue instanceof Stock ? count(({where, copies}) => where === "held" && !copies) : 0,
    };
  }
}
