"""A trial as a story: who did what, at which step, and where each job was."""

from __future__ import annotations

from typing import Any

from demo_app.verification.judge.record import Event, Record


def history(record: Record) -> list[dict[str, Any]]:
    """The events that a person wants to see: ``{"at": seconds, "who", "what", "step"}``."""
    told: list[dict[str, Any]] = []
    start = record.events[0]["at"] if record.events else 0.0
    for event in record.events:
        what = _what(event)
        who = "server" if event["event"] == "where" else event.get("to", event["who"])
        line = {"who": who, "what": what, "step": event.get("step", "")}
        if what and not (told and told[-1].items() >= line.items()):
            told.append({"at": round(event["at"] - start, 3), **line})
    return told


def _what(event: Event) -> str:
    """The event in words; "" for one that only the judge needs."""
    job = event.get("job", "")
    match event["event"]:
        case "put":
            return f"put {job}"
        case "refused":
            return f"put {job} raised {event['error']}"
        case "put waits":
            return "its put does not come back"
        case "call":
            told = event["commands"] and event["method"] in ("put", "claim", "ack")
            return f"{event['method']}: {'; '.join(event['commands'])}" if told else ""
        case "halt":
            return f"is at {event['step']}"
        case "act":
            return str(event["act"])
        case "where":
            keys = event["keys"]
            return f"{job} is in {', '.join(keys)}" if keys else f"{job} is nowhere"
        case "begin":
            return f"begins {job}"
        case "end":
            return f"ends {job}, message id {event['message_id']}"
        case "error":
            return f"{event['method']} raised {event['error']}"
        case "crashed":
            return f"ended: {event['error']}"
    return ""
