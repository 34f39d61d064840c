"""Lesson 03 measures PostgreSQL beside Redis, wherever a system keeps its programs."""

from __future__ import annotations

import os
import subprocess
import sys

from notebooks.kernels import NOTEBOOKS
from programs import POSTGRES, needs


def test_it_runs_where_only_debians_folder_has_the_programs_of_the_server() -> None:
    needs(POSTGRES)
    told = subprocess.run(
        [sys.executable, "-c", "from lab.postgres import race; print(race(8, 1))"],
        env={**os.environ, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(NOTEBOOKS)},
        capture_output=True,
        text=True,
        check=True,
    )
    ((one, (slow,)), (eight, (fast,))) = eval(told.stdout)
    assert (one, eight) == (1, 8)
    assert slow > 0
    assert fast > 0
