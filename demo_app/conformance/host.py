"""A process that puts jobs in, as the suite tells it to: one JSON object a line, and an answer.

It is killed in the course of the suite; for a backend without workers of its own it is also
where the jobs run.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from demo_app.conformance import sample_tasks
from demo_app.jobs import Job, enqueue_many
from demo_app.jobs import backend as backends
from demo_app.jobs.backend import Backend
from demo_app.settings import settings


def make_backend(target: str) -> Backend:
    """The backend that ``module:callable`` makes of the settings."""
    module, _, name = target.partition(":")
    made: Backend = getattr(import_module(module), name)(settings())
    return made


def job_of(wanted: dict[str, Any]) -> Job:
    """The job that the suite describes."""
    if "job" in wanted:
        return Job.from_record(wanted["job"])
    using = dict(wanted.get("using", {}))
    if "run_after" in using:
        using["run_after"] = datetime.fromtimestamp(using["run_after"], UTC)
    arguments = dict(wanted.get("arguments", {}))
    if "odd" in wanted:
        arguments["value"] = sample_tasks.ODD[wanted["odd"]]
    job: Job = getattr(sample_tasks, wanted["task"]).using(**using).job(**arguments)
    return replace(job, id=wanted["id"]) if "id" in wanted else job


def answer(backend: Backend, asked: dict[str, Any]) -> Any:
    """Do what is asked for."""
    match asked["do"]:
        case "describe":
            known = asdict(backend.capabilities)
            known["survives"] = sorted(known["survives"])
            return {**known, "in_request": backend.in_request}
        case "enqueue":
            return [result.id for result in enqueue_many(map(job_of, asked["jobs"]))]
        case "find":
            handle = backend.handle(Job("", {}, id=asked["id"]))
            handle.refresh()
            value = handle.return_value if handle.status == "SUCCESSFUL" else None
            shown = {name: getattr(handle, name) for name in _SHOWN}
            return {**shown, "value": value, "errors": [asdict(error) for error in handle.errors]}
        case "close":
            backend.close()
            return None
    raise ValueError(asked["do"])


_SHOWN = ("id", "task", "status", "state", "attempts", "reason", "started_at", "finished_at")


def main() -> None:
    """Answer until standard input closes."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what jobs print is no answer
    backend = backends.override = make_backend(sys.argv[1])
    for line in sys.stdin:
        try:
            reply = {"answer": answer(backend, json.loads(line))}
        except Exception as error:
            reply = {"error": type(error).__name__, "message": str(error)}
        answers.write(json.dumps(reply, default=str) + "\n")
        answers.flush()
    backend.close()


if __name__ == "__main__":
    main()
