"""A check that a worker's database and its jobs belong to the same blog.

A worker with the wrong database would find no comments, or other comments with the same numbers. So
the database has an id, and the web app stores the id in Redis, next to the jobs.
"""

import logging
import sys
import time

import redis

from demo_app.blog.database import Database, DatabaseDown, DatabaseMissing
from demo_app.blog.opening import check_server, open_database
from demo_app.broker.connection import connect
from demo_app.broker.throttled_log import ThrottledLog
from demo_app.jobs.backend import make_backend
from demo_app.settings import Settings

log = logging.getLogger(__name__)
#: The Redis key that contains the blog's id.
KEY = "blog"
#: Seconds that a worker waits for its blog's database, since the web app may still be starting.
PATIENCE = 10.0


class RedisAway(DatabaseMissing):
    """Redis does not answer, so the id of the jobs' blog is unknown."""


class AnotherBlog(RuntimeError):
    """The jobs in this Redis belong to another blog."""


def announce(chosen: Settings, database: Database) -> None:
    """Store the blog's id in Redis, unless Redis has one already.

    Do nothing if the backend does not keep its jobs in Redis.

    Raises:
        AnotherBlog: Redis already has the id of another blog.
        redis.RedisError: Redis does not answer.
    """
    if not _in_redis(chosen):
        return
    with connect(chosen.redis_url) as client:
        client.set(KEY, database.id, nx=True)  # keeps: one-blog
        found = client.get(KEY)
    if found != database.id:
        raise AnotherBlog(
            f"this Redis has the jobs of the blog {found}, but this blog is {database.id}: "
            "give each blog a separate Redis (DEMO_REDIS_URL)"
        )


def open_blog(chosen: Settings) -> Database:
    """Open the database of the settings, and check that the jobs in Redis belong to this blog.

    If Redis does not have the id of a blog, every blog is accepted.

    Raises:
        DatabaseMissing: the database cannot be used or belongs to another blog, or Redis does not
            answer.
    """
    database = open_database(chosen, create=False)
    expected = announced(chosen) or database.id
    if expected == database.id:
        return database
    database.close()
    raise DatabaseMissing(
        f"the database {database.where} belongs to the blog {database.id}, but the jobs in Redis "
        f"belong to the blog {expected}: use its database, or another Redis (DEMO_REDIS_URL)"
    )


def refuse_another_blog(chosen: Settings) -> None:
    """Exit if this worker's database belongs to another blog, or cannot be used.

    Retry for `PATIENCE` seconds before the exit. While Redis does not answer, wait for it without a
    limit, as Celery does. The web app creates the database, and then stores the blog's id in Redis.
    As long as Redis does not have an id, check only the PostgreSQL server, if the settings name
    one.
    """
    deadline, waiting = time.monotonic() + PATIENCE, ThrottledLog()
    while True:
        try:
            if announced(chosen) is not None:
                open_blog(chosen).close()
            elif chosen.database_url:
                check_server(chosen.database_url)
            return
        except RedisAway as error:
            waiting.log(log.warning, "The worker waits for Redis: %s", error)
            deadline = time.monotonic() + PATIENCE
        except (DatabaseMissing, DatabaseDown) as error:
            if time.monotonic() > deadline:
                name = "DEMO_DATABASE_URL" if chosen.database_url else "DEMO_DIR"
                sys.exit(f"This worker does not start: {error}. Use the web app's {name}.")
        time.sleep(0.2)


def announced(chosen: Settings) -> str | None:
    """Return the id of the blog whose jobs are in Redis.

    Returns None if no web app has stored an id, or the backend does not keep its jobs in Redis.

    Raises:
        RedisAway: Redis does not answer.
    """
    if not _in_redis(chosen):
        return None
    try:
        with connect(chosen.redis_url) as client:
            found = client.get(KEY)
    except redis.RedisError as error:
        raise RedisAway(f"Redis does not answer: {error}") from None
    return None if found is None else str(found)


def _in_redis(chosen: Settings) -> bool:
    return make_backend(chosen.backend, chosen).capabilities.in_redis
