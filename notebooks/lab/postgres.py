"""PostgreSQL as a job queue, where it is installed; measured by its own program, pgbench."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import glob
from pathlib import Path

_PROGRAMS = ("initdb", "pg_ctl", "psql", "pgbench")
#: Debian has those of the server elsewhere.
_PATH = os.pathsep.join([os.environ.get("PATH", ""), *glob("/usr/lib/postgresql/*/bin")])
# some jobs wait from the start, so that no claim finds every row locked by another client
_TABLE = """
CREATE TABLE jobs (id bigserial PRIMARY KEY, job text, claimed boolean);
CREATE INDEX ON jobs (id) WHERE claimed IS NULL;
INSERT INTO jobs (job) SELECT 'a job' FROM generate_series(1, 200)
"""
_CYCLE = """
INSERT INTO jobs (job) VALUES ('a job');
UPDATE jobs SET claimed = true WHERE id = (SELECT id FROM jobs WHERE claimed IS NULL
    ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING id \\gset
DELETE FROM jobs WHERE id = :id;
"""


def race(jobs: int, runs: int) -> list[tuple[int, tuple[float, ...]]]:
    """For 1 and for 8 clients, jobs per second through all three steps, one figure per run.

    Each step is a transaction of its own that is on disk before it is answered, which is the
    default. Empty where PostgreSQL is not installed or may not run.
    """
    if not all(shutil.which(program, path=_PATH) for program in _PROGRAMS):
        return []
    try:
        with _running() as folder:
            return [(n, tuple(_rate(folder, n, jobs // n) for _ in range(runs))) for n in (1, 8)]
    except (subprocess.SubprocessError, OSError, KeyError):
        return []  # as another user, or in a container; the lesson goes on without it


def _rate(folder: Path, clients: int, each: int) -> float:
    script = folder / "cycle.sql"
    script.write_text(_CYCLE)
    script.chmod(0o644)
    output = _run(folder, "pgbench", "-n", "-M", "prepared", "-c", f"{clients}", "-j", f"{clients}",
                "-t", f"{each}", "-f", f"{script}", "postgres")  # fmt: skip
    found = re.search(r"tps = ([\d.]+)", output)
    return float(found[1]) if found else 0.0


@contextmanager
def _running() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="demo-pg-"))
    data = f"{folder}/data"
    try:
        if user := _user():
            shutil.chown(folder, user)
        _run(folder, "initdb", "-A", "trust", "-U", "demo", "-D", data)
        options = f"-k {folder} -c listen_addresses="
        _run(folder, "pg_ctl", "-D", data, "-o", options, "-l", f"{folder}/log", "-w", "start")
        _run(folder, "psql", "-c", _TABLE, "postgres")
        yield folder
    finally:
        with suppress(subprocess.SubprocessError):  # it was not started
            _run(folder, "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder: Path, *command: str) -> str:
    env = {**os.environ, "PATH": _PATH, "PGHOST": str(folder), "PGUSER": "demo"}
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=env, user=_user(), cwd=folder
    ).stdout


def _user() -> str | None:
    """PostgreSQL refuses to run as root; its own user is used then."""
    return pwd.getpwnam("postgres").pw_name if os.geteuid() == 0 else None
