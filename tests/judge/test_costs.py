"""What a queue costs is counted from what its trials wrote down, and is no part of the verdict."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from judge.broken import solution

from demo_app.commands import main


@pytest.mark.timeout(300)
def test_the_command_prints_them_after_the_levels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["judge", f"{solution(4)}:MyQueue", "--levels", "2"]) == 0
    out = capsys.readouterr().out
    found = re.search(r"(\d+\.\d) commands a job", out)
    assert found
    assert float(found[1]) == pytest.approx(2.0, abs=0.2), "LPUSH and RPOP"
    assert "– seconds until a killed worker's job runs again" in out
    main(["judge", f"{solution(4)}:MyQueue", "--levels", "4"])
    assert "costs" not in capsys.readouterr().out
