"""Tests that a setting can switch off a safeguard of the worker."""

from __future__ import annotations

from demo_app.settings import Safeguard, Settings
from demo_app.worker.app import make_app
from demo_app.worker.experiments import UnsafeInFlight


def test_a_worker_without_rescue_has_none() -> None:
    with make_app(Settings(without=frozenset({Safeguard.RESCUE}))).connection() as connection:
        assert connection.transport.in_flight_class is UnsafeInFlight
