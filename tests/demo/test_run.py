"""Tests of the demo's run without a stack."""

import time
from itertools import count
from unittest.mock import MagicMock

import pytest

from demo_app.demo import run


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    made = MagicMock()
    monkeypatch.setattr(run, "Client", made)
    client: MagicMock = made.return_value.__enter__.return_value
    client.mail_stats.side_effect = ({"distinct": n, "duplicates": 0} for n in count())
    return client


def test_mails_are_not_lost_while_further_ones_arrive(
    client: MagicMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "LAST_MAIL", 0.2)
    result, _ = run.run(MagicMock(), 20, 0, lambda *_: None)
    assert result.lost <= 0


def test_after_ctrl_c_it_posts_no_further_comment(
    client: MagicMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.comment.side_effect = lambda *_, **__: time.sleep(0.5)
    monkeypatch.setattr(run, "kill_busy_worker", MagicMock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run.run(MagicMock(), 60, 1, lambda *_: None)
    assert client.comment.call_count < 60
