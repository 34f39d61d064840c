"""What a running job may leave, and what its result tells; how a try ends: see `conformance`."""

from __future__ import annotations

import pytest

from demo_app.jobs import note
from demo_app.jobs.context import current
from demo_app.jobs.result import TaskResult


def test_a_job_leaves_notes_only_while_it_runs():
    note("message_id", "nobody listens")

    assert current() is None


def test_an_unfinished_job_has_no_return_value():
    with pytest.raises(ValueError, match="READY"):
        TaskResult("1", "task", {}, "nowhere").return_value  # noqa: B018
