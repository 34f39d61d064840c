"""Tests that an app on this broker acknowledges late, unless it is set to acknowledge early."""

from typing import Any

import pytest
from celery import Celery
from support import run_python

from demo_app.broker.defaults import set_defaults

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


@pytest.mark.parametrize(
    ("broker", "setting", "late"),
    [
        pytest.param("claims+redis", "", [True], id="an app on claims"),
        pytest.param("redis", "app.conf.broker_transport = 'claims'", [True], id="by transport"),
        pytest.param("claims+redis", "app.conf.task_acks_late = False", [False], id="one with it"),
        pytest.param("redis", "", [False], id="an app on stock Redis"),
    ],
)
def test_shared_tasks_acknowledge_late(broker: str, setting: str, late: list[bool]) -> None:
    ended = run_python("-c", APP.format(broker=broker, setting=setting))
    assert ended.stdout == f"{late} False\n", ended.stderr


@pytest.mark.parametrize(
    "setting",
    [
        {"broker_url": "claims+redis://one:1/0;claims+redis://two:1/0"},
        {"broker_url": ["claims+redis://one:1/0", "claims+redis://two:1/0"]},
        {"broker_read_url": "claims+redis://one:1/0"},
    ],
)
def test_redbeat_uses_the_first_redis_of_the_app(setting: dict[str, Any]) -> None:
    app = Celery(set_as_current=False)
    app.conf.update(setting)
    set_defaults(app)
    assert app.conf.redbeat_redis_url == "redis://one:1/0"
