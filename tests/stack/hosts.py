"""The blog on eight hosts, of which one after the other is gone: ``python -m stack.hosts``, in
``tests``.

Each host is a network namespace of its own (ip-netns(8)): it takes Linux, and root. A host is gone
when its cable is cut: nobody is told, and connections stay half-open. That is worse than a kill.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import redis
from stack.network import Host, Network
from support import until

from demo_app.stack.client import Client
from demo_app.stack.redis_server import binary
from demo_app.verification.chaos.ledger import mails_of
from demo_app.verification.judge.leash import Leash, send_to_all
from demo_app.verification.judge.postgres import USER, Cluster, PostgresServer, programs

TOKEN = "eight-hosts-one-token"
PASSWORD = "secret"
REDIS, SENTINEL, SMTP, INBOX, WEB = 6379, 26379, 2525, 8025, 8000
#: Milliseconds without an answer after which Sentinel calls the primary dead.
SILENT_MS = 1000
#: What lets all hosts in, by pg_hba.conf.
_FOR_ALL = "host all all 198.18.0.0/15 scram-sha-256\n"
#: Seconds between two comments.
PACE = 0.1


@dataclass(frozen=True)
class Gone:
    """A host that was gone. back: seconds from then until a comment made after it, and all before
    it, had their mails; sentinel: of these, until Sentinel led to another Redis (0 when it was not
    asked to)."""

    host: str
    back: float
    sentinel: float


@dataclass
class Blog:
    """What runs on the hosts. ready: where it is, as `up --json` prints it."""

    network: Network
    hosts: dict[str, Host] = field(default_factory=dict)
    postgres: PostgresServer | None = None
    database: subprocess.Popen[bytes] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def ready(self) -> dict[str, str]:
        """For `Client`."""
        return {
            "web": f"http://{self.hosts['web'].address}:{WEB}",
            "inbox": f"http://{self.hosts['mail'].address}:{INBOX}",
            "redis": self.environment["DEMO_REDIS_URL"],
            "token": TOKEN,
        }


class Reader:
    """Posts comments until it is told to stop; each with a key, so that it may ask again."""

    def __init__(self, ready: dict[str, str]) -> None:
        self._client = Client(ready, patience=5.0)
        #: The job of each comment that was accepted.
        self.accepted: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> list[str]:
        """Returns the jobs of all comments that were accepted."""
        self._stop.set()
        self._thread.join()
        self._client.close()
        return self.accepted

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(PACE):
            with suppress(httpx.HTTPError):  # asked again with the same key
                self.accepted.append(self._client.comment(key=f"reader-{number:08}")["job_id"])
                number += 1


def probe(told: Callable[[Gone], None] = lambda _: None) -> tuple[list[str], list[str]]:
    """The jobs of the accepted comments, and those of the mails that are shown.

    A worker's host, the database's and that of Redis' primary are gone, one after the other.
    """
    with running() as blog, Client(blog.ready) as client:
        until(lambda: _is_well(client), 60.0, "the blog")
        client.set_faults({"at": "data", "do": "wait", "seconds": 0.5})
        reader = Reader(blog.ready)
        try:
            for name in ("worker1", "data", "redis1"):
                until(lambda: _all_work(client), what="a job at each worker")
                told(_gone(blog, client, reader, name))
        finally:
            accepted = reader.stop()
        with suppress(TimeoutError):  # what is missing then is missing
            client.wait_for_mails(len(accepted), seconds=60.0)
        return accepted, _shown(client)


def _gone(blog: Blog, client: Client, reader: Reader, name: str) -> Gone:
    host, sentinel = blog.hosts[name], 0.0
    host.cut()
    began = time.monotonic()
    if name == "redis1":
        until(lambda: _leads_to(blog, "redis2"), 60.0, "the fail-over")
        sentinel = time.monotonic() - began
    if name == "data":  # nothing can be accepted meanwhile: it comes back, as another process
        assert blog.database is not None
        send_to_all(blog.database.pid, signal.SIGKILL)
        blog.database.wait()
        host.mend()
        _start_postgres(blog)
        began = time.monotonic()
    reader.accepted.append(until(lambda: _comment(client), 60.0, "a comment"))
    wanted = set(reader.accepted)
    until(lambda: wanted <= set(_shown(client)), 60.0, "all mails")
    back = time.monotonic() - began
    host.mend()
    return Gone(name, back, sentinel)


def _comment(client: Client) -> str | None:
    with suppress(httpx.HTTPError):
        return str(client.comment(key="after-the-cut-" + os.urandom(4).hex())["job_id"])
    return None


def _shown(client: Client) -> list[str]:
    return [str(mail["job_id"]) for mail in mails_of(client)]


def _is_well(client: Client) -> bool:
    with suppress(httpx.HTTPError):
        client.mail_stats()
        return len(client.summary()["workers"]) == 2
    return False


def _all_work(client: Client) -> bool:
    return all(one["running"] for one in client.summary()["workers"] if one["alive"])


def _leads_to(blog: Blog, name: str) -> bool:
    with redis.Redis(blog.hosts["watch"].address, SENTINEL, decode_responses=True) as client:
        return bool(client.sentinel_master("books")["ip"] == blog.hosts[name].address)


@contextmanager
def running() -> Iterator[Blog]:
    """The blog on its hosts; all of it ends after."""
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="hosts-")))
        blog = Blog(ends.enter_context(Network()))
        for name in ("data", "redis1", "redis2", "watch", "mail", "web", "worker1", "worker2"):
            blog.hosts[name] = blog.network.host(name)
        leash = Leash()
        ends.callback(leash.end)
        cluster = Cluster(leash)
        ends.callback(cluster.close)
        blog.postgres = cluster.server()
        ends.callback(blog.postgres.end)
        _start_postgres(blog)
        _start_redis(blog, folder)
        blog.environment = _environment(blog, folder)
        python = [sys.executable, "-m"]
        mail, web = blog.hosts["mail"], blog.hosts["web"]
        ports = ["--smtp-port", str(SMTP), "--inbox-port", str(INBOX)]
        where = ["--host", mail.address, "--dir", str(folder / "mail")]
        mail.run([*python, "local_smtp", *where, *ports], blog.environment)
        web.run([*python, "demo_app.web"], blog.environment)
        worker = [*python, "celery", "-A", "demo_app.worker", "worker", "--loglevel", "WARNING"]
        for name in ("worker1", "worker2"):
            blog.hosts[name].run([*worker, "-n", f"{name}@%h"], blog.environment)
        yield blog


def _environment(blog: Blog, folder: Path) -> dict[str, str]:
    address = {name: host.address for name, host in blog.hosts.items()}
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("DEMO_")},
        "DEMO_DIR": str(folder),
        "DEMO_DATABASE_URL": f"postgresql://{USER}:{PASSWORD}@{address['data']}/postgres",
        "DEMO_REDIS_URL": f"sentinel://{address['watch']}:{SENTINEL}/books",
        "DEMO_SMTP_URL": f"smtp://{address['mail']}:{SMTP}",
        "DEMO_INBOX_URL": f"http://{address['mail']}:{INBOX}",
        "DEMO_WEB_HOST": address["web"],
        "DEMO_WEB_PORT": str(WEB),
        "DEMO_PUBLIC_HOSTS": address["web"],
        "DEMO_TOKEN": TOKEN,
        "LOCAL_SMTP_TOKEN": TOKEN,
        "LOCAL_SMTP_ALLOW_HOST": f'["{address["mail"]}"]',
    }


def _start_postgres(blog: Blog) -> None:
    """On its own host, for the others with a password."""
    server, host = blog.postgres, blog.hosts["data"]
    assert server is not None
    rules = server.data / "pg_hba.conf"
    if _FOR_ALL not in rules.read_text():
        server.start()  # as yet without a network
        server.administer(f"ALTER USER {USER} PASSWORD '{PASSWORD}'")
        server.kill()
        with rules.open("a") as file:
            file.write(_FOR_ALL)
    _, program = programs()
    user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
    where = ["-k", str(server.data.parent), "-c", f"listen_addresses={host.address}"]
    blog.database = host.run([*user, program, "-D", str(server.data), *where])
    until(lambda: server.ask(lambda _: True), 60.0, "PostgreSQL")


def _start_redis(blog: Blog, folder: Path) -> None:
    one, two, watch = (blog.hosts[name] for name in ("redis1", "redis2", "watch"))
    for host in (one, two):
        (folder / host.name).mkdir()
        where = ["--bind", host.address, "--port", str(REDIS), "--protected-mode", "no"]
        keeps = ["--dir", str(folder / host.name), "--appendonly", "yes"]
        follows = [] if host is one else ["--replicaof", f"{one.address} {REDIS}"]
        quick = ["--repl-diskless-sync-delay", "0"]
        host.run([binary(), *where, *keeps, *follows, *quick])
    settings = folder / "sentinel.conf"
    settings.write_text(
        f"bind {watch.address}\nprotected-mode no\n"
        f"sentinel monitor books {one.address} {REDIS} 1\n"
        f"sentinel down-after-milliseconds books {SILENT_MS}\n"
        "sentinel failover-timeout books 5000\n"
    )
    until(lambda: _follows(two), what="the replica")
    watch.run([binary(), str(settings), "--sentinel", "--port", str(SENTINEL)])
    until(lambda: _is_watched(watch), 60.0, "Sentinel's look at the replica")


def _follows(host: Host) -> bool:
    with suppress(redis.RedisError), redis.Redis(host.address, REDIS) as client:
        return bool(client.info("replication")["master_link_status"] == "up")
    return False


def _is_watched(host: Host) -> bool:
    with suppress(redis.RedisError), redis.Redis(host.address, SENTINEL) as client:
        return len(client.sentinel_slaves("books")) == 1
    return False


def _print(gone: Gone) -> None:
    of = f" ({gone.sentinel:.1f} s of them Sentinel's)" if gone.sentinel else ""
    print(f"{gone.host} was gone: a mail after {gone.back:.1f} s{of}", flush=True)


if __name__ == "__main__":
    if os.geteuid() or not shutil.which("ip"):
        sys.exit("This takes Linux, root and the program ip: it makes network namespaces.")
    accepted, shown = probe(_print)
    missing, twice = set(accepted) - set(shown), len(shown) - len(set(shown))
    print(f"{len(accepted)} comments accepted: {len(missing)} missing, {twice} shown twice")
    sys.exit(int(bool(missing or twice)))
