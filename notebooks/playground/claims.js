// The project's own queue: each step runs one of its Lua scripts.

const QUEUE = "mail";
const LEASE = 3000;  // milliseconds

class Claims {
  constructor(world) {
    this.world = world;
    const limits = {HISTORY_LENGTH: 1000, HISTORY_BYTES: 1e6, JOURNAL_LENGTH: 1000};
    this.scripts = new Scripts(world.store, {P: '""', POISON_PAUSE: 60, ...limits});
  }

  // Run a script, and record the Lua line that moved each job.
  run(name, ...words) {
    const {scripts, world} = this;
    scripts.written.length = 0;
    const answer = scripts.run(name, ...words);
    for (const {file, line, words: [command, ...rest], answer: moved} of scripts.written) {
      const keys = rest.filter((word) => /^(queue|claims):/.test(word));
      const job = command === "LMOVE" ? moved : command === "LMPOP" ? moved && moved[1][0] : rest.at(-1);
      if (keys.length && moved) world.record("moved", job, {file, line, command, key: keys.join(" ")});
    }
    return answer;
  }

  put(job) {
    const at = this.world.now / 1000;
    const message = JSON.stringify({
      body: "", headers: {task: "notify_author", id: job, enqueued_at: at},
      properties: {delivery_info: {exchange: "", routing_key: QUEUE, list: QUEUE}},
    });
    this.run("enqueue", "web", at, job, QUEUE, "", "once", message);
  }

  start(worker) {
    this.run("register", worker.name, LEASE, "{}", "");
    worker.valid = this.world.now + LEASE;  // end of the lease by the worker's clock
  }

  beat(worker) {
    worker.valid = this.world.now + LEASE;
    if (!this.run("beat", worker.name, LEASE, "{}")) {  // another worker has declared it dead
      const before = worker.name;
      this.world.rename(worker);
      this.run("register", worker.name, LEASE, "{}", before);
    }
    const claims = this.run("held", worker.name, QUEUE);  // triples of list, job and number
    for (let i = 0; i < claims.length; i += 3) {
      const [, job, number] = claims.slice(i);
      if (job === worker.run?.job) continue;  // this job is running; the reply with any other job was lost
      this.run("finish", worker.name, QUEUE, job, number, "requeue", "", "0", "", 3, "");
      this.world.record("given back", job, {worker: worker.number});
    }
    const held = this.held();
    for (const job of this.run("rescue", worker.name, LEASE, BEAT, 3, 3600).slice(3)) {
      const owner = held.find((one) => one.job === job).number;
      const aside = ["dead", "retrying"].find((state) => this.world.store.ZSCORE(state, job));
      const what = aside || (owner === worker.number ? "rescued own" : "rescued");
      this.world.record(what, job, {worker: worker.number, owner});
    }
    this.run("promote_due", worker.name, 100);
  }

  claim(worker) {
    try {
      const [job, , claim] = this.run("claim", worker.name, 1, QUEUE);
      if (!claim || this.world.lose_answer(worker, job)) return null;
      return {job, claim, name: worker.name};
    } catch (error) {
      return null;  // LEASELOST: the worker registers again at its next beat
    }
  }

  // Return true if the running job is still the worker's own. Ask Redis only if the lease has expired
  // by the worker's own clock.
  stillOwns({name, run, valid}) {
    return run.name === name && (this.world.now < valid || this.world.store.EXISTS(`worker:${name}`) === 1);
  }

  finish(worker, run) {
    const [in_time] = this.run("finish", run.name, QUEUE, run.job, run.claim, "done", "", "0", "", 3, "");
    this.world.record(in_time ? "done" : "late", run.job, {worker: worker.number});
  }

  states(jobs) { return this.run("states", JSON.stringify(STATE_AFTER), ...jobs); }

  queued() { return this.world.store.LRANGE(`queue:${QUEUE}`, 0, -1).reverse(); }

  // Return the jobs that are set aside because their workers died. They wait for a retry or for a person.
  aside() { return ["retrying", "dead"].flatMap((state) => this.world.store.ZRANGE(state, 0, -1)); }

  held() {
    return Object.entries(this.world.store.keys).flatMap(([key, {value}]) => {
      const name = key.match(/^claims:mail:worker-(\d)/);
      return name ? value.map((job) => ({job, number: Number(name[1])})) : [];
    });
  }
}
