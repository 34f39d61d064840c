"""A job that somebody waits for goes before one that may take its time."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support import until

from demo_app.stack import Stack
from demo_app.stack.client import Client


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process has one priority")
def test_jobs_stand_back_for_the_web_app_and_the_lease_does_not() -> None:
    with Stack(environment={"DEMO_WORKER_NICE": "7"}) as stack, Client(stack.ready) as client:
        client.comment()
        client.wait_for_mails(1)
        [worker] = stack.ready["pids"]["worker"]
        [web] = stack.ready["pids"]["web"]
        base = os.getpriority(os.PRIO_PROCESS, web)
        wanted = max(base, 7)

        def priorities() -> set[int]:
            threads = os.listdir(f"/proc/{worker}/task")
            return {os.getpriority(os.PRIO_PROCESS, int(thread)) for thread in threads}

        until(lambda: priorities() == {base, wanted}, what="the job's thread standing back")
        autogroup = Path(f"/proc/{worker}/autogroup")
        if autogroup.exists():
            until(lambda: autogroup.read_text().endswith("nice 7\n"), what="its session, too")
