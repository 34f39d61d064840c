"""The Celery app: its settings and its tasks."""

from dataclasses import asdict

from celery import Celery
from kombu import Queue
from kombu.transport import TRANSPORT_ALIASES

import demo_app.broker
from demo_app.backends.celery import options_of
from demo_app.backends.celery_command import celery_settings
from demo_app.broker import steps
from demo_app.broker.connection import SentinelGroup, client_url
from demo_app.failpoints import Step, hit
from demo_app.jobs.task import all_tasks, load_tasks
from demo_app.settings import Safeguard, Settings, settings
from demo_app.worker.run import limit, run
from demo_app.worker.shutdown import Shutdown

#: The transport of an app without some of the broker's safeguards, for experiments.
TRANSPORT_ALIASES["claims-unsafe"] = "demo_app.worker.experiments:Transport"
steps.watchers.append(lambda step: hit(Step(step)))
_IN_THE_BROKER = {Safeguard.ATOMIC_CLAIM, Safeguard.RESCUE, Safeguard.LEASE}


def make_app(chosen: Settings) -> Celery:
    made = Celery("demo_app", set_as_current=False)
    scheme = "claims-unsafe" if _IN_THE_BROKER & chosen.without else "claims"
    address, master_name = _address(chosen.redis_url)
    made.conf.update(
        celery_settings(chosen),
        broker_url=f"{scheme}+{address}",
        broker_transport_options={
            "master_name": master_name,
            **asdict(options_of(chosen)),
            "queue_order_strategy": "priority",  # the first queue has priority
        },
        task_queues=[Queue(name, routing_key=name) for name in chosen.queues],
        worker_enable_prefetch_count_reduction=False,
    )
    load_tasks(chosen.task_modules)
    for name in all_tasks():
        # a failed job for which no ending was set is dead, not done
        made.task(name=name, bind=True, max_retries=None, acks_on_failure_or_timeout=False)(run)
    return made


def _address(url: str) -> tuple[str, str | None]:
    """Return the URL of Redis in Celery's form, and its Sentinel name (None without Sentinel)."""
    watched = SentinelGroup.parse(url)
    if watched is None:
        return client_url(url), None
    login = url.partition("://")[2].rpartition("@")[0]
    first, *others = [f"{host}:{port}" for host, port in watched.sentinels]
    first = f"sentinel://{f'{login}@' if login else ''}{first}/{watched.database}"
    return ";".join([first, *others]), watched.name


#: The handlers of Celery's signals. They do nothing unless this process becomes a worker.
shutdown = Shutdown(settings(), limit)

assert demo_app.broker.SCHEMES  # the import registers the transport
