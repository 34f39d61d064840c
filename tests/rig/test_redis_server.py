"""A Redis server by itself, for tests and benchmarks: it ends with the process that started it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support import until

from demo_app.rig.redis_server import answers

CODE = """
import sys
from demo_app.rig.process_group import ProcessGroup
from demo_app.rig.redis_server import RedisServer

with ProcessGroup() as group, RedisServer(group) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""


def test_a_server_ends_with_the_process_that_started_it_even_if_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CODE],
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
