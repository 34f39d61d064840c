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
