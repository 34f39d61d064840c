"""A table says why it is empty."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from lab import look


def test_the_history_of_a_job_that_redis_does_not_have_says_so() -> None:
    """As when the id of another system's job was given."""
    lab: Any = SimpleNamespace(redis=SimpleNamespace(exists=lambda key: 0))
    assert "Redis does not have this job." in look.history(lab, "another")._html()
