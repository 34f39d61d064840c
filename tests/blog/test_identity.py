"""Tests that a relay does not enqueue jobs into the Redis of another blog."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest
from blog.sample import comment
from support import until

from demo_app.backends.celery import CeleryBackend
from demo_app.blog import identity, outbox, posts
from demo_app.blog.identity import AnotherBlog, announce
from demo_app.blog.opening import open_database
from demo_app.blog.relay import Relay
from demo_app.broker.queue import Queue
from demo_app.rig.process_group import ProcessGroup
from demo_app.rig.redis_server import RedisServer
from demo_app.settings import Settings


def test_the_relay_refuses_a_second_blog(store: Queue, redis_url: str, tmp_path: Path) -> None:
    relays = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        chosen = Settings(dir=tmp_path / name, redis_url=redis_url)
        database = open_database(chosen)
        posts.seed(database)
        comment(database)
        announcing = partial(announce, chosen, database)
        relays.append((Relay(database, CeleryBackend(store), announce=announcing), database))
    (first, own), (second, other) = relays
    assert first.hand_over() == 1
    with pytest.raises(AnotherBlog, match=f"the jobs of the blog {own.id}"):
        second.hand_over()
    assert (store.size(["mail"]), outbox.size(other)) == (1, 1), "only the first one's"
    assert first.hand_over_again(1) is None
    assert first.hand_over() == 1, "the first blog may announce itself again"


def test_a_worker_waits_for_redis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    announced = Mock(wraps=identity.announced)
    monkeypatch.setattr(identity, "PATIENCE", 0.0)
    monkeypatch.setattr(identity, "announced", announced)
    with ProcessGroup() as group, ThreadPoolExecutor(1) as pool:
        server = RedisServer(group)
        chosen = Settings(dir=tmp_path, redis_url=server.url)
        starting = pool.submit(identity.refuse_another_blog, chosen)
        try:
            until(lambda: announced.call_count >= 3 or starting.done(), what="further tries")
            assert not starting.done()
        finally:
            server.start()
        starting.result(60)
