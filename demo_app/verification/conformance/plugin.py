"""The suite for pytest: one test a promise.

In a project of one's own::

    from demo_app.verification.conformance import Subject
    from demo_app.verification.conformance.plugin import BackendConformance

    class TestMyBackend(BackendConformance):
        subject = Subject("mine", "my_backend:make", path=("folder",))
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest

from demo_app.verification.conformance.promises import PROMISES, Promise
from demo_app.verification.conformance.rig import Subject
from demo_app.verification.conformance.suite import Rigs


class BackendConformance:
    """Derive from it, and say whom to test."""

    subject: ClassVar[Subject]

    @pytest.fixture(scope="class")
    @classmethod
    def rigs(cls) -> Iterator[Rigs]:
        """Running processes, shared by the promises that leave each other alone."""
        with Rigs(cls.subject) as rigs:
            yield rigs

    @pytest.mark.parametrize("promise", PROMISES, ids=[promise.name for promise in PROMISES])
    def test_it_keeps_what_it_promises(self, rigs: Rigs, promise: Promise) -> None:
        """And refuses what it does not promise."""
        assert rigs.see(promise)
