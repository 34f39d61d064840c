"""Each safeguard of the list can still be left out: the line that goes is there, once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chaos.safeguards import REPOSITORY, Safeguard, safeguards
from demo_app import settings


@pytest.mark.parametrize("safeguard", safeguards(), ids=lambda safeguard: safeguard.what)
def test_a_safeguard_can_still_be_left_out(safeguard: Safeguard, tmp_path: Path) -> None:
    if not safeguard.file:
        assert safeguard.without in set(settings.Safeguard)
        return
    copy = tmp_path / safeguard.file
    copy.parent.mkdir(parents=True)
    shutil.copy(REPOSITORY / safeguard.file, copy)
    safeguard.leave_out(tmp_path)
    assert copy.read_text() != (REPOSITORY / safeguard.file).read_text()
