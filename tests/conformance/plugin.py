"""The suite for pytest: one test a promise. For a backend, derive from it and name the subject."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from demo_app.conformance.harness import Subject
from demo_app.conformance.suite import PROMISES, Harnesses, Promise


class BackendConformance:
    """Derive from it, and say whom to test."""

    subject: ClassVar[Subject]

    @pytest.fixture(scope="class")
    @classmethod
    def harnesses(cls) -> Iterator[Harnesses]:
        """Running processes, shared by the promises that leave each other alone."""
        with Harnesses(cls.subject) as harnesses:
            yield harnesses

    @pytest.mark.parametrize("promise", PROMISES, ids=[promise.name for promise in PROMISES])
    def test_it_keeps_what_it_promises(self, harnesses: Harnesses, promise: Promise) -> None:
        """And refuses what it does not promise."""
        assert harnesses.see(promise)
