from pathlib import Path

from verification.conformance.plugin import BackendConformance

from demo_app.verification.conformance import PROMISES, Subject, check_backend

HERE = str(Path(__file__).parent)


class TestABackendOfOnesOwn(BackendConformance):
    subject = Subject("mini", "mini:MiniBackend", path=(HERE,))


def test_the_suite_is_one_call_away():
    quick = [promise for promise in PROMISES if promise.name in ("arguments", "priority")]

    found = check_backend("mini:MiniBackend", path=(HERE,), promises=quick)

    assert [(finding.seen, finding.problem) for finding in found] == [
        ("as sent", ""),
        ("refused", ""),
    ]
