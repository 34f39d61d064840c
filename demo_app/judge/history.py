"""The history of a trial: the actions of its processes, and the locations of its jobs."""

import re
from collections import Counter
from dataclasses import dataclass

from demo_app.judge.event_log import Event
from demo_app.judge.record import Record, Translate, complaint
from demo_app.judge.steps import MOVES

#: A message id that the judge generated: only its beginning is shown.
_UUID = re.compile(r"^([0-9a-f]{8})[0-9a-f]{24}$")
#: If a job has more than _OFTEN runs, only the first _SHOWN of them are shown.
_OFTEN, _SHOWN = 10, 3
#: The texts of simple events.
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


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line of the history.

    Attributes:
        at: seconds since the first event of the trial.
        step: the step at which the process halts; "" for other events.
    """

    at: float
    who: str
    what: str
    step: str


def story(record: Record, translate: Translate = str.format) -> list[HistoryLine]:
    """Return the lines of the history, the oldest first."""
    lines: list[HistoryLine] = []
    runs: Counter[str] = Counter()
    #: The commands of a halted call that the history already shows, by process and method.
    shown: dict[tuple[str, str], list[str]] = {}
    start = record.events[0]["at"] if record.events else 0.0
    for number, event in enumerate(record.events):
        if event["event"] == "call":
            call = event["who"], event["method"]
            before = len(shown.pop(call, []))
            if event.get("halted"):
                shown[call] = event["commands"]
            else:
                event = {**event, "commands": event["commands"][before:]}
        what, job = _what(event, translate), event.get("job", "")
        if event["event"] == "putting" and not _is_long(record.events, number):
            continue
        runs[job] += event["event"] == "begin"
        is_run = event["event"] in ("begin", "end") and not job.startswith("poison")
        if is_run and runs[job] > _SHOWN and record.times[job] > _OFTEN:
            continue
        who = "server" if event["event"] == "where" else str(event.get("to", event["who"]))
        at, step = round(event["at"] - start, 3), event.get("step", "")
        if event["event"] == "begin" and runs[job] > 1:
            what += f" ({runs[job]}×)"
        line = HistoryLine(at, who, what, step)
        same = lines and (lines[-1].who, lines[-1].what, lines[-1].step) == (who, what, step)
        if what and not same:
            lines.append(line)
    return lines


def _is_long(events: list[Event], number: int) -> bool:
    """Return True if another process reported an event during the `put` that begins at `number`.

    Also return True if this `put` did not return.
    """
    who, later = events[number]["who"], events[number + 1 :]
    ends = (e["who"] != who for e in later if e["who"] != who or e["event"] in ("put", "refused"))
    return next(ends, True)


def _what(event: Event, translate: Translate) -> str:
    """Return the event in words; "" for an event that only the judge needs."""
    match event["event"]:
        case "call":
            return _call(event)
        case "error":
            return complaint(event, translate)
        case "act":
            return translate(str(event["act"]))
        case "where":
            sentence = "{job} is in {keys}" if event["keys"] else "{job} is nowhere"
            return translate(sentence, job=event["job"], keys=", ".join(event["keys"]))
        case "begin" if event["job"].startswith("poison"):
            return translate("begins {job}, and dies of it", **event)
        case "end":
            made_up = _UUID.match(event["message_id"])
            known = f"{made_up[1]}…" if made_up else event["message_id"]
            return translate("ends {job}, message id {known}", job=event["job"], known=known)
    words = _WORDS.get(event["event"], "")
    return words and translate(words, **event)


def _call(event: Event) -> str:
    sent = event["commands"]
    if event["method"] == "rescue":
        sent = [words for words in sent if MOVES.search(words.split()[0])]
    elif event["method"] not in ("put", "claim", "ack"):
        return ""
    return f"{event['method']}: {'; '.join(dict.fromkeys(sent))}" if sent else ""
