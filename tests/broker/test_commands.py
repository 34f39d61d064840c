"""Tests of ``python -m celery_claims`` (here ``demo_app.broker``): doctor, migrate and metrics."""

import json
import pty
import re
import signal
import subprocess
import sys
import time

import pytest
import redis
from broker.conftest import OpenShop
from celery_suite.outside import REPOSITORY, Shop, signal_group
from prometheus_client.parser import text_string_to_metric_families
from servers import cluster
from support import message, run_python

from demo_app.broker.connection import AS_TEXT
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    return open_shop(broker_transport_options={"global_keyprefix": "shop:"})


def _command(*words: str) -> list[str]:
    return ["-m", "demo_app.broker", words[0], "-A", "shop", *words[1:]]


def _run(shop: Shop, *words: str) -> tuple[int, str]:
    ended = run_python(*_command(*words), cwd=shop.folder, **shop.environment)
    assert "Traceback" not in ended.stderr, ended.stderr
    return ended.returncode, ended.stdout


@pytest.fixture
def stock(shop: Shop) -> redis.Redis:
    """Return a client of the database to which `_to_stock` moves the jobs."""
    return redis.Redis(port=shop.port, db=1, **AS_TEXT)


def _to_stock(shop: Shop) -> tuple[int, str]:
    return _run(shop, "migrate", shop.broker(shop.port), f"redis://127.0.0.1:{shop.port}/1")


def _from_stock(shop: Shop) -> tuple[int, str]:
    return _run(shop, "migrate", f"redis://127.0.0.1:{shop.port}/1", shop.broker(shop.port))


def test_the_doctor_names_each_setting_that_loses_duplicates_or_delays_jobs(shop: Shop) -> None:
    shop.settings |= {"task_acks_late": False, "worker_prefetch_multiplier": 0, "task_protocol": 1}
    shop.settings["broker_transport_options"] = {"lease_seconds": 1, "heartbeat_seconds": 0.9}
    shop.redis.config_set("maxmemory", "100mb")
    shop.redis.config_set("maxmemory-policy", "allkeys-lru")
    shop.redis.config_set("appendonly", "no")
    status, output = _run(shop, "doctor")
    assert status == 1
    assert [line.partition(":")[0] for line in output.splitlines()] == [
        "acks_late", "worker_prefetch_multiplier", "task_protocol", "lease_seconds", "appendonly",
        "maxmemory-policy",
    ]  # fmt: skip
    assert "shop.nothing, shop.pack" in output


def test_metrics_have_the_length_and_age_of_each_queue(shop: Shop) -> None:
    shop.order("vase", "jug")
    shop.order("later", sending={"countdown": 600})
    others = ['a "b" \\ c\td é', "parcels", "x\x1b]0;evil\x07\x9b31m\u202e é"]
    for name in others:
        shop.order("other", sending={"queue": name})
    text = _run(shop, "metrics")[1]
    lengths = next(iter(text_string_to_metric_families(text)))
    assert [one.labels["queue"] for one in lengths.samples] == sorted(["celery", *others])
    assert 'claims_queue_length{queue="celery"} 2\n' in text
    assert 'claims_queue_length{queue="parcels"} 1\n' in text
    assert 'claims_jobs{state="scheduled"} 1\n' in text
    [age] = re.findall(r'claims_queue_age_seconds{queue="celery"} ([\d.]+)', text)
    assert 0 < float(age) < 600
    reading, terminal = pty.openpty()
    with open(reading, "rb", buffering=0) as screen, open(terminal, "wb") as stdout:
        command = [sys.executable, *_command("metrics")]
        subprocess.run(command, cwd=shop.folder, env=shop.environment, stdout=stdout, check=True)
        shown = b""
        while b"silent" not in shown:
            shown += screen.read(50_000)
    assert r'{queue="x\x1b]0;evil\x07\x9b31m\u202e é"}' in shown.decode()


def test_migrate_moves_waiting_jobs_there_and_back(shop: Shop, stock: redis.Redis) -> None:
    first, _, dead = shop.order("first", "second", "dead")
    shop.order("later", sending={"countdown": 600})
    shop.redis.lrem("shop:queue:celery", 1, dead)
    shop.redis.zadd("shop:dead", {dead: 1})
    status, output = _to_stock(shop)
    assert status == 0
    assert output.startswith("Moved 3 jobs.\nDead jobs that were not moved: 1.")
    assert "moved to another broker" in shop.redis.lindex(f"shop:job:{first}", -1)
    assert shop.redis.llen("shop:queue:celery") == shop.redis.zcard("shop:scheduled") == 0
    assert stock.llen("shop:celery") == 3
    assert _from_stock(shop) == (0, "Moved 3 jobs.\n")
    assert shop.redis.zcard("shop:scheduled") == 1
    shop.start_worker()
    assert not shop.lost(["first", "second"], 60)
    assert "later" not in shop.times("started")


def test_migrate_keeps_the_due_time_of_a_job_of_the_job_layer(shop: Shop) -> None:
    due = time.time() + 600
    Queue(shop.redis, Options(global_keyprefix="shop:")).enqueue(message(), due=due)
    target = shop.broker(shop.port).removesuffix("/0") + "/1"
    assert _run(shop, "migrate", shop.broker(shop.port), target) == (0, "Moved 1 job.\n")
    moved = redis.Redis(port=shop.port, db=1, **AS_TEXT).zscore("shop:scheduled", "job-1")
    assert moved == pytest.approx(due, abs=60)


def test_migrate_refuses_a_prefix_that_kombu_cannot_find(shop: Shop, stock: redis.Redis) -> None:
    shop.settings["broker_transport_options"] = {"global_keyprefix": "Läden:"}
    shop.order("first")
    assert _to_stock(shop) == (0, "Moved 1 job.\n")
    assert _from_stock(shop) == (1, "The prefix Läden: is not ASCII: kombu cannot find its jobs.\n")
    assert stock.llen("Läden:celery") == 1


def test_migrate_moves_unnamed_queues_and_skips_garbage(shop: Shop, stock: redis.Redis) -> None:
    shop.settings["broker_transport"] = "demo_app.broker:Transport"
    shop.order("vase", sending={"queue": "parcels"})
    shop.order("late", sending={"queue": "letters", "countdown": 600})
    # the list "letters" is empty, since its job is delayed: remove it from the set of known lists,
    # as a rescue removes empty lists if there are more than 100 lists
    shop.redis.srem("shop:lists", "letters")
    shop.order("first")
    assert _to_stock(shop) == (0, "Moved 3 jobs.\n")
    assert stock.llen("shop:parcels") == stock.llen("shop:celery") == 1
    stock.rpush("shop:parcels", "", "no message at all")
    stock.hset("shop:unacked", "odd", "nor this")
    without_queue = json.dumps([json.loads(stock.lpop("shop:celery")), "gone", "vases"])
    stock.hset("shop:unacked", "tag", without_queue)
    status, output = _from_stock(shop)
    assert (status, output.splitlines()[0]) == (1, "Moved 2 jobs.")
    assert "Left 1 behind: no queue is bound to its exchange.\n" in output
    assert stock.hget("shop:unacked", "tag") == without_queue
    assert output.count("behind: can't be read (JSONDecodeError") == 1
    assert "Left 3 behind" in output
    assert stock.lrange("shop:parcels", 0, -1) == ["", "no message at all"]
    assert shop.redis.llen("shop:queue:parcels") == 1


def test_migrate_moves_the_jobs_of_dead_workers(open_shop: OpenShop) -> None:
    """From stock, `migrate` also moves the jobs in the hash `unacked`. From claims, it first
    rescues the jobs of dead workers."""
    shop = open_shop("prefork", transport="stock", task_acks_late=True)
    worker = shop.start_worker()
    shop.order("vase", gate="open")
    shop.until_started("vase")
    signal_group(worker, signal.SIGKILL)
    worker.wait()
    assert shop.in_hand() == 1
    source, target = shop.broker(shop.port), f"claims+redis://127.0.0.1:{shop.port}/1"
    assert _run(shop, "migrate", source, target) == (0, "Moved 1 job.\n")
    assert shop.in_hand() == 0
    queue = Queue(redis.Redis(port=shop.port, db=1, **AS_TEXT))
    queue.register("dies", 1000, "{}")
    assert len(queue.claim("dies", ["celery"])) == 1
    queue.client.delete("worker:dies")
    assert _run(shop, "migrate", target, source) == (0, "Moved 1 job.\n")
    assert shop.queued() == 1


def test_migrate_can_be_interrupted(shop: Shop) -> None:
    shop.order("first", "second")
    queue = Queue(shop.redis, Options(global_keyprefix="shop:"))
    queue.register("dies", 60_000, "{}")
    assert queue.claim("dies", ["celery"])
    queue.client.delete("shop:worker:dies")  # migrate waits until its lease has surely expired
    words = _command("migrate", shop.broker(shop.port), f"redis://127.0.0.1:{shop.port}/1")
    with (shop.folder / "migrate.log").open("w+") as output:
        migrating = shop.start([sys.executable, *words], output)
        shop.until(lambda: queue.snapshot().count["done"] == 1, "the move of the second job")
        migrating.send_signal(signal.SIGINT)
        assert migrating.wait() == 130
        output.seek(0)
        assert output.read() == "Interrupted. Jobs moved: 1. Run this again to move the rest.\n"


def test_migrate_leaves_a_job_that_begins_meanwhile(open_shop: OpenShop) -> None:
    """A job that ends meanwhile is not moved either."""
    shop = open_shop("threads", transport="stock", task_acks_late=True)
    shop.start_worker("--concurrency", "1")
    shop.order("ends", gate="open")
    shop.order("begins", gate="shut")
    shop.until_started("ends")
    shop.until(lambda: shop.in_hand() == 2, "the second job")
    target = f"claims+redis://127.0.0.1:{shop.port}/1"
    command = [sys.executable, *_command("migrate", shop.broker(shop.port), target)]
    printed = shop.folder / "migrate.log"
    with shop.redis.monitor() as monitor, printed.open("w") as output:
        migrating = shop.start(command, output)
        sent = (one["command"] for one in monitor.listen())
        next(text for text in sent if re.match(r"LPUSH \S+\.reply\.celery\.pidbox ", text))
        shop.open_gate()
        assert migrating.wait() == 1
    assert printed.read_text().startswith("Moved 0 jobs.\nLeft ")


def test_migrate_reports_the_jobs_of_a_paused_queue(shop: Shop) -> None:
    shop.order("first")
    shop.order("vase", sending={"queue": "parcels"})
    Queue(shop.redis, Options(global_keyprefix="shop:")).pause_queue("parcels", True)
    left = "Left 1 behind: still queued, for example because the queue is paused.\n"
    assert _to_stock(shop) == (1, f"Moved 1 job.\n{left}")


@pytest.mark.parametrize("kind", ["claims+redis", "redis"])
def test_migrate_refuses_two_urls_of_the_same_broker(shop: Shop, kind: str) -> None:
    shop.order("first")
    urls = [f"{kind}://{host}:{shop.port}/0" for host in ("127.0.0.1", "localhost")]
    refusal = "Both URLs lead to the same broker. Nothing was moved.\n"
    assert _run(shop, "migrate", *urls) == (1, refusal)
    assert shop.redis.llen("shop:queue:celery") == 1


def test_a_key_of_another_program_is_reported(shop: Shop) -> None:
    shop.redis.config_set("appendonly", "yes")
    shop.redis.set("shop:counters", "7")
    found = "shop:counters: another program uses this key (string); set global_keyprefix\n"
    assert _run(shop, "doctor") == (1, found)


@pytest.mark.parametrize(
    ("words", "broker", "sentence"),
    [
        ("doctor", "claims+redis://127.0.0.1:1", "The broker can't be reached: .*refused.*"),
        ("metrics", "claims+redis://127.0.0.1:1", "The broker can't be reached: .*refused.*"),
        ("metrics", "claims+redis://127.0.0.1:1/abc", r"The database .* must be .*'abc'\."),
        ("metrics", "redis://127.0.0.1:1", "broker_url: not a URL of this broker.*"),
        ("web", "redis://127.0.0.1:1", "The broker_url of the app .* does not begin .*"),
        ("migrate claims+foo://h redis://h", "redis://", r"The scheme \S+foo:// is .* Use one .*"),
        ("migrate foo://h redis://h", "redis://", ".*No such transport: foo.*"),
    ],
)
def test_an_unusable_broker_is_reported(shop: Shop, words: str, broker: str, sentence: str) -> None:
    environment = {**shop.environment, "BROKER": broker}
    ended = run_python(*_command(*words.split()), cwd=shop.folder, **environment)
    assert ended.returncode == 1
    assert re.fullmatch(f"{sentence}\n", ended.stderr), ended.stderr


def test_a_command_that_redis_refuses_is_one_sentence(shop: Shop) -> None:
    ended = run_python(*_command("metrics"), cwd=shop.folder, **_as_user(shop, "+@all", "-evalsha"))
    assert ended.returncode == 1
    assert re.fullmatch("Redis refuses: .*evalsha.*\n", ended.stderr), ended.stderr


def test_an_app_that_does_not_exist_is_one_sentence(shop: Shop) -> None:
    words = ["-m", "demo_app.broker", "metrics", "-A", "nowhere"]
    ended = run_python(*words, cwd=shop.folder, **shop.environment)
    assert ended.returncode == 2
    assert "there is no Celery app 'nowhere' in this folder" in ended.stderr


def _as_user(shop: Shop, *rules: str) -> dict[str, str]:
    shop.redis.execute_command("ACL", "SETUSER", "packer", "on", ">secret", "~*", "&*", *rules)
    url = shop.broker(shop.port).replace("://", "://packer:secret@")
    return {**shop.environment, "BROKER": url}


def _refused(shop: Shop, environment: dict[str, str]) -> list[str]:
    found = []
    for command in (_command("doctor"), ["worker.py", "--pool", "solo"]):
        ended = run_python(*command, cwd=shop.folder, **environment)
        assert ended.returncode == 1
        found.append(ended.stdout + ended.stderr)
        assert "Traceback" not in found[-1]
    return found


def test_a_user_without_a_needed_command_is_refused(shop: Shop) -> None:
    for output in _refused(shop, _as_user(shop, "+@all", "-@dangerous")):
        assert "does not let the user 'packer' do what the broker needs: INFO." in output
        assert "the keys shop:* and the commands DEL, EXISTS" in output


def test_a_cluster_is_refused(shop: Shop) -> None:
    with cluster() as server:
        for output in _refused(shop, {**shop.environment, "BROKER": shop.broker(server.port)}):
            assert "This Redis is a cluster" in output


def test_the_rights_in_the_manual_are_enough(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    manual = (REPOSITORY / "notebooks/reference/production.md").read_text()
    rules = re.findall(r"ACL SETUSER shop on >password ([^`]*)", manual)[0].split()
    allowed = _as_user(shop, *rules)
    monkeypatch.setattr(Shop, "environment", property(lambda _: allowed))
    assert _run(shop, "doctor") == (0, "Nothing is unsafe.\n")
    shop.start_worker()
    shop.order("vase")
    shop.until(lambda: shop.times("ended")["vase"], "its end")
    assert "NOPERM" not in (shop.folder / "worker-1.log").read_text()
