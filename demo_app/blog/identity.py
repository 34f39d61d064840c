"""Which blog the jobs in a queue are about, so that no worker uses the wrong database.

A worker may run on another machine, or see another folder than was meant. It would find none of
the comments, or others of the same numbers. So the blog's database has an id, and the web app
writes it beside the jobs.
"""

from __future__ import annotations

import sys
import time

import redis

from demo_app.blog.database import Database, DatabaseDown, DatabaseMissing
from demo_app.blog.opening import check_server, open_database
from demo_app.broker.connection import connect
from demo_app.jobs.backend import make_backend
from demo_app.settings import Settings

#: The key in Redis that has the id.
KEY = "blog"
#: Seconds that a worker waits for its blog: the web app may just be starting.
PATIENCE = 10.0


class AnotherBlog(RuntimeError):
    """A job is about another blog's comments: one of the two blogs is in the wrong Redis."""


def announce(chosen: Settings, database: Database) -> None:
    """Say which blog the jobs are about, where they are in Redis; the first one stays.

    Raises AnotherBlog, with a sentence, and redis.RedisError.
    """
    if not _in_redis(chosen):
        return
    with connect(chosen.redis_url) as client:
        client.set(KEY, database.id, nx=True)  # keeps: one-blog
        found = client.get(KEY)
    if found != database.id:
        raise AnotherBlog(
            f"this Redis has the jobs of the blog {found}, and this one is {database.id}: "
            "each blog needs a Redis of its own (DEMO_REDIS_URL)"
        )


def open_blog(chosen: Settings) -> Database:
    """The blog's database, which must be there, and be the one that the jobs are about.

    Raises DatabaseMissing, with a sentence.
    """
    database = open_database(chosen, create=False)
    wanted = announced(chosen) or database.id
    if wanted == database.id:
        return database
    database.close()
    raise DatabaseMissing(
        f"{database.where} is another blog than the one that these jobs are about "
        f"({database.id}, and not {wanted})"
    )


def refuse_another_blog(chosen: Settings) -> None:
    """Call at a worker's start: ends the process when its database is not the one that the waiting
    jobs are about, or can't be used. As long as no blog has put any job in, there need be none.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if announced(chosen) is not None:
                open_blog(chosen).close()
            elif chosen.database_url:
                check_server(chosen.database_url)
            return
        except (DatabaseMissing, DatabaseDown) as error:
            if time.monotonic() > deadline:
                name = "DEMO_DATABASE_URL" if chosen.database_url else "DEMO_DIR"
                sys.exit(f"This worker does not start: {error}. {name} says where the blog is.")
        time.sleep(0.2)


def announced(chosen: Settings) -> str | None:
    """The id of the blog that the jobs are about; None when no web app has written it, or they are
    not in Redis. Raises DatabaseMissing when Redis can't be asked."""
    if not _in_redis(chosen):
        return None
    try:
        with connect(chosen.redis_url) as client:
            found = client.get(KEY)
    except redis.RedisError as error:
        raise DatabaseMissing(f"Redis does not say whose jobs it has: {error}") from None
    return None if found is None else str(found)


def _in_redis(chosen: Settings) -> bool:
    return make_backend(chosen.backend, chosen).capabilities.in_redis
