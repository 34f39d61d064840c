"""A safeguard that is left out is left out however Redis is reached."""

from __future__ import annotations

import pytest

from demo_app.settings import Safeguard, Settings
from demo_app.worker.app import make_app
from demo_app.worker.experiments import UnsafeInFlight


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "sentinel://127.0.0.1:1/books"])
def test_a_worker_without_rescue_has_none(url: str) -> None:
    chosen = Settings(redis_url=url, without=frozenset({Safeguard.RESCUE}))
    with make_app(chosen).connection() as connection:
        assert connection.transport.Channel.in_flight_class is UnsafeInFlight
