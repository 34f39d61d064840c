"""The blog on eight hosts: PostgreSQL, Redis, its replica, Sentinel, mail, web and two workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import redis
from postgres_server import USER, Cluster, PostgresServer
from programs import POSTGRES, needs
from servers import watches
from stack.network import Host, Network, network
from support import until

from demo_app.judge.leash import Leash, send_to_all
from demo_app.stack.redis_server import binary

TOKEN = "eight-hosts-one-token"
REDIS, SENTINEL, SMTP, INBOX, WEB = 6379, 26379, 2525, 8025, 8000
#: What lets all hosts in, by pg_hba.conf.
_FOR_ALL = "host all all 198.18.0.0/15 scram-sha-256\n"


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

    def start_postgres(self) -> None:
        """On its own host, for the others with a password."""
        server, host = self.postgres, self.hosts["data"]
        assert server is not None
        rules = server.data / "pg_hba.conf"
        if _FOR_ALL not in rules.read_text():
            with rules.open("a") as file:
                file.write(_FOR_ALL)
        program = needs(POSTGRES)
        user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
        where = ["-k", str(server.data.parent), "-c", f"listen_addresses={host.address}"]
        self.database = host.run([*user, program, "-D", str(server.data), *where])
        until(lambda: server.ask(lambda _: True), 60.0, "PostgreSQL")

    def replace_postgres(self) -> None:
        """Kill it, put its cable in again, and start it anew."""
        assert self.database is not None
        send_to_all(self.database.pid, signal.SIGKILL)
        self.database.wait()
        self.hosts["data"].repair()
        self.start_postgres()

    def leads_to(self, name: str) -> bool:
        """Whether Sentinel says that the primary Redis is on this host."""
        where = (self.hosts["watch"].address, SENTINEL)
        with redis.Redis(*where, decode_responses=True) as client:
            return bool(client.sentinel_master("books")["ip"] == self.hosts[name].address)


@contextmanager
def running(without: str = "") -> Iterator[Blog]:
    """The blog on its hosts, without these safeguards; all of it ends after."""
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="hosts-")))
        blog = Blog(ends.enter_context(network()))
        for name in ("data", "redis1", "redis2", "watch", "mail", "web", "worker1", "worker2"):
            blog.hosts[name] = blog.network.host(name)
        leash = Leash()
        ends.callback(leash.end)
        blog.postgres = Cluster(leash).server(leash.new_folder())
        blog.start_postgres()
        _start_redis(blog, folder)
        blog.environment = {**_environment(blog, folder), "DEMO_WITHOUT": without}
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
    assert blog.postgres is not None
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("DEMO_")},
        "DEMO_DIR": str(folder),
        "DEMO_DATABASE_URL": f"postgresql://{USER}:{blog.postgres.password}@{address['data']}/postgres",
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
    of_itself = f"bind {watch.address}\nprotected-mode no\n"
    settings.write_text(of_itself + watches(one.address, REDIS))
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
