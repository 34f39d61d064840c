// Celery's own transport on Redis, by its documented steps (kombu 5.7, kombu/transport/redis.py):
// `BRPOP` removes the message from its list. Only then `HSET unacked` and `ZADD unacked_index`
// record it. An acknowledgement deletes the record. Records older than the visibility timeout
// (1 hour) go back to the queue at a worker's next check. A worker of concurrency 1 may have PREFETCH
// messages that it has not acknowledged: by default it fetches jobs before it can run them.

const VISIBILITY = 3600;  // seconds
const PREFETCH = 4;  // worker_prefetch_multiplier, for one process

class Stock {
  // late: acknowledge after the job (acks_late), not before
  constructor(world, late) {
    this.world = world;
    this.late = late;
  }

  step(job, command, ...words) {
    this.world.record("moved", job, {file: "kombu", command, key: words[0]});
    return this.world.store.call(command, ...words);
  }

  put(job) { this.step(job, "LPUSH", "celery", job); }

  beat() {
    const {store, now} = this.world;
    const old = store.ZRANGEBYSCORE("unacked_index", "-inf", now / 1000 - VISIBILITY);
    for (const job of old.reverse()) {  // newest first, so that the oldest runs next
      store.ZREM("unacked_index", job);
      store.HDEL("unacked", job);
      this.world.record("timed out", job);
      this.step(job, "RPUSH", "celery", job);
    }
  }

  // Pop a message if the worker may have one more. Record it after the reply to BRPOP has arrived.
  fetch(worker) {
    const running = this.late && worker.run ? 1 : 0;
    if (worker.ahead.length + running >= PREFETCH) return;
    const job = this.world.store.RPOP("celery");
    if (job === null) return;
    this.world.record("moved", job, {file: "kombu", command: "BRPOP", key: "celery"});
    if (this.world.lose_answer(worker, job)) return;
    this.world.record("fetched", job, {worker: worker.number});
    this.step(job, "HSET", "unacked", job, worker.number);
    this.step(job, "ZADD", "unacked_index", (this.world.now + worker.number) / 1000 - 0.003, job);
    worker.ahead.push(job);
  }

  claim(worker) {
    const job = worker.ahead.shift();
    if (!job) return null;
    if (!this.late) this.acknowledge(job);
    return {job};
  }

  acknowledge(job) {
    this.step(job, "HDEL", "unacked", job);
    this.world.store.ZREM("unacked_index", job);
  }

  stillOwns() { return true; }  // Celery does not check before a side effect that the job is still its own

  finish(worker, {job}) {
    if (this.late) this.acknowledge(job);
    this.world.record("done", job, {worker: worker.number});
  }

  queued() { return this.world.store.LRANGE("celery", 0, -1).reverse(); }

  held() {
    const held = this.world.store.hash("unacked");
    return Object.keys(held).map((job) => ({job, number: Number(held[job])}));
  }
}
