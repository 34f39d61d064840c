"""A trial as a story: who did what, at which step, and where each job was."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from demo_app.judge.hearing import Event
from demo_app.judge.plan import REPAIRS, Act
from demo_app.judge.record import Record, Say, complaint
from demo_app.judge.steps import MOVES

#: A message id that the judge made up: its beginning is enough.
_UUID = re.compile(r"^([0-9a-f]{8})[0-9a-f]{24}$")
#: A job that is begun more often runs on and on: so many runs of it show that.
_OFTEN, _SHOWN = 10, 3
#: What the other events are.
_WORDS = {
    "putting": "begins to put {job}",
    "put": "put {job}",
    "refused": "put {job} raised {error}",
    "put waits": "its put does not come back",
    "works": "is ready for jobs",
    "halt": "halts at {step}",
    "begin": "begins {job}",
    "crashed": "ended: {error}",
}
#: What only the server's place in the story can show.
_OF_SERVER = (Act.SERVER, Act.SERVER_AFTER)


@dataclass(frozen=True, slots=True)
class Line:
    """One event that a person wants to see. at: seconds since the first event of the trial. times:
    how often its job has begun by then."""

    at: float
    who: str
    what: str
    step: str
    times: int
    event: Event

    @property
    def job(self) -> str:
        """The job that it is about, without the seconds that it takes; "" for none."""
        return str(self.event.get("job", "")).partition(":")[0]

    @property
    def begins_again(self) -> bool:
        """Whether a job begins that has begun before."""
        return self.event["event"] == "begin" and self.times > 1

    @property
    def is_fault(self) -> bool:
        """Whether something was broken here."""
        kind = self.event["event"]
        return kind == "act" and self.event["act"] not in REPAIRS

    @property
    def is_of_server(self) -> bool:
        """Whether it happened to the server, or is what it had."""
        return self.who == "server" or self.event.get("act") in _OF_SERVER


def called(who: str, say: Say) -> str:
    """What a person calls a process of the story."""
    return say("server") if who == "server" else who


def story(record: Record, say: Say = str.format) -> list[Line]:
    """The events that a person wants to see, oldest first."""
    lines: list[Line] = []
    runs: Counter[str] = Counter()
    start = record.events[0]["at"] if record.events else 0.0
    for number, event in enumerate(record.events):
        what, job = _what(event, say), event.get("job", "")
        if event["event"] == "putting" and not _is_long(record.events, number):
            continue
        runs[job] += event["event"] == "begin"
        if event["event"] in ("begin", "end") and _is_more_of_the_same(record, job, runs[job]):
            continue
        who = "server" if event["event"] == "where" else str(event.get("to", event["who"]))
        at, step = round(event["at"] - start, 3), event.get("step", "")
        line = Line(at, who, what, step, runs[job], event)
        same = lines and (lines[-1].who, lines[-1].what, lines[-1].step) == (who, what, step)
        if what and not same:
            lines.append(line)
    return lines


def _is_more_of_the_same(record: Record, job: str, runs: int) -> bool:
    """Whether it is one run of many, which have been shown often enough; poison kills with each."""
    return runs > _SHOWN and record.times[job] > _OFTEN and not job.startswith("poison")


def _is_long(events: list[Event], number: int) -> bool:
    """Whether others did something before this `put` came back, if it ever did."""
    who = events[number]["who"]
    for event in events[number + 1 :]:
        if event["who"] not in (who, "cable"):
            return True
        if event["event"] in ("put", "refused"):
            return False
    return True


def _what(event: Event, say: Say) -> str:
    """The event in words; "" for one that only the judge needs."""
    match event["event"]:
        case "call":
            return _call(event)
        case "error":
            return complaint(event, say)
        case "act":
            return say(str(event["act"]))
        case "where":
            told = "{job} is in {keys}" if event["keys"] else "{job} is nowhere"
            return say(told, job=event["job"], keys=", ".join(event["keys"]))
        case "begin" if event["job"].startswith("poison"):
            return say("begins {job}, and dies of it", **event)
        case "end":
            made_up = _UUID.match(event["message_id"])
            known = f"{made_up[1]}…" if made_up else event["message_id"]
            return say("ends {job}, message id {known}", job=event["job"], known=known)
    words = _WORDS.get(event["event"], "")
    return words and say(words, **event)


def _call(event: Event) -> str:
    """What a call sent; of a rescue, what it moved."""
    sent = event["commands"]
    if event["method"] == "rescue":
        sent = [words for words in sent if MOVES.search(words.split()[0])]
    elif event["method"] not in ("put", "claim", "ack"):
        return ""
    return f"{event['method']}: {'; '.join(sent)}" if sent else ""
