#!/usr/bin/env python3
import json
import re
import socket
import sys
import time

role = json.loads(sys.stdin.readline())
password, host, port = re.search(r"//:(\w+)@(.+):(\d+)", role["redis"]).groups()


def ask(server, *words):  # sends a command; raises OSError for an error or no reply
    words = [word.encode() for word in words]
    server.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(w), w) for w in words))
    server.flush()
    kind, rest = (line := server.readline().decode())[:1], line[1:-2]
    if kind in ("", "-"):
        raise OSError(rest or "no answer")
    if kind != "$" or rest == "-1":
        return rest if kind != "$" else None
    return server.read(int(rest) + 2)[:-2].decode()


def redis(*words):  # sends a command over a new connection
    with socket.create_connection((host, port)) as line, line.makefile("rwb") as server:
        ask(server, "AUTH", password)
        return ask(server, *words)


def say(**message):
    print(json.dumps(message), flush=True)  # send each line immediately


if role["role"] == "producer":
    for line in sys.stdin:
        job = json.loads(line)["put"]
        try:
            redis("LPUSH", "queue", job)
            say(put=job)
        except OSError as error:
            say(refused=job, error=str(error))
    sys.exit()
say(ready=True)
while True:
    job = redis("RPOP", "queue")
    if job is None:
        time.sleep(0.05)
        continue
    say(run=job)
    sys.stdin.readline()  # a reliable queue would acknowledge the job here
