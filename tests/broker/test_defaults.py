"""An app on this broker acknowledges late, unless it or one of its tasks says otherwise."""

from __future__ import annotations

import subprocess
import sys

APP = """
import demo_app.broker
from celery import Celery, shared_task

def work(): pass

for number in range(30):
    shared_task(work, name=f"shared{{number}}")
shared_task(work, name="early", acks_late=False)
app = Celery("shop", broker="{broker}://127.0.0.1:1/0")
{setting}
app.finalize()
print(sorted({{task.acks_late for name, task in app.tasks.items() if "shared" in name}}), end="")
print("", app.tasks["early"].acks_late)
"""


def _told(broker: str, setting: str = "") -> str:
    text = APP.format(broker=broker, setting=setting)
    return subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_shared_tasks_acknowledge_late_in_whatever_order_they_are_made_the_apps() -> None:
    assert _told("claims+redis") == "[True] False"


def test_an_app_that_says_so_acknowledges_early_and_one_on_stock_redis_as_well() -> None:
    assert _told("claims+redis", "app.conf.task_acks_late = False") == "[False] False"
    assert _told("redis") == "[False] False"
