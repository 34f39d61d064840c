"""Tests of `Lab` itself: its errors, its environment, and its waits while processes restart."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from lab import running
from lab.running import Lab
from lab.show import LabError


def _variables() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("DEMO_")}


def test_an_unknown_option_is_an_error_of_the_lab() -> None:
    with pytest.raises(LabError, match="backend"):
        Lab(background=True, backend="pigeon")
    with pytest.raises(LabError, match="pigeons"):
        Lab(background=True, pigeons=2)
    with pytest.raises(LabError, match="No Redis server answers"):
        Lab(background=True, redis_url="redis://127.0.0.1:1/0")


def test_a_role_that_does_not_exist_or_run_is_an_error_of_the_lab(lab: Lab) -> None:
    with pytest.raises(LabError, match="There is no role 'pigeon'"):
        lab.start("pigeon")
    for role in ("worker", "pigeon"):
        with pytest.raises(LabError, match=f"No {role} is running"):
            lab.kill_process(role)


def test_a_comment_that_is_not_accepted_is_an_error_of_the_lab(lab: Lab) -> None:
    with pytest.raises(LabError, match="422"):
        lab.post(1, author="")
    lab.kill("web", restart=False)
    with pytest.raises(LabError, match="The web app does not answer"):
        lab.post(1)
    lab.start("web")


def test_a_process_that_does_not_start_is_an_error_of_the_lab(lab: Lab) -> None:
    command = [sys.executable, "-c", "raise OSError('no disk today')"]
    process = lab.start_extra("worker", command)
    with pytest.raises(LabError, match="did not start: OSError: no disk today"):
        process.until_ready(lambda: False)


def test_a_wait_goes_on_while_the_web_app_restarts(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[bool] = []

    def at_rest() -> bool:
        answers.append(True)
        if len(answers) == 1:
            raise httpx.ConnectError("the web app restarts")
        return True

    monkeypatch.setattr(lab.client, "at_rest", at_rest)
    lab.wait(10.0)
    assert len(answers) == 2


def test_a_moving_picture_goes_on_while_redis_restarts(lab: Lab) -> None:
    lab.kill("redis")
    lab.watch(60.0)


def test_a_system_that_restarts_is_not_at_rest(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has just been restarted gets the whole time to bring its mails."""
    monkeypatch.setattr(lab, "died", {1})
    looks: list[dict[str, int]] = []

    def look(stats: dict[str, int]) -> bool:
        looks.append(stats)
        if len(looks) < 20:  # processes die all the time
            lab.died.add(len(looks) + 1)
        return False

    lab.until_still(0.01, look)
    assert len(looks) > 20


def test_two_labs_may_set_the_environment_at_the_same_time(lab: Lab) -> None:
    before, often = _variables(), sys.getswitchinterval()
    choices = [{f"DEMO_{n}_{name}": name for n in range(20)} for name in ("ONE", "TWO")]
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(2) as pool:
            for _ in range(200):
                list(pool.map(running._set_environment, choices))
                assert _variables() in choices
    finally:
        sys.setswitchinterval(often)
        running._set_environment(before)
