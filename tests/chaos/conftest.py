from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _campaigns_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))  # as `make chaos` has it
