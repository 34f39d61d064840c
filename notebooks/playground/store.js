// The Redis commands that the queue's scripts use, on plain objects.
//
// Each command returns a number, a string, null, a list, or {ok}, as in Redis' manual. A test runs the
// same schedules on this store and on a real server, and compares every key.

class Store {
  // clock: returns milliseconds since the epoch
  constructor(clock) {
    this.clock = clock;
    this.wipe();
  }

  wipe() {
    this.keys = {};
    this.entries = 0;
  }

  call(name, ...args) {
    const command = this[name.toUpperCase()];
    if (!command) throw new Error("the store does not know " + name);
    return command.apply(this, args);
  }

  // Return the value of a key. If the key is missing and `empty` is given, create it with `empty`.
  at(key, type, empty) {
    let found = this.keys[key];
    if (found && found.expires !== undefined && found.expires <= this.clock()) {
      delete this.keys[key];
      found = undefined;
    }
    if (!found) {
      if (empty === undefined) return undefined;
      found = this.keys[key] = {type, value: empty};
    }
    if (type && found.type !== type) throw new Error("WRONGTYPE " + key);
    return found.value;
  }

  list(key) { return this.at(key, "list") || []; }
  hash(key) { return this.at(key, "hash") || {}; }
  members(key) { return this.at(key, "set") || []; }

  // sorted by score, then by member
  ranked(key) { return this.at(key, "zset") || []; }

  // Delete a key whose value is empty.
  tidy(key) {
    const found = this.keys[key];
    if (found && typeof found.value === "object" && Object.keys(found.value).length === 0) {
      delete this.keys[key];
    }
  }

  // ---- keys
  EXISTS(...keys) { return keys.filter((key) => this.at(key) !== undefined).length; }
  DEL(...keys) {
    const count = this.EXISTS(...keys);
    for (const key of keys) delete this.keys[key];
    return count;
  }
  PEXPIRE(key, ms) {
    if (this.at(key) === undefined) return 0;
    this.keys[key].expires = this.clock() + Number(ms);
    return 1;
  }
  PERSIST() { return 0; } // no list of the playground expires
  EXPIRE(key, seconds) { return this.PEXPIRE(key, Number(seconds) * 1000); }
  PTTL(key) {
    if (this.at(key) === undefined) return -2;
    const {expires} = this.keys[key];
    return expires === undefined ? -1 : expires - this.clock();
  }
  TIME() {
    const ms = this.clock();
    return [String(Math.floor(ms / 1000)), String(Math.round((ms % 1000) * 1000))];
  }
  INFO() { return `# Server\r\nrun_id:1\r\n`; }

  // ---- strings
  GET(key) { return this.at(key, "string") ?? null; }
  SET(key, value, unit, ms) {
    this.keys[key] = {type: "string", value: String(value)};
    if (unit === "PX") this.PEXPIRE(key, ms);
    return {ok: "OK"};
  }

  SETRANGE(key, offset, value) {
    if (value !== "") throw new Error("the store puts nothing into the middle of a text");
    return String(this.GET(key) ?? "").length;
  }

  // ---- lists
  LPUSH(key, ...values) {
    const list = this.at(key, "list", []);
    for (const value of values) list.unshift(value);
    return list.length;
  }
  RPUSH(key, ...values) { return this.at(key, "list", []).push(...values); }
  LLEN(key) { return this.list(key).length; }
  LINDEX(key, index) { return this.list(key).at(Number(index)) ?? null; }
  LSET(key, index, value) {
    this.list(key)[Number(index)] = value;
    return {ok: "OK"};
  }
  LRANGE(key, first, last) {
    const list = this.list(key), end = Number(last);
    return list.slice(Number(first), end === -1 ? undefined : end + 1);
  }
  // with a negative count, search from the end
  LREM(key, count, value) {
    const list = this.list(key), limit = Math.abs(Number(count)) || Infinity;
    let removed = 0;
    while (removed < limit) {
      const place = count < 0 ? list.lastIndexOf(value) : list.indexOf(value);
      if (place < 0) break;
      list.splice(place, 1);
      removed += 1;
    }
    this.tidy(key);
    return removed;
  }
  LPOS(key, value) {
    const place = this.list(key).lastIndexOf(value);
    return place < 0 ? null : place;
  }
  pop(key, side) {
    const list = this.list(key);
    const value = side === "LEFT" ? list.shift() : list.pop();
    this.tidy(key);
    return value ?? null;
  }
  RPOP(key, count) {
    if (count === undefined) return this.pop(key, "RIGHT");
    const values = Array.from({length: Number(count)}, () => this.pop(key, "RIGHT"));
    return values.filter((value) => value !== null);
  }
  LMOVE(from, to, out, into) {
    const value = this.pop(from, out);
    if (value !== null) (into === "LEFT" ? this.LPUSH(to, value) : this.RPUSH(to, value));
    return value;
  }
  LMPOP(count, ...rest) {
    const keys = rest.slice(0, Number(count)), side = rest[Number(count)];
    const key = keys.find((one) => this.list(one).length);
    return key === undefined ? null : [key, [this.pop(key, side)]];
  }

  // ---- sets
  SADD(key, ...values) {
    const set = this.at(key, "set", []), fresh = [...new Set(values)].filter((v) => !set.includes(v));
    set.push(...fresh);
    return fresh.length;
  }
  SREM(key, ...values) {
    const set = this.members(key), before = set.length;
    for (const value of values) if (set.includes(value)) set.splice(set.indexOf(value), 1);
    this.tidy(key);
    return before - set.length;
  }
  SMEMBERS(key) { return [...this.members(key)]; }
  SCARD(key) { return this.members(key).length; }
  SRANDMEMBER(key, count) { return this.members(key).slice(0, Number(count)); }
  SISMEMBER(key, value) { return Number(this.members(key).includes(value)); }
  SUNION(...keys) { return [...new Set(keys.flatMap((key) => this.members(key)))]; }

  // ---- hashes
  HGET(key, field) { return this.hash(key)[field] ?? null; }
  HMGET(key, ...fields) { return fields.map((field) => this.HGET(key, field)); }
  HEXISTS(key, field) { return Number(field in this.hash(key)); }
  HLEN(key) { return Object.keys(this.hash(key)).length; }
  HKEYS(key) { return Object.keys(this.hash(key)); }
  HSET(key, ...pairs) {
    const hash = this.at(key, "hash", {});
    let fresh = 0;
    for (let i = 0; i < pairs.length; i += 2) {
      fresh += !(pairs[i] in hash);
      hash[pairs[i]] = String(pairs[i + 1]);
    }
    return fresh;
  }
  HDEL(key, ...fields) {
    const hash = this.hash(key), found = fields.filter((field) => field in hash);
    for (const field of found) delete hash[field];
    this.tidy(key);
    return found.length;
  }
  HINCRBY(key, field, by) {
    const next = Number(this.HGET(key, field) || 0) + Number(by);
    this.HSET(key, field, next);
    return next;
  }

  // ---- sorted sets
  ZADD(key, score, member) {
    const set = this.at(key, "zset", []), old = set.findIndex((one) => one[1] === member);
    if (old >= 0) set.splice(old, 1);
    set.push([Number(score), member]);
    set.sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1));
    return Number(old < 0);
  }
  ZINCRBY(key, by, member) {
    const score = Number(this.ZSCORE(key, member) || 0) + Number(by);
    this.ZADD(key, score, member);
    return String(score);
  }
  ZSCORE(key, member) {
    const found = this.ranked(key).find((one) => one[1] === member);
    return found ? String(found[0]) : null;
  }
  ZCARD(key) { return this.ranked(key).length; }
  ZREM(key, member) {
    const set = this.ranked(key), place = set.findIndex((one) => one[1] === member);
    if (place >= 0) set.splice(place, 1);
    this.tidy(key);
    return Number(place >= 0);
  }
  ZRANGE(key, first, last, scores) {
    const set = this.ranked(key), end = Number(last);
    const found = set.slice(Number(first), end === -1 ? undefined : end + 1);
    return found.flatMap(([score, member]) => (scores ? [member, String(score)] : [member]));
  }
  ZRANGEBYSCORE(key, min, max, limit, skip, count) {
    const low = min === "-inf" ? -Infinity : Number(min);
    const found = this.ranked(key).filter(([score]) => score >= low && score <= Number(max));
    return found.slice(0, limit ? Number(count) : undefined).map(([, member]) => member);
  }
  ZPOPMIN(key, count) {
    const gone = this.ranked(key).splice(0, Number(count));
    this.tidy(key);
    return gone.flatMap(([score, member]) => [member, String(score)]);
  }

  // ---- streams: only XADD key MAXLEN [~] length * field value …
  XADD(key, ...args) {
    const star = args.indexOf("*"), limit = Number(args[star - 1]);
    const stream = this.at(key, "stream", []), id = `${this.clock()}-${this.entries++}`;
    stream.push([id, args.slice(star + 1)]);
    if (!args.includes("~")) stream.splice(0, Math.max(0, stream.length - limit));
    return id;
  }
}
