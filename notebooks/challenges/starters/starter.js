#!/usr/bin/env node
const net = require("net");
const lines = require("readline").createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const hear = async () => JSON.parse((await lines.next()).value ?? process.exit());
const say = (message) => console.log(JSON.stringify(message));

// sends a command over a new connection, in Redis's protocol; rejects for an error or no reply
const redis = (url, ...words) => new Promise((done, failed) => {
  const server = net.connect(url.port, url.hostname).on("error", failed);
  const send = (...words) => server.write(`*${words.length}\r\n` +
    words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join(""));
  let answer = Buffer.alloc(0);
  server.on("close", () => failed(Error("no answer")));
  server.once("data", () => { // the reply to AUTH
    server.on("data", (more) => {
      answer = Buffer.concat([answer, more]);
      const end = answer.indexOf("\r\n"), first = answer.toString("utf8", 0, end);
      const size = first[0] === "$" ? Number(first.slice(1)) : -1;
      if (end < 0 || answer.length < end + 2 + size) return; // the reply is not complete yet
      if (first[0] === "-") failed(Error(first));
      done(size < 0 ? null : answer.toString("utf8", end + 2, end + 2 + size));
      server.destroy();
    });
    send(...words);
  });
  send("AUTH", url.password);
});

(async () => {
  const role = await hear(), url = new URL(role.redis);
  while (role.role === "producer") {
    const job = (await hear()).put;
    await redis(url, "LPUSH", "queue", job)
      .then(() => say({ put: job }), (error) => say({ refused: job, error: error.message }));
  }
  say({ ready: true });
  for (;;) {
    const job = await redis(url, "RPOP", "queue");
    if (job === null) await new Promise((done) => setTimeout(done, 50));
    else { say({ run: job }); await hear(); } // a reliable queue would acknowledge the job here
  }
})();
