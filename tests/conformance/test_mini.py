import os
import resource
from pathlib import Path

from conformance.plugin import BackendConformance

from demo_app.conformance import PROMISES, Subject, check_backend

HERE = str(Path(__file__).parent)


class TestABackendOfOnesOwn(BackendConformance):
    subject = Subject("mini:MiniBackend", path=(HERE,))


QUICK = [promise for promise in PROMISES if promise.name in ("arguments", "priority")]


def test_the_suite_is_one_call_away():
    found = check_backend("mini:MiniBackend", path=(HERE,), promises=QUICK)

    assert [(finding.seen, finding.problem) for finding in found] == [
        ("as sent", ""),
        ("refused", ""),
    ]


def test_it_runs_in_a_process_that_has_many_files_open():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2000, hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        found = check_backend("mini:MiniBackend", path=(HERE,), promises=QUICK[:1])
        assert [finding.problem for finding in found] == [""]
    finally:
        for one in held:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
