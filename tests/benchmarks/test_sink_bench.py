"""The benchmark runs and prints what it says; what it measures is not for a test."""

from pathlib import Path

import pytest

from benchmarks import sink as bench


@pytest.mark.parametrize("with_smtp_source", [True, False])
def test_it_compares_on_the_same_mails(monkeypatch, with_smtp_source):
    monkeypatch.setenv("PYTHONPATH", str(Path(bench.__file__).parents[1]))  # as `make bench` has it
    if not with_smtp_source:
        monkeypatch.setattr(bench.shutil, "which", lambda *_, **__: None)
    for keep_open in (True, False):
        results = bench.compare(mails=40, sessions=4, size=500, rounds=1, keep_open=keep_open)
        assert [len(one.rates) for one in results] == [1, 1, 1]
        assert all(one.rate > 0 for one in results)
