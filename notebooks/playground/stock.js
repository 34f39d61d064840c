// Celery's own transport on Redis, by its documented steps (kombu 5.7, kombu/transport/redis.py):
// `BRPOP` takes the message off its list; only after that `HSET unacked` and `ZADD unacked_index`
// note it; an acknowledgement removes the note. What was noted for longer than the visibility
// timeout, an hour, goes back into the queue, when a worker looks.

const VISIBILITY = 3600;

class Stock {
  // late: acknowledge after the job (acks_late), not before it
  constructor(world, late) {
    this.world = world;
    this.late = late;
  }

  step(job, command, ...words) {
    this.world.tell("moved", job, {file: "kombu", command, key: words[0]});
    return this.world.store.call(command, ...words);
  }

  put(job) { this.step(job, "LPUSH", "celery", job); }

  beat() {
    const {store, now} = this.world;
    const old = store.ZRANGEBYSCORE("unacked_index", "-inf", now / 1000 - VISIBILITY);
    for (const job of old.reverse()) {  // the newest first, so that the oldest is the next
      store.ZREM("unacked_index", job);
      store.HDEL("unacked", job);
      this.world.tell("timed out", job);
      this.step(job, "RPUSH", "celery", job);
    }
  }

  claim() {
    const job = this.world.store.RPOP("celery");
    if (job === null) return null;
    this.world.tell("moved", job, {file: "kombu", command: "BRPOP", key: "celery"});
    return {job};
  }

  // A moment after the message was taken, which the answer must have survived.
  begun(worker) {
    const {job} = worker.run;
    this.step(job, "HSET", "unacked", job, worker.number);
    this.step(job, "ZADD", "unacked_index", (this.world.now + worker.number) / 1000 - 0.003, job);
    if (!this.late) this.acknowledge(job);
  }

  acknowledge(job) {
    this.step(job, "HDEL", "unacked", job);
    this.world.store.ZREM("unacked_index", job);
  }

  mine() { return true; }  // it does not ask

  finish(worker, {job}) {
    if (this.late) this.acknowledge(job);
    this.world.tell("done", job, {worker: worker.number});
  }

  queued() { return this.world.store.LRANGE("celery", 0, -1).reverse(); }

  held() {
    const held = this.world.store.hash("unacked");
    return Object.keys(held).map((job) => ({job, number: Number(held[job])}));
  }
}
