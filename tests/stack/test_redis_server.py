"""A Redis server by itself, for tests and benchmarks: it ends with the process that started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support import until

from demo_app.stack.redis_server import answers

CODE = """
import sys
from pathlib import Path
from demo_app.stack.redis_server import running

with running(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


def test_a_server_ends_with_the_process_that_started_it_even_if_that_is_killed(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", CODE, str(tmp_path)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as starter:
        assert starter.stdout is not None
        url = starter.stdout.readline().strip()
        assert answers(url)
        starter.kill()
    until(lambda: not answers(url), what="the server's end")
