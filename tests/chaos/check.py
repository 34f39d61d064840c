"""The checker: reads the history of a campaign, and reports the broken promises.

It is independent on purpose: it imports nothing of the app, and reads only the history's file.
``python check.py HISTORY`` prints one JSON object; exit status 0 if no promise was broken and at
least one comment was accepted, else 1. Each line of the file is one JSON object with `at` (epoch
seconds) and `what`, the kind of the line:

- ``posts``: for each post of the blog, its author's address (`to`).
- ``sent``: a reader posts a comment, with a key that stays the same when it is posted again.
- ``accepted``: the reader received a 201 for a comment, with the id of its `job`.
- ``stored``: a comment is in the blog's database, whether a reader received a 201 or not.
- ``fault``: `kind`, from `at` to `over`; `pids`: the processes that it hit.
- ``machine``: load for each processor (`busy`), after the faults.
- ``queue``: a line of the queue's journal: `event`, `job`, `by` (a worker), `detail`.
- ``seen``: a mail in the inbox: its number in the inbox (`mail`), `job`, `to`, `text`, and the
  times of its `deliveries`. A later line replaces an earlier line of the same mail.
"""

import json
import statistics
import sys
from collections import defaultdict
from typing import Any

Line = dict[str, Any]

#: Maximum seconds from the 201 to the mail.
LATE = 60.0
#: Maximum time from a kill until the worker's jobs are claimed again (the median, in undisturbed
#: seconds: see `History.undisturbed`). On a busy machine it is multiplied by the load.
SLOW = 7.0
#: Undisturbed seconds in which a worker may run other jobs before it mails a job that it claimed.
STRANDED = 8.0
#: Seconds after a fault of Redis, or of its connection, in which no worker is declared dead.
DISTURBED = 4.0
#: FORGOTTEN: maximum seconds of recent data that a killed Redis loses. SLACK: maximum delay of a
#: log line (seconds).
FORGOTTEN, SLACK = 2.5, 0.5
#: A fault of Redis's connection that does not disturb heartbeats.
HARMLESS = "wire to redis: a claim's answer lost"
#: Faults after which Redis may have lost data.
LOSSES = ("redis: SIGKILL", "redis: killed", "redis: wiped", "redis: a replica", "supervisor")
#: Faults that delay a mail, so that it may arrive after its sender has given up.
HELD_BACK = ("wire to smtp: a hole", "wire to smtp: slow")
WAITING, HELD, DONE = "waiting", "held", "done"
AFTER = {
    **dict.fromkeys(("enqueued", "requeued", "rescued", "retrying", "scheduled", "dead"), WAITING),
    **dict.fromkeys(("done", "discarded"), DONE),
    "claimed": HELD,
}


class History:
    """The lines of the file, sorted by kind."""

    def __init__(self, lines: list[Line]) -> None:
        self.lines: dict[str, list[Line]] = defaultdict(list)
        for line in lines:
            self.lines[line["what"]].append(line)
        self.seen = list({line["mail"]: line for line in self.lines["seen"]}.values())
        self.posts = {
            number: to for line in self.lines["posts"] for number, to in line["to"].items()
        }
        self.sent = {line["body"]: line for line in self.lines["sent"]}
        self.accepted = {line["body"]: line for line in self.lines["accepted"]}
        self.stored = {line["body"] for line in self.lines["stored"]}
        self.jobs: dict[str, list[Line]] = defaultdict(list)
        for line in self.lines["queue"]:
            if line["job"] and line["event"] in AFTER:
                self.jobs[line["job"]].append(line)
        #: Each time that a job was given up: its `job` and `why`.
        self.dead = [
            {"job": line["job"], "why": line["detail"]}
            for line in self.lines["queue"]
            if line["event"] == "dead"
        ]
        self.busy = max([1.0, *(line["busy"] for line in self.lines["machine"])])
        self.mails: dict[str, list[Line]] = defaultdict(list)
        for mail in self.seen:
            self.mails[mail["text"].rstrip().rpartition("\n")[2]].append(mail)

    def faults(self, *kinds: str) -> list[Line]:
        return [line for line in self.lines["fault"] if line["kind"].startswith(kinds)]

    def undisturbed(self, since: float, until: float) -> float:
        """Return the seconds from `since` to `until`, without those near a fault of Redis."""
        seconds, reached = 0.0, since
        around = [
            (f["at"], f["over"] + DISTURBED)
            for f in self.faults("redis", "wire to redis", "super")
            if f["kind"] != HARMLESS
        ]
        for began, over in sorted(around):
            if over > reached and began < until:
                seconds += max(0.0, began - reached)
                reached = over
        return seconds + max(0.0, until - reached)

    def lost_between(self, since: float, until: float) -> bool:
        """Return True if Redis may have lost data that was written between `since` and `until`."""
        return any(
            fault["over"] + SLACK >= since and fault["at"] - FORGOTTEN <= until
            for fault in self.faults(*LOSSES)
        )


def check(history: History) -> dict[str, list[str]]:
    """Return the broken promises by kind, each with its details."""
    found: dict[str, list[str]] = defaultdict(list)
    found["lost"] += sorted((history.accepted.keys() | history.stored) - history.mails.keys())
    found["not stored"] += sorted(history.accepted.keys() - history.stored)
    for body, accepted in history.accepted.items():
        if not (mails := history.mails.get(body)):
            continue
        took = min(min(mail["deliveries"]) for mail in mails) - accepted["at"]
        if took > LATE and mails[0]["job"] not in {line["job"] for line in history.dead}:
            found["late"].append(f"{body}: {took:.1f} s")
    for body, mails in history.mails.items():
        if len(mails) > 1:
            found["seen twice"].append(body)
        found["wrong"] += [reason for mail in mails if (reason := _wrong(history, body, mail))]
    found["buried"] += _buried(history)
    for job, events in history.jobs.items():
        for name, words in _repeated(history, job, events):
            found[name].append(words)
    for mail in history.seen:
        found["stale"] += _stale(history, mail)
    found["stranded"] += _stranded(history)
    recoveries = _recoveries(history)
    median = statistics.median(recoveries or [0.0])
    if len(recoveries) >= 3 and median > SLOW * history.busy:
        found["slow"].append(f"{median:.1f} s until a dead worker's jobs ran")
    return {name: words for name, words in found.items() if words}


def _wrong(history: History, body: str, mail: Line) -> str:
    sent = history.sent.get(body)
    if sent is None:
        return f"{mail['job']}: nobody wrote {body!r}"
    if mail["to"] != [history.posts[str(sent["post"])]]:
        return f"{body}: went to {mail['to']}"
    return "" if sent["author"] in mail["text"] else f"{body}: {sent['author']!r} is not named"


def _buried(history: History) -> list[str]:
    """Return the dead jobs without an explanation.

    An injected 550 reply explains one job whose error has a 550. So does a kill of the mail server
    or the supervisor: a killed mail server may have sent a 550 that is not in the history.
    """
    others = [line for line in history.dead if " 550 " not in line["why"]]
    refused = [line for line in history.dead if line not in others]
    surplus = refused[len(history.faults("mail: 550", "smtp: SIGKILL", "supervisor")) :]
    return [f"{line['job']}: {line['why'][-200:]}" for line in [*others, *surplus]]


def _repeated(history: History, job: str, events: list[Line]) -> list[tuple[str, str]]:
    """Return each repeated claim or enqueue of a claimed or ended job: its kind, and its details.

    An event is left out if Redis may have lost data since the previous event of the job.
    """
    found, state, since = [], "", 0.0
    for event in events:
        name, at = event["event"], event["at"]
        bad = ""
        if name == "claimed" and state == HELD:
            bad = "twice at once"
        elif name == "claimed" and state == DONE:
            bad = "run again"
        elif name == "enqueued" and state in (HELD, DONE):
            bad = "put in twice"
        if bad and not history.lost_between(since, at):
            found.append((bad, f"{job} at {at:.3f}, after {state} at {since:.3f}"))
        state, since = AFTER[name], at
    return found


def _holdings(events: list[Line]) -> list[tuple[float, float, str, str]]:
    """Return each claim of the job: start, end, worker, and the event that ended the claim.

    For a claim that has not ended, the end is infinity and the event "".
    """
    found: list[tuple[float, float, str, str]] = []
    claim: Line | None = None
    for event in events:
        if claim is not None:
            slack = SLACK if event["event"] == "requeued" else 0.0
            found.append((claim["at"], event["at"] + slack, claim["by"], event["event"]))
        claim = event if event["event"] == "claimed" else None
    return [*found, (claim["at"], float("inf"), claim["by"], "")] if claim else found


def _stale(history: History, mail: Line) -> list[str]:
    """Return the mail's deliveries that no claim of its job explains.

    Each claim explains one delivery between its start and its end. Deliveries that a fault may have
    delayed are left out, and also those near a loss of data in Redis.
    """
    left = sorted(mail["deliveries"])
    for began, ended, *_ in sorted(_holdings(history.jobs[mail["job"]]), key=lambda one: one[1]):
        mine = next((at for at in left if began - SLACK <= at <= ended + SLACK), None)
        if mine is not None:
            left.remove(mine)
    late = history.faults(*HELD_BACK)
    return [
        f"{mail['job']} at {at:.3f}"
        for at in left
        if not history.lost_between(at - 10.0, at + FORGOTTEN)
        and not any(fault["at"] <= at <= fault["over"] + 2.0 for fault in late)
    ]


def _stranded(history: History) -> list[str]:
    """Return the jobs that a worker held for too long without mailing them, while it was active."""
    came = {mail["job"]: mail["deliveries"] for mail in history.seen}
    paused = {pid for fault in history.faults("worker: paused") for pid in fault["pids"]}
    signs: dict[str, list[float]] = defaultdict(list)
    for line in history.lines["queue"]:
        signs[line["by"]].append(line["at"])
    found = []
    for job, events in history.jobs.items():
        for began, ended, by, how in _holdings(events):
            last = max((at for at in signs[by] if at <= ended), default=began)
            brought = any(began <= at <= ended for at in came.get(job, ()))
            if brought or any(f"-{pid}-" in by for pid in paused):
                continue
            if history.undisturbed(began, last) > STRANDED:
                found.append(f"{job}: {last - began:.1f} s with {by}, then {how or 'to the end'}")
    return found


def _recoveries(history: History) -> list[float]:
    """Return the undisturbed seconds from each kill of a worker to the last claim of its jobs.

    Kills without a rescued job are left out.
    """
    found = []
    for fault in history.faults("worker: SIGKILL", "worker: killed at"):
        waits = []
        for events in history.jobs.values():
            for began, ended, by, how in _holdings(events):
                mine = any(f"-{pid}-" in by for pid in fault["pids"])
                if mine and how == "rescued" and began <= fault["at"] <= ended:
                    again = [e["at"] for e in events if e["event"] == "claimed" and e["at"] > ended]
                    waits += [history.undisturbed(fault["at"], at) for at in again[:1]]
        found += [max(waits)] if waits else []
    return found


def main() -> int:
    with open(sys.argv[1], encoding="utf-8") as file:
        history = History([json.loads(line) for line in file])
    found = check(history)
    accepted, mails = len(history.accepted), len(history.seen)
    held = not found and accepted > 0
    print(json.dumps({"held": held, "accepted": accepted, "mails": mails, "broken": found}))
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
