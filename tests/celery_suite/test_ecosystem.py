"""Tests of Celery's extensions on this broker: without faults each job runs once."""

import pytest

from celery_suite.ecosystem import install, live
from celery_suite.sources import NoSources


@pytest.mark.thorough
def test_in_good_health_each_job_runs_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Use a process pool, which has more options; threads are tested in tests/broker."""
    try:
        install()
    except NoSources as error:
        pytest.skip(f"pip could not install the extensions: {error}")
    assert live("prefork", 0.25) == 0, capsys.readouterr().out
