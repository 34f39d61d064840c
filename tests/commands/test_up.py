"""Tests of `up`: one line when all is ready, a line for each death and start, and a clean end."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from support import marked, most_nightly, next_line, patience, refuses, until, up_running

from demo_app.commands import main
from demo_app.stack import StackError
from demo_app.stack.client import Client

SETTINGS = {
    "DEMO_WORKRES": "3",
    "DEMO_TOKEN": "0123456789abcdef",
    "DEMO_SENDER": "Somebody <somebody@blog.test>",
    "DEMO_LEASE_SECONDS": "2.5",
    "DEMO_CONCURRENCY": "2",
    "DEMO_TASKS": "colorsys,bisect",
    # Linux has the whole of 127.0.0.0/8
    "DEMO_WEB_HOST": "127.0.0.2" if sys.platform == "linux" else "localhost",
}


Running = tuple[dict[str, Any], Path]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run `up` without controls and with a misspelt setting. Yield its ready line, and the file
    with its stderr."""
    folder = tmp_path_factory.mktemp("up")
    arguments = ("--dir", str(folder / "here"), "--concurrency", "3")
    errors, settings = folder / "errors", SETTINGS | {"DEMO_DIR": str(folder / "elsewhere")}
    with errors.open("w") as file, up_running(*arguments, stderr=file, **settings) as process:
        yield next_line(process), errors
        process.send_signal(signal.SIGINT)
        assert process.wait(patience(20)) == 0


def test_the_first_line_says_where_everything_is(running: Running) -> None:
    ready, _ = running
    assert set(ready) == {"web", "inbox", "smtp", "redis", "token", "dir", "pids"}
    assert set(ready["pids"]) == {"redis", "smtp", "web", "worker"}
    assert ready["web"].startswith(f"http://{SETTINGS['DEMO_WEB_HOST']}:")
    with Client(ready) as client:
        client.comment()
        assert client.wait_for_mails(1)["distinct"] == 1


def test_a_variable_that_is_not_a_setting_is_named(running: Running) -> None:
    _, errors = running
    assert "DEMO_WORKRES" in errors.read_text()


def test_settings_hold_for_all_that_it_starts_and_an_option_wins(running: Running) -> None:
    ready, errors = running
    assert ready["dir"] == str(errors.with_name("here"))
    assert ready["token"] == SETTINGS["DEMO_TOKEN"]
    for role in ("web", "worker"):
        environment = psutil.Process(ready["pids"][role][0]).environ()
        for name in ("DEMO_TOKEN", "DEMO_SENDER", "DEMO_LEASE_SECONDS", "DEMO_TASKS"):
            assert environment[name] == SETTINGS[name]
        assert environment["DEMO_CONCURRENCY"] == "3"
        assert environment["DEMO_DIR"] == ready["dir"]


class _DiesEarly:
    def __init__(self, on_event: Any, **_: Any) -> None:
        self._died = threading.Thread(target=on_event, args=({"event": "died"},), daemon=True)

    def __enter__(self) -> None:
        self._died.start()
        self._died.join(5.0)
        raise StackError("on_event blocks." if self._died.is_alive() else "on_event returned.")

    __exit__ = None


def test_a_death_during_the_start_does_not_wait_for_the_first_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.modules["demo_app.commands.up"], "Stack", _DiesEarly)
    assert _refused(capsys, status=1) == "on_event returned.\n"


def test_without_controls_nothing_can_be_disturbed(running: Running) -> None:
    ready, _ = running
    with Client(ready) as client:
        for act in ("kill-worker", "kill-redis", "wipe-redis", "kill-web", "memory", "no-mail"):
            assert client.web.post(f"/stage/do/{act}").status_code == 403


def _ends(process: subprocess.Popen[str], how: signal.Signals) -> None:
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(how)
    process.wait(patience(10))
    until(lambda: not any(child.is_running() for child in children), 5.0, "the end of all")


def test_with_controls_a_page_kills_and_later_lines_report_it_and_need_no_reader() -> None:
    """Check also that Ctrl-C ends `up` while a job hangs."""
    with up_running("--controls") as process:
        ready = next_line(process)
        (worker,) = ready["pids"]["worker"]
        with Client(ready) as client:
            assert client.web.post("/stage/do/kill-worker").status_code == 204
        assert next_line(process) == {"event": "died", "role": "worker", "pid": worker}
        started = next_line(process)
        assert (started["event"], started["role"]) == ("started", "worker")
        assert psutil.pid_exists(started["pid"])

        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        os.kill(started["pid"], signal.SIGKILL)
        with Client(ready) as client:
            gone = (worker, started["pid"])
            client.wait_for(
                lambda now: any(w["alive"] and w["pid"] not in gone for w in now["workers"])
            )
            client.set_faults({"at": "data", "do": "hang"})
            client.comment()
            client.wait_for(lambda now: now["running"] == 1)
        _ends(process, signal.SIGINT)
        assert process.stderr.read() == ""
        for name in ("web", "inbox", "smtp"):
            assert refuses(int(ready[name].rpartition(":")[2]))
        assert not Path(ready["redis"].removeprefix("redis+socket://")).exists()


@pytest.mark.parametrize("children", most_nightly(range(1, 6), 3))
def test_ctrl_c_during_the_start_leaves_nothing(tmp_path: Path, children: int) -> None:
    """Send Ctrl-C when `up` has started this many processes. The next one may be starting."""
    with up_running("--dir", str(tmp_path)) as process:
        supervisor = psutil.Process(process.pid)
        until(lambda: len(supervisor.children()) >= children, what="the first processes")
        process.send_signal(signal.SIGINT)
        process.wait(patience(20))
        assert marked("DEMO_DIR", tmp_path) == []


TROUBLE = (
    (("--dir", "/proc/nowhere"), "can't be used"),
    (("--redis-url", "redis://127.0.0.1:1/0"), "No Redis server answers"),
    (("--tasks", "no.such.module"), "no.such.module"),
)


@pytest.mark.parametrize(("arguments", "expected"), most_nightly(TROUBLE, *TROUBLE[:2]))
def test_trouble_is_one_clear_sentence_and_exit_status_1(
    arguments: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert expected in _refused(capsys, *arguments, status=1)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--workers", "-1"), "--workers"),
        (("--backend", "pigeons"), "pigeons"),
        (("--appendfsync", "sometimes"), "sometimes"),
        (("--without", "luck"), "'--without': Input should be 'outbox'"),
        (("--web-port", "70000"), "'--web-port': Input should be less than or equal to 65535"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_an_invalid_command_line_is_refused_with_one_line_and_exit_status_2(
    arguments: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert expected in _refused(capsys, *arguments)


def _refused(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 2) -> str:
    assert main(["up", "--json", *arguments]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    return err


@pytest.mark.thorough
def test_for_an_audience_it_prints_the_show_and_a_way_in_for_phones() -> None:
    with up_running("--show", as_json=False, DEMO_WEB_HOST="0.0.0.0") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        while "all state in" not in lines[-1]:
            lines.append(process.stdout.readline())
        words = "".join(lines).split()
        [jobs] = [word for word in words if "/jobs?token=" in word]
        assert httpx.get(jobs, follow_redirects=True).status_code == 200
        [url] = [word for word in words if "show=" in word]
        page = httpx.get(url, follow_redirects=True)
        assert page.status_code == 200
        assert "PageDown begins the show" in page.text
        assert "slow: 1.5\xa0s a\xa0mail" in page.text
        assert page.text.count('class="box') == 2
        assert 'data-action="kill-worker"' in page.text

        [address] = [line.split()[2] for line in lines if "for phones" in line]
        assert f"<b>{address}</b>" in page.text, "on the stage, and without the token"
        httpx.post(address, data={"guess": "late"})
        assert 'data-votes="late">1<' in httpx.get(url, follow_redirects=True).text
        assert "<path" in page.text, "the code that a phone reads"
        page = httpx.get(address, follow_redirects=True)
        assert page.status_code == 200, page.text
        assert httpx.get(address[:-4] + "stage").status_code == 401, "but not to the keys that kill"
        _ends(process, signal.SIGTERM)
        assert process.returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEMO_TOKEN", "a"),
        ("DEMO_JOB_SECONDS", "soon"),
        ("DEMO_CONCURRENCY", "many"),
        ("DEMO_SMTP_URL", "imap://mail.test"),
        ("DEMO_SENDER", "The blog"),
        ("DEMO_SENDER", "The blog <blog@bücher.test>"),
        ("DEMO_REDIS_URL", "127.0.0.1:6379"),
        ("DEMO_REDIS_URL", "redis://:pass/word@127.0.0.1"),
        ("DEMO_INBOX_URL", "http://[::1"),
        ("DEMO_PUBLIC_HOSTS", "blog.test:8000"),
        ("DEMO_PUBLIC_HOSTS", "a*b"),
        ("DEMO_SMTP_SECONDS", "inf"),
        ("DEMO_QUEUES", ""),
        ("DEMO_BEAT_SECONDS", "9"),
        ("DEMO_SMTP_CA_FILE", "no-such-file.pem"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_by_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert name in _refused(capsys)


def test_the_help_names_every_option_of_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--help"]) == 0
    output = capsys.readouterr().out
    options = (
        "dir json workers concurrency backend redis-url appendfsync no-persistence "
        "web-port inbox-port smtp-port no-restart tasks lease controls show twin report-deaths"
    )
    assert all(f"--{option}" in output for option in options.split())
