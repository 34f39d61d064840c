"""The jobs of a world, and their effects."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from unittest import mock

import redis

from demo_app import tasks
from demo_app.backends.celery import message_of
from demo_app.blog import identity
from demo_app.broker.message import Message, compose, parse
from demo_app.broker.queue import Kind, Queue
from demo_app.jobs import task
from demo_app.jobs.context import checkpoint, current
from demo_app.jobs.job import Job
from demo_app.mail.connection import MailDeferred
from demo_app.mail.message import Mail
from explore.memory import Memory
from explore.world import World

#: The kinds of jobs that are published as any Celery producer does (see `_publish`).
FOREIGN = ("foreign", "retries", "namesake")
#: Seconds until a job of the kind "later" is due.
LATER = 90.0


def put_in(world: World, names: list[str]) -> bool:
    """Enqueue jobs, and record them in the ledger. Return False if the queue did not confirm."""
    low = [-1 if world.kind(name) == "low" else 0 for name in names]
    jobs = [
        Job(explored.name, {"mail": name}, "mail", priority, None, 0, world.task_id(name), 1e9)
        for name, priority in zip(names, low, strict=True)
    ]
    due = {name: world.now + LATER for name in names if world.kind(name) == "later"}
    try:
        if world.kind(names[0]) in FOREIGN:
            _publish(world.producer, message_of(jobs[0]), Kind.JOB, jobs[0].id)
        else:
            messages = [(message_of(job), due.get(job.id)) for job in jobs]
            world.producer.enqueue_many(messages, by="producer")
    except redis.RedisError:
        return False
    world.ledger.due |= due
    world.ledger.mail_of |= {name: name for name in names}
    return True


def _publish(queue: Queue, message: Message, kind: Kind, job: str) -> None:
    """Publish a message as any Celery producer does, with its own delivery tag."""
    raw = json.loads(re.sub(r',"enqueued_at":[^,}]+', "", compose(message)))
    raw["properties"]["delivery_tag"] = f"{message.arguments['mail']}-{message.retries}"
    queue.publish(json.dumps(raw), job, message.list_name, kind=kind, by="producer")


@task(queue_name="mail")
@tasks.sends_mail
def explored(mail: str) -> None:
    """Run a job of a world without blogs. Its kind decides whether the first run fails."""
    kind, first = World.here.kind(mail), current().attempt == 1
    if first and kind == "flaky":
        raise MailDeferred("451 come again")
    if first and kind in ("retries", "namesake"):
        _retry(World.here)
        return
    checkpoint()
    _sent(World.here, mail)


def _retry(world: World) -> None:
    """Publish the running job's next try, as Celery's `retry` does. The caller must then return."""
    worker = world.running
    tag = worker.tags("runs")[0]
    message = parse(worker.here.message(tag))
    job = worker.here.held()[tag].id
    _publish(worker.here.queue, replace(message, retries=1), Kind.NEXT_TRY, job)


def _deliver(mail: Mail) -> None:
    checkpoint()
    _sent(World.here, f"{_blog().id}/{current().job.arguments['comment_id']}")


def _sent(world: World, mail: str) -> None:
    """Count the mail. Record a broken promise if the worker does not hold the job any more."""
    world.ledger.mailed[mail] += 1
    worker = world.running
    if world.ledger.lost:
        return  # a server that lost data can't confirm the claim
    claim = worker.here.held()[worker.tags("runs")[0]]
    running = world.jobs_in("running")
    if (claim.id, claim.number) not in zip(running[::2], running[1::2], strict=True):
        name, job = worker.name, claim.id
        world.ledger.broken = f"may-send: {name} sends the mail of {job}, but no longer holds {job}"


def _blog() -> Memory:
    database = World.here.databases[World.here.running.blog]
    if current().job.owner != database.id:
        # `tasks.blog` raises the same error
        raise identity.AnotherBlog("the job is about another blog")
    return database


@contextmanager
def doing() -> Iterator[None]:
    """Replace the side effects of the blog's jobs by entries in the world's ledger."""
    with (
        mock.patch.multiple(tasks, deliver=_deliver, blog=_blog),
        mock.patch.object(
            identity, "connect", side_effect=lambda _: nullcontext(World.here.producer.client)
        ),
    ):
        yield
