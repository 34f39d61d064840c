"""Tests that `python -m demo_app` prints one line with advice if it can't run."""

import pytest
from support import run_python


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        # Windows has neither `fcntl` nor SIGHUP
        ("sys.modules['fcntl'] = None; del signal.SIGHUP", ["run it in WSL"]),
        ("sys.modules['typer'] = None", ["typer is missing", "uv sync --all-extras"]),
    ],
)
def test_without_what_it_needs_it_says_what_to_do(missing: str, expected: list[str]) -> None:
    code = f"import signal, sys; {missing}; from demo_app.__main__ import main; sys.exit(main())"
    output = run_python("-c", code)
    assert output.returncode == 1
    assert all(words in output.stderr for words in expected)
    assert len(output.stderr.splitlines()) == 1


def test_a_character_that_the_terminal_cannot_show_is_no_error() -> None:
    output = run_python("-m", "demo_app", "judge", "日.py:Mine", PYTHONIOENCODING="latin-1")
    assert (output.returncode, output.stderr) == (2, "")
    assert "There is no file ?.py" in output.stdout
