"""Tests of ``python -m celery_claims`` (here ``demo_app.broker``): doctor, migrate and metrics."""

from __future__ import annotations

import json
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from broker.conftest import OpenShop
from celery_suite.outside import REPOSITORY, Shop, signal_group
from prometheus_client.parser import text_string_to_metric_families
from servers import cluster
from support import run_python

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


def test_metrics_tell_the_length_and_age_of_each_queue_to_prometheus(shop: Shop) -> None:
    shop.order("vase", "jug")
    shop.order("later", sending={"countdown": 600})
    shop.order("other", sending={"queue": "parcels"})
    odd = 'a "b" \\ c\td é'
    shop.order("odd", sending={"queue": odd})
    text = _run(shop, "metrics")[1]
    lengths = next(iter(text_string_to_metric_families(text)))
    assert [one.labels["queue"] for one in lengths.samples] == [odd, "celery", "parcels"]
    assert 'claims_queue_length{queue="celery"} 2\n' in text
    assert 'claims_queue_length{queue="parcels"} 1\n' in text
    assert 'claims_jobs{state="scheduled"} 1\n' in text
    [age] = re.findall(r'claims_queue_age_seconds{queue="celery"} ([\d.]+)', text)
    assert 0 < float(age) < 600


def test_a_terminal_gets_no_control_characters_of_a_queues_name(shop: Shop) -> None:
    name = "x\x1b]0;evil\x07\x9b31m\u202e é"
    shop.order("odd", sending={"queue": name})
    reading, terminal = pty.openpty()
    with open(reading, "rb", buffering=0) as screen, open(terminal, "wb") as stdout:
        command = [sys.executable, *_command("metrics")]
        subprocess.run(command, cwd=shop.folder, env=shop.environment, stdout=stdout, check=True)
        shown = b""
        while b"silent" not in shown:
            shown += screen.read(50_000)
    assert r'{queue="x\x1b]0;evil\x07\x9b31m\u202e é"}' in shown.decode()
    assert f'{{queue="{name}"}}' in _run(shop, "metrics")[1], "a file gets the name as it is"


def test_what_waits_goes_to_another_broker_and_back_eta_and_all(shop: Shop) -> None:
    stock = f"redis://127.0.0.1:{shop.port}/1"
    shop.order("first", "second")
    shop.order("later", sending={"countdown": 600})
    assert _run(shop, "migrate", shop.broker(shop.port), stock)[1] == "Moved 3 jobs.\n"
    assert shop.redis.llen("shop:queue:celery") == shop.redis.zcard("shop:scheduled") == 0
    shop.redis.select(1)
    assert shop.redis.llen("shop:celery") == 3
    shop.redis.select(0)
    assert _run(shop, "migrate", stock, shop.broker(shop.port))[1] == "Moved 3 jobs.\n"
    assert shop.redis.zcard("shop:scheduled") == 1
    shop.start_worker()
    assert not shop.lost(["first", "second"], 60)
    assert "later" not in shop.times("started")


def test_what_kombu_can_not_read_is_left_where_it_is_with_a_sentence(shop: Shop) -> None:
    shop.settings["broker_transport_options"] = {"global_keyprefix": "Läden:"}
    stock = f"redis://127.0.0.1:{shop.port}/1"
    shop.order("first")
    assert _run(shop, "migrate", shop.broker(shop.port), stock)[1] == "Moved 1 job.\n"
    status, output = _run(shop, "migrate", stock, shop.broker(shop.port))
    assert status == 1
    assert output == "The prefix Läden: is not ASCII: kombu cannot find its jobs.\n"
    shop.redis.select(1)
    assert shop.redis.llen("Läden:celery") == 1


def test_migrate_carries_queues_that_the_settings_do_not_name_and_says_what_it_leaves(
    shop: Shop,
) -> None:
    stock = f"redis://127.0.0.1:{shop.port}/1"
    shop.order("vase", sending={"queue": "parcels"})
    shop.order("late", sending={"queue": "letters", "countdown": 600})
    # the list "letters" is empty, since its job is delayed: remove it from the set of known lists,
    # as a rescue removes empty lists if there are more than 100 lists
    shop.redis.srem("shop:lists", "letters")
    shop.order("first")
    assert _run(shop, "migrate", shop.broker(shop.port), stock) == (0, "Moved 3 jobs.\n")
    shop.redis.select(1)
    assert shop.redis.llen("shop:parcels") == shop.redis.llen("shop:celery") == 1
    shop.redis.rpush("shop:parcels", "no message at all")
    shop.redis.hset("shop:unacked", "odd", "nor this")
    status, output = _run(shop, "migrate", stock, shop.broker(shop.port))
    assert (status, output.splitlines()[0]) == (1, "Moved 3 jobs.")
    assert output.count("behind: can't be read (JSONDecodeError") == 1
    assert "Left 2 behind" in output
    assert shop.redis.lrange("shop:parcels", 0, -1) == ["no message at all"]
    shop.redis.select(0)
    assert shop.redis.llen("shop:queue:parcels") == 1


def test_migrate_carries_what_workers_had_taken_that_died(open_shop: OpenShop) -> None:
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


def test_migrate_leaves_a_job_that_begins_while_workers_are_asked_for_their_jobs(
    open_shop: OpenShop,
) -> None:
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


def test_migrate_leaves_a_taken_job_whose_exchange_has_no_queue_any_more(
    open_shop: OpenShop,
) -> None:
    shop = open_shop(transport="stock")
    shop.order("vase")
    taken = json.dumps([json.loads(shop.redis.lpop("celery")), "parcels", "vases"])
    shop.redis.hset("unacked", "tag", taken)
    target = f"claims+redis://127.0.0.1:{shop.port}/1"
    status, output = _run(shop, "migrate", shop.broker(shop.port), target)
    assert shop.redis.hgetall("unacked") == {"tag": taken}
    left = "Left 1 behind: no queue is bound to its exchange.\n"
    assert (status, output) == (1, f"Moved 0 jobs.\n{left}")


def test_migrate_reports_the_jobs_of_a_paused_queue(shop: Shop) -> None:
    stock = f"redis://127.0.0.1:{shop.port}/1"
    shop.order("first")
    shop.order("vase", sending={"queue": "parcels"})
    Queue(shop.redis, Options(global_keyprefix="shop:")).pause_queue("parcels", True)
    status, output = _run(shop, "migrate", shop.broker(shop.port), stock)
    left = "Left 1 behind: still queued, for example because the queue is paused.\n"
    assert (status, output) == (1, f"Moved 1 job.\n{left}")


def test_migrate_moves_the_jobs_of_an_app_that_names_the_transport(shop: Shop) -> None:
    stock = f"redis://127.0.0.1:{shop.port}/1"
    shop.settings["broker_transport"] = "demo_app.broker:Transport"
    shop.order("first")
    assert _run(shop, "migrate", shop.broker(shop.port), stock) == (0, "Moved 1 job.\n")
    shop.redis.select(1)
    assert shop.redis.llen("shop:celery") == 1
    assert _run(shop, "migrate", stock, shop.broker(shop.port)) == (0, "Moved 1 job.\n")


@pytest.mark.parametrize("kind", ["claims+redis", "redis"])
def test_migrate_refuses_to_move_jobs_to_the_broker_that_has_them(shop: Shop, kind: str) -> None:
    shop.order("first")
    urls = [f"{kind}://{host}:{shop.port}/0" for host in ("127.0.0.1", "localhost")]
    status, output = _run(shop, "migrate", *urls)
    assert (status, output) == (1, "Both URLs lead to the same broker. Nothing was moved.\n")
    assert shop.redis.llen("shop:queue:celery") == 1


def test_migrate_reports_dead_jobs_and_the_history_says_what_was_moved(shop: Shop) -> None:
    stock = f"redis://127.0.0.1:{shop.port}/1"
    moved, dead = shop.order("first", "dead")
    shop.redis.lrem("shop:queue:celery", 1, dead)
    shop.redis.zadd("shop:dead", {dead: 1})
    status, output = _run(shop, "migrate", shop.broker(shop.port), stock)
    assert status == 0
    assert "Dead jobs that were not moved: 1." in output
    assert "moved to another broker" in shop.redis.lindex(f"shop:job:{moved}", -1)


def test_a_key_of_another_program_is_reported(shop: Shop) -> None:
    shop.redis.config_set("appendonly", "yes")
    shop.redis.set("shop:counters", "7")
    found = "shop:counters: another program uses this key (string); set global_keyprefix\n"
    assert _run(shop, "doctor") == (1, found)


@pytest.mark.parametrize("command", ["doctor", "metrics"])
def test_a_broker_that_cannot_be_reached_is_one_sentence(shop: Shop, command: str) -> None:
    environment = {**shop.environment, "BROKER": "claims+redis://127.0.0.1:1"}
    ended = run_python(*_command(command), cwd=shop.folder, **environment)
    assert ended.returncode == 1
    assert re.fullmatch("The broker can't be reached: .*refused.*\n", ended.stderr)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("migrate", "claims+foo://h", "redis://h"), r"The scheme claims\+foo:// is unknown\..*"),
        (("metrics",), "The database after the last / must be a number, not 'abc'."),
    ],
)
def test_a_malformed_url_is_one_sentence(shop: Shop, words: tuple[str, ...], sentence: str) -> None:
    environment = {**shop.environment, "BROKER": f"claims+redis://127.0.0.1:{shop.port}/abc"}
    ended = run_python(*_command(*words), cwd=shop.folder, **environment)
    assert ended.returncode == 1
    assert re.fullmatch(f"{sentence}\n", ended.stderr), ended.stderr


def test_a_command_that_redis_refuses_is_one_sentence(shop: Shop) -> None:
    ended = run_python(*_command("metrics"), cwd=shop.folder, **_as_user(shop, "+@all", "-evalsha"))
    assert ended.returncode == 1
    assert re.fullmatch("Redis refuses: .*evalsha.*\n", ended.stderr), ended.stderr


def test_an_app_that_is_not_there_or_not_on_this_broker_is_one_sentence(shop: Shop) -> None:
    words = ["-m", "demo_app.broker", "metrics", "-A", "nowhere"]
    ended = run_python(*words, cwd=shop.folder, **shop.environment)
    assert ended.returncode == 2
    assert "there is no Celery app 'nowhere' in this folder" in ended.stderr
    stock = {**shop.environment, "BROKER": f"redis://127.0.0.1:{shop.port}/1"}
    ended = run_python(*_command("metrics"), cwd=shop.folder, **stock)
    assert ended.stderr.startswith("broker_url: not a URL of this broker")


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


def test_a_user_who_lacks_a_command_is_named_by_the_doctor_and_refused_at_the_start(
    shop: Shop,
) -> None:
    for output in _refused(shop, _as_user(shop, "+@all", "-@dangerous")):
        assert "does not let the user 'packer' do what the broker needs: INFO." in output
        assert "the keys shop:* and the commands DEL, EXISTS" in output


def test_a_cluster_is_refused_by_the_doctor_and_at_the_start_of_a_worker(
    shop: Shop, tmp_path: Path
) -> None:
    with cluster() as server:
        elsewhere = {**shop.environment, "BROKER": shop.broker(server.port)}
        for output in _refused(shop, elsewhere):
            assert "This Redis is a cluster" in output


def test_the_rights_that_the_manual_lists_are_enough(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    manual = (REPOSITORY / "notebooks/reference/production.md").read_text()
    rules = re.findall(r"ACL SETUSER shop on >password ([^`]*)", manual)[0].split()
    allowed = _as_user(shop, *rules)
    monkeypatch.setattr(Shop, "environment", property(lambda _: allowed))
    assert _run(shop, "doctor") == (0, "Nothing is unsafe.\n")
    shop.start_worker()
    shop.order("vase")
    shop.until(lambda: shop.times("ended")["vase"], "its end")
    assert "NOPERM" not in (shop.folder / "worker-1.log").read_text()
