// A small blog in time that the visitor owns: a web app, an outbox, Redis, two workers, an inbox.
//
// The web app and the workers are a few lines here. What happens to a job in Redis is decided by the
// Lua files (`Claims`, below), or by the documented steps of Celery's own transport (`stock.js`).
"use strict";

const TICK = 250;  // milliseconds
const JOB = 2000;  // a job's length
const MAIL_AT = 1750;  // when its mail is sent
const BEAT = 500, LEASE = 3000;
const QUEUE = "mail";
const AWAY = 3000;  // after a kill, until the worker is started again
const START = 1_700_000_000_000;

class World {
  // rung: early, late, claims or outbox
  constructor(rung) {
    this.rung = rung;
    this.now = START;
    this.store = new Store(() => this.now);
    this.outbox = [];
    this.inbox = [];  // {job, copies}
    this.comments = 0;
    this.told = [];  // {at, job, what, ...}: the story of each job
    const own = rung === "claims" || rung === "outbox";
    this.queue = own ? new Claims(this) : new Stock(this, rung === "late");
    this.workers = [1, 2].map((number) => ({number, epoch: 0}));
    this.workers.forEach((worker) => this.start(worker));
  }

  // Everything at this moment, to come back to.
  save() {
    const {now, outbox, inbox, comments, store: {keys, entries}} = this;
    const workers = this.workers.map((worker) => ({...worker}));
    return {told: this.told.length, ...structuredClone({
      now, outbox, inbox, comments, workers, keys, entries,
    })};
  }

  load(saved) {
    const {keys, entries, told, ...rest} = structuredClone(saved);
    Object.assign(this, rest);
    Object.assign(this.store, {keys, entries});
    this.told.length = told;
  }

  tell(what, job, more = {}) { this.told.push({at: this.now, what, job, ...more}); }

  // ---- what the visitor does
  comment() {
    const job = String((this.comments += 1));
    this.tell("comment", job);
    if (this.rung === "outbox") this.outbox.push(job);
    this.queue.put(job);
  }

  kill(number) {
    const worker = this.workers[number - 1];
    if (worker.dead) return;
    const run = worker.run;
    this.tell("killed", run && run.job, {worker: number, sent: Boolean(run && run.sent)});
    Object.assign(worker, {dead: true, paused: false, run: null, back: this.now + AWAY});
  }

  pause(number) {
    const worker = this.workers[number - 1];
    if (worker.dead) return;
    worker.paused = !worker.paused;
    this.tell(worker.paused ? "paused" : "resumed", worker.run && worker.run.job, {worker: number});
  }

  // the answer to the worker's next claim gets lost on its way
  cut(number) {
    this.workers[number - 1].cut = true;
    this.tell("cut", null, {worker: number});
  }

  wipe() {
    this.store.wipe();
    this.tell("wiped");
  }

  // an hour passes in which nothing else happens; who lives renews its lease meanwhile
  hour() {
    this.now += 3_600_000;
    this.tell("hour");
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
    Object.assign(worker, {dead: false, paused: false, cut: false, run: null});
    worker.epoch += 1;
    worker.name = `worker-${worker.number}.${worker.epoch}`;
    this.queue.start(worker);
  }

  // The next moment of what a worker does: take a job, send its mail, acknowledge it.
  work(worker) {
    const {run} = worker;
    if (!run) {
      const claimed = this.queue.claim(worker);
      if (!claimed) return;
      if (worker.cut) {
        worker.cut = false;
        this.tell("answer lost", claimed.job, {worker: worker.number});
        return;
      }
      worker.run = {...claimed, began: this.now, sent: false};
      this.queue.begun(worker);
      return;
    }
    if (!run.sent && this.now - run.began >= MAIL_AT) {
      if (!this.queue.mine(worker)) {  // asked before each side effect
        this.tell("not mine", run.job, {worker: worker.number});
        worker.run = null;
        return;
      }
      this.deliver(run.job);
      run.sent = true;
    }
    if (this.now - run.began >= JOB) {
      worker.run = null;
      this.queue.finish(worker, run);
    }
  }

  deliver(job) {
    const known = this.inbox.find((mail) => mail.job === job);
    if (known) known.copies += 1;
    else this.inbox.push({job, copies: 1});
    this.tell(known ? "mail again" : "mail", job);
  }

  // The relay: what the queue does not know any more is put in again, and what is done is let go.
  relay() {
    if (!this.outbox.length) return;
    const states = this.queue.states(this.outbox);
    const rows = this.outbox;
    this.outbox = rows.filter((job, i) => states[i] !== "done");
    rows.forEach((job, i) => {
      if (states[i]) return;
      this.tell("brought again", job);
      this.queue.put(job);
    });
  }

  // ---- what can be seen
  // Where each job is: outbox, queue (with its place), worker (with its number), inbox, or nowhere.
  places() {
    const queued = this.queue.queued(), held = this.queue.held();
    return Array.from({length: this.comments}, (_, i) => String(i + 1)).map((job) => {
      const run = this.workers.find((worker) => worker.run && worker.run.job === job);
      const mail = this.inbox.find((one) => one.job === job);
      const holder = held.find((one) => one.job === job);
      const at = queued.indexOf(job);
      const place = {job, copies: mail ? mail.copies : 0, kept: this.outbox.includes(job)};
      if (run) return {...place, where: "worker", number: run.number};
      if (at >= 0) return {...place, where: "queue", position: at};
      if (holder && !mail) return {...place, where: "held", number: holder.number};
      if (mail) return {...place, where: "inbox"};
      return {...place, where: place.kept ? "outbox" : "nowhere"};
    });
  }

  story(job) { return this.told.filter((one) => one.job === job); }

  // The sentence above the picture: how many comments have their mail, and what is wrong.
  verdict() {
    const places = this.places();
    return {
      comments: places.length,
      delivered: places.filter((one) => one.copies).length,
      twice: places.filter((one) => one.copies > 1).length,
      lost: places.filter((one) => one.where === "nowhere").length,
      late: this.rung === "late" ? places.filter((one) => one.where === "held").length : 0,
    };
  }
}

// The project's own queue: each step is one of its Lua files.
class Claims {
  constructor(world) {
    this.world = world;
    const options = {prefix: "", poison_pause: 60, history_length: 1000, journal_length: 1000};
    this.scripts = new Scripts(world.store, options);
  }

  // Run a script, and write down which line of it moved each job.
  run(name, ...words) {
    const {scripts, world} = this;
    scripts.written.length = 0;
    const answer = scripts.run(name, ...words);
    for (const {file, line, words: [command, ...rest], answer: moved} of scripts.written) {
      const keys = rest.filter((word) => /^(queue|claims):/.test(word));
      const job = command === "LMOVE" ? moved : command === "LMPOP" ? moved && moved[1][0] : rest.at(-1);
      if (keys.length && moved) world.tell("moved", job, {file, line, command, key: keys.join(" ")});
    }
    return answer;
  }

  put(job) {
    const at = this.world.now / 1000;
    const message = JSON.stringify({
      body: "", headers: {task: "notify_author", id: job, enqueued_at: at},
      properties: {delivery_info: {exchange: "", routing_key: QUEUE, lane: QUEUE}},
    });
    this.run("enqueue", "web", at, job, QUEUE, "", "once", message);
  }

  start(worker) { this.run("register", worker.name, LEASE, "{}", ""); }

  beat(worker) {
    if (!this.run("beat", worker.name, LEASE, "{}")) {  // taken for dead meanwhile
      const before = worker.name;
      worker.epoch += 1;
      worker.name = `worker-${worker.number}.${worker.epoch}`;
      this.run("register", worker.name, LEASE, "{}", before);
    }
    for (const [job, number] of this.unknown(worker)) {
      this.run("finish", worker.name, QUEUE, job, number, "requeue", "", "0", "", 3, "");
    }
    const rescued = this.run("rescue", worker.name, LEASE, BEAT, 3, 3600).slice(2);
    for (const job of rescued) this.world.tell("rescued", job, {worker: worker.number});
    this.run("promote_due", worker.name, 100);
  }

  // What Redis has as this worker's, and the worker does not know: the answer to its claim was lost.
  unknown(worker) {
    const parts = this.run("held", worker.name, QUEUE), found = [];
    for (let i = 0; i < parts.length; i += 3) found.push([parts[i + 1], parts[i + 2]]);
    return found.filter(([job]) => !(worker.run && worker.run.job === job));
  }

  claim(worker) {
    let answer;
    try {
      answer = this.run("claim", worker.name, 1, QUEUE);
    } catch (error) {
      return null;  // LEASELOST: its next beat begins anew
    }
    if (answer.length < 5) return null;
    return {job: answer[0], claim: answer[2], name: worker.name};
  }

  begun() {}

  mine(worker) { return worker.run.name === worker.name && this.alive(worker); }
  alive(worker) { return this.world.store.EXISTS(`worker:${worker.name}`) === 1; }

  finish(worker, run) {
    const [in_time] = this.run("finish", run.name, QUEUE, run.job, run.claim, "done", "", "0", "", 3, "");
    this.world.tell(in_time ? "done" : "late", run.job, {worker: worker.number});
  }

  states(jobs) { return this.run("states", JSON.stringify(STATE_AFTER), ...jobs); }

  queued() { return this.world.store.LRANGE(`queue:${QUEUE}`, 0, -1).reverse(); }

  held() {
    return Object.entries(this.world.store.keys).flatMap(([key, {value}]) => {
      const name = key.match(/^claims:mail:worker-(\d)/);
      return name ? value.map((job) => ({job, number: Number(name[1])})) : [];
    });
  }
}
