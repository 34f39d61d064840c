"""``python -m celery_suite``: compares the transports with the integration tests of Celery and
kombu.

Exit status 0 if claims passes every test that stock Celery passes, except those in exceptions.toml;
1 if it does not; 2 if the tests are not available. In a run on claims alone, claims must pass every
test except those in exceptions.toml.
"""

import argparse
import signal
import sys

from celery_suite import sources
from celery_suite.compare import Comparison, counted, exceptions, why
from celery_suite.run import CACHE, Ended, run, selection

#: Tests of test_tasks.py that mostly sleep, each for 10 seconds or more.
SLEEPERS = (
    "test_expired",
    "test_revoke_keeps_state_of_task_started_elsewhere",
    "test_revoked_by_headers_complex_canvas",
    "test_retry",
)
#: The tests of ``--part``: the most useful ones that fit into two minutes. Without test_inspect.py,
#: which waits only one second for a reply: tests/broker/test_any_app_control.py replaces it.
PART = {
    "celery": [
        "t/integration/test_group_chains.py",
        "t/integration/test_canvas.py::test_link_error",
        "t/integration/test_tasks.py::test_tasks",
        *(f"--deselect=t/integration/test_tasks.py::test_tasks::{name}" for name in SLEEPERS),
    ],
    "kombu": [
        f"t/integration/test_redis.py::test_Redis{name}"
        for name in ("BasicFunctionality", "BaseExchangeTypes", "Priority", "Message", "EventLoop")
    ],
}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make celery-suite",
        description="Runs the integration tests of Celery and kombu, from their source "
        "distributions, on Celery's stock transport and on claims, each against a Redis server "
        "of its own, and compares.",
    )
    parser.add_argument("--part", action="store_true", help="two minutes of it, as CI does")
    parser.add_argument("--transport", choices=["stock", "claims"], help="only on this one")
    parser.add_argument("--minutes", type=float, default=30, help="longest run of one (30)")
    return parser.parse_args()


def holds(project: str, args: argparse.Namespace) -> bool:
    """Run the project's tests, rerun the tests that failed on claims, and print the table.

    Return True if tests were run and claims passed all required ones. Raises sources.NoSources.
    """
    folder, plugins = sources.tests_of(project, CACHE), sources.plugins(CACHE)
    results: dict[str, dict[str, Ended]] = {"stock": {}, "claims": {}}

    def on(transport: str, tests: list[str], again: str = "") -> None:
        log = CACHE / f"{project}-{transport}{again}.log"
        seconds = args.minutes * 60
        results[transport] |= run(project, folder, transport, tests, plugins, log, seconds)
        print(f"{project} on {transport}{again}: the whole log is {log}", file=sys.stderr)

    tests = PART[project] if args.part else selection(project, folder)
    for transport in [args.transport] if args.transport else list(results):
        on(transport, tests)
    compared = Comparison(project, results["stock"], results["claims"], exceptions(project))
    if bad := compared.bad():
        # rerun: many tests have timeouts of a few seconds, too short for a busy machine
        on("claims", bad, "-again")
    wrong = [f"{test}: {why(results['claims'], test)}" for test in compared.bad()]
    print(counted(compared), *wrong, sep="\n", flush=True)
    return bool(results[args.transport or "claims"]) and not compared.bad()


def main() -> int:
    args = options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # `run` then stops the tests
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        held = [holds(name, args) for name in PART]
    except sources.NoSources as error:
        print(f"pip could not download the tests:\n{error}", file=sys.stderr)
        return 2
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
