"""Tests that the settings set the broker's options."""

from support import message

from demo_app.backends.celery import options_of, result_of
from demo_app.broker.message import compose
from demo_app.broker.options import Options
from demo_app.broker.view import view_of
from demo_app.settings import Settings


def test_each_option_of_the_broker_has_its_setting() -> None:
    chosen = Settings(
        lease_seconds=2.5, beat_seconds=0.5, max_rescues=7, poison_pause=9.0,
        history_length=1100, history_bytes=200_000, journal_length=1300,
    )  # fmt: skip
    assert options_of(chosen) == Options(2.5, 0.5, 7, 9.0, 1100, 200_000, 1300)


def test_a_job_that_runs_again_has_not_finished() -> None:
    events = ("claimed", "dead", "requeued", "claimed")
    lines = [f'["{event}","{at}.000000","w",""]' for at, event in enumerate(events, 1)]
    result = result_of(view_of("job-1", [compose(message()), *lines]))
    assert result.state == "running"
    assert result.finished_at is None
