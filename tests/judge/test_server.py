"""Tests that a trial's server keeps acknowledged writes and finds the keys that contain a job, and
that its folder is deleted after the judge's end."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from support import until

from demo_app.judge.server import TrialServer
from demo_app.rig.process_group import ProcessGroup


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TrialServer]:
    with ProcessGroup() as group:
        server = TrialServer(tmp_path, group)
        server.start()
        yield server


def test_an_acknowledged_write_survives_the_server_s_kill(server: TrialServer) -> None:
    with redis.Redis(unix_socket_path=server.path, decode_responses=True) as client:
        # not `everysec`: on a busy disk, Redis may acknowledge a write before it is in the file
        assert client.config_get("appendfsync") == {"appendfsync": "always"}
        client.lpush("queue", "q12z")
    server.kill()
    server.start()
    assert server.where("q12z") == ["queue"]
    assert server.where("q1z") == []
    server.kill()
    assert server.where("q12z") == ["? (the server is down)"]


def test_the_folder_of_a_judge_goes_when_it_ends_and_when_it_is_killed() -> None:
    code = (
        "import signal; from demo_app.rig.process_group import ProcessGroup;"
        "print(ProcessGroup().folder, flush=True); signal.pause()"
    )
    mine = ProcessGroup()
    (mine.folder / "a server's").mkdir()
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        theirs = Path(str(other.stdout and other.stdout.readline()).strip())
        assert theirs.is_dir()
        other.kill()
    until(lambda: not theirs.exists(), what="the end of the folder")
    assert mine.folder.is_dir()
    mine.end()
    assert not mine.folder.exists()
