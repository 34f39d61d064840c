"""Fixtures for all tests, and a check that no test leaves a process behind."""

import os
import signal
import sys
import uuid
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import costs
import httpx
import hypothesis
import psutil
import pytest
from postgres_server import PostgresServer
from programs import POSTGRES, left_out, needs
from support import administer, browser_running, browsing, client_of, redis_running

from demo_app.broker.queue import Queue
from demo_app.rig.process_group import ProcessGroup
from demo_app.rig.reaper import ReaperClient
from demo_app.stack import Stack
from demo_app.stack.client import Client
from local_smtp.settings import Settings
from local_smtp.sink import MailSink

# a deadline per example would measure the machine, not the code
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")

# prevent an import by jsonschema (for nbformat) that takes 1 s and that no test needs
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

# a shell without job control starts background processes with SIGINT ignored, nohup with SIGHUP
# ignored, and children inherit this: restore the defaults
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

_BEFORE = pytest.StashKey[float]()
_REAPER = pytest.StashKey[ReaperClient]()

#: The slowest tests and files in order, from 120 s down to 30 s. They start first.
LONGEST = (
    *("checked[12_your_own", "test_lessons.py", "test_ecosystem.py"),
    *("test_half_open.py", "test_challenges.py"),
    *("test_trials.py", "test_judge.py", "test_campaign.py", "test_command.py", "test_explore.py"),
    *("test_two_hosts.py", "test_show_in_browser.py", "test_language.py", "test_kernel.py"),
    *("test_mail_hostile.py", "test_playground.py", "test_known_losses.py", "test_stack.py"),
    *("test_pages_in_browser.py", "test_grade.py", "test_any_app.py", "test_broken.py"),
    *("test_sound.py", "test_bounds.py", "test_sink_kill.py"),
)
#: Folders with files that take 30 s. The tests in them start next.
LONG = ("notebooks", "judge", "browser", "conformance")
#: Files with slow tests that share almost nothing, so that each test may run in any process.
APART = {
    *("test_lessons.py", "test_sound.py", "test_known_losses.py"),
    *("test_campaign.py", "test_challenges.py", "test_healthy.py", "test_broken.py"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    text = "leave out the tests that FILE names, and add to it those that pass"
    parser.addoption("--once", type=Path, metavar="FILE", help=text)
    text = "append the processor seconds of each test to FILE"
    parser.addoption("--costs", type=Path, metavar="FILE", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """In the main process, start the reaper, which ends the processes of a killed run."""
    if not hasattr(config, "workerinput"):
        os.environ["TEST_RUN"] = uuid.uuid4().hex
        config.stash[_REAPER] = ReaperClient(os.environ["TEST_RUN"], marker="TEST_RUN")
        config.add_cleanup(partial(config.stash[_REAPER].close, 5.0))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests that the file of `--once` names. Start the slowest tests first, so that
    all processes end at about the same time. The other tests keep pytest-randomly's order."""
    once: Path | None = config.getoption("once")
    passed = set(once.read_text("utf-8").splitlines()) if once and once.exists() else set()
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in passed])
    items[:] = [item for item in items if item.nodeid not in passed]
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    for rank, name in enumerate(LONGEST):
        if name in item.nodeid:
            return rank
    return len(LONGEST) + (item.path.parent.name not in LONG)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run the tests of a file or class in one process, because they share servers, and in the order
    of the collection. The tests of a file in `APART` may run in several processes."""
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file, *classes, _ = nodeid.partition("[")[0].split("::")
            return nodeid if Path(file).name in APART else "::".join([file, *classes])

    config.option.loadscopereorder = False
    return Scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    item.stash[_BEFORE] = costs.used()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record the cost of the test. In CI, a skipped test fails."""
    report = yield
    if report.when == "teardown":
        report.user_properties.append((costs.PROPERTY, costs.used() - item.stash[_BEFORE]))
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"In CI it may not be: {_reason(report)}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print each missing program with its number of skipped tests, and how to install it. Append
    to the files of `--once` and `--costs`."""
    stats = terminalreporter.stats
    for line in left_out([_reason(report) for report in stats.get("skipped", [])]):
        terminalreporter.write_line(line, yellow=True)
    once, costs_file = map(terminalreporter.config.getoption, ("once", "costs"))
    is_part = hasattr(terminalreporter.config, "workerinput")  # an xdist worker
    if once and not is_part:
        passed, failed = (
            {report.nodeid for kind in kinds for report in stats.get(kind, [])}
            for kinds in (("passed", "xfailed"), ("failed", "error"))
        )
        with once.open("a", encoding="utf-8") as file:
            file.writelines(f"{name}\n" for name in sorted(passed - failed))
    if costs_file and not is_part:
        reports = [one for kind in stats.values() for one in kind]
        with costs_file.open("a", encoding="utf-8") as file:
            file.writelines(costs.lines([r for r in reports if isinstance(r, pytest.TestReport)]))


def _reason(report: pytest.TestReport) -> str:
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)


@pytest.fixture(scope="session", autouse=True)
def _nothing_left_running(pytestconfig: pytest.Config) -> Iterator[None]:
    yield
    reaper = pytestconfig.stash.get(_REAPER, None)
    left = [
        process
        for process in psutil.Process().children(recursive=True)
        if process.is_running() and process.status() != psutil.STATUS_ZOMBIE
        if reaper is None or process.pid != reaper.pid
    ]
    text = [f"{process.pid} {' '.join(process.cmdline())[:100]}" for process in left]
    for process in left:
        process.kill()
    assert not text, f"the tests left processes behind: {text}"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser_running() as browser:
        yield browser


@pytest.fixture(scope="module")
def _sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailSink]:
    with MailSink(Settings(dir=tmp_path_factory.mktemp("sink") / "mail")) as sink:
        yield sink


@pytest.fixture
def mail_sink(_sink: MailSink) -> MailSink:
    """Return the mail sink of the module, reset for each test. Overrides the plugin's fixture."""
    _sink.clear()
    _sink._writer.change(lambda file: file.execute("DELETE FROM sqlite_sequence")).result()
    _sink.faults._last_id = 0
    return _sink


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Yield a running stack with the options `STACK` of the test's module.

    If the module has no `STACK`, the stage has the buttons that kill processes.
    """
    with Stack(**getattr(request.module, "STACK", {"controls": True})) as stack:
        yield stack


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[Client]:
    with Client(stack.ready) as client:
        yield client


@pytest.fixture
def holder(stack: Stack) -> Iterator[httpx.Client]:
    token = f"Bearer {stack.ready['token']}"
    with browsing(stack.ready["web"], authorization=token) as web:
        yield web


@pytest.fixture
def reader(stack: Stack) -> Iterator[httpx.Client]:
    with browsing(stack.ready["web"]) as web:
        yield web


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with redis_running() as url:
        yield url


@pytest.fixture
def store(redis_url: str) -> Iterator[Queue]:
    client = client_of(redis_url)
    client.flushall()
    yield Queue(client)
    client.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Yield a PostgreSQL server. Skip the test if PostgreSQL is not installed."""
    needs(POSTGRES)
    with ProcessGroup() as group:
        server = PostgresServer(group)
        server.start()
        yield server


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """Yield the URL of an empty database. The test may kill the server; it is started again."""
    name = f"t{uuid.uuid4().hex}"
    administer(postgres, f"CREATE DATABASE {name}")
    yield postgres.url.replace("/postgres?", f"/{name}?")
    if not postgres.answers():
        postgres.start()
    administer(postgres, f"DROP DATABASE {name} WITH (FORCE)")
