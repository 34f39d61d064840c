"""The roles of a stack: the commands of their processes, and their readiness checks."""

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from demo_app.backends.stock import StockBackend
from demo_app.jobs.backend import Backend, make_backend
from demo_app.rig.process import StackError
from demo_app.rig.reaper import MARKER, ROLE
from demo_app.rig.redis_server import answers as redis_answers
from demo_app.rig.redis_server import command as redis_command
from demo_app.settings import ALL_ADDRESSES, Settings, Transport
from demo_app.stack.folder import Folder
from demo_app.stack.options import Options

ROLES = ("redis", "smtp", "web", "worker")
#: The role of stock Celery's worker, which uses another database of the same Redis.
STOCK = "stock"


@dataclass(frozen=True, slots=True)
class StackPlan:
    """The plan of a stack: its options, its folder, its token and its addresses."""

    options: Options
    folder: Folder
    stack_id: str
    token: str
    redis_url: str
    redis_socket: Path | None
    web_port: int
    inbox_port: int
    smtp_port: int

    @property
    def web_url(self) -> str:
        host = self.options.environment.get("DEMO_WEB_HOST", "")
        # a server that listens on all addresses also answers on this one
        host = "127.0.0.1" if host in ("", *ALL_ADDRESSES) else host
        return f"http://{host}:{self.web_port}"

    @property
    def inbox_url(self) -> str:
        return f"http://127.0.0.1:{self.inbox_port}"

    @property
    def twin_url(self) -> str:
        """The URL of stock Celery's Redis database; "" if stock Celery does not run."""
        return f"{self.redis_url}?virtual_host=1" if self.options.twin else ""

    @property
    def roles(self) -> tuple[str, ...]:
        return (*ROLES, STOCK) if self.options.twin else ROLES

    def backend(self, role: str = "") -> Backend:
        """Return the backend of a role's processes. Raise StackError if it cannot be created."""
        if role == STOCK:
            return StockBackend(Settings(dir=self.folder.path, redis_url=self.twin_url))
        chosen = Settings(
            dir=self.folder.path, redis_url=self.redis_url, transport=self.options.transport
        )
        try:
            return make_backend(self.options.backend, chosen)
        except (ImportError, ValueError) as error:
            raise StackError(f"{error}.") from None

    def environment(self, role: str = "") -> dict[str, str]:
        ours = self.options.as_settings() | {
            "DEMO_DIR": str(self.folder.path),
            "DEMO_REDIS_URL": self.redis_url,
            "DEMO_TWIN_URL": self.twin_url,
            "DEMO_SMTP_URL": f"smtp://127.0.0.1:{self.smtp_port}",
            "DEMO_INBOX_URL": self.inbox_url,
            "DEMO_TOKEN": self.token,
            "LOCAL_SMTP_TOKEN": self.token,
            "LOCAL_SMTP_APP_URL": self.web_url,
            "DEMO_WEB_PORT": str(self.web_port),
            "DEMO_STOP_SECONDS": "3",  # the supervisor waits longer before SIGKILL
            "DEMO_CONTROL": str(self.folder.control),
            MARKER: self.stack_id,
            ROLE: role,
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore",
        }
        if role == STOCK:
            ours |= {"DEMO_TRANSPORT": Transport.STOCK, "DEMO_REDIS_URL": self.twin_url}
        # items() would fail if a lab in another thread deletes a DEMO_ variable meanwhile
        inherited = {key: os.environ[key] for key in os.environ if key[:5] != "DEMO_"}
        return {**inherited, **ours, **self.options.environment}


def command(role: str, plan: StackPlan) -> list[str]:
    python = [sys.executable, "-m"]
    if role == "redis":
        assert plan.redis_socket is not None
        options = plan.options
        return redis_command(
            plan.folder.redis,
            plan.redis_socket,
            persistence=options.persistence,
            appendfsync=options.appendfsync,
        )
    if role == "smtp":
        ports = ["--smtp-port", str(plan.smtp_port), "--inbox-port", str(plan.inbox_port)]
        return [*python, "local_smtp", "--json", "--dir", str(plan.folder.mail), *ports]
    if role == "web":
        return [*python, "demo_app.stage.web"]  # the web app with the stage in it
    words = plan.backend(role).worker_command()
    assert words is not None
    return words


def readiness(role: str, plan: StackPlan, pid: int) -> Callable[[], bool]:
    if role == "redis":
        return lambda: redis_answers(plan.redis_url)
    if role == "smtp":
        # the sink's HTTP server starts after its SMTP server; the request also warms up the sink
        stats = f"{plan.inbox_url}/api/stats"
        return lambda: _http_answers(stats, plan.token)
    if role == "web":
        return lambda: _http_answers(f"{plan.web_url}/healthz")
    backend = plan.backend(role)
    return lambda: backend.worker_ready(pid)


def _http_answers(url: str, token: str = "") -> bool:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    # without proxies: a proxy in the environment can't reach the ports of this machine
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        direct.open(request, timeout=2.0).close()
    except OSError as error:
        return isinstance(error, urllib.error.HTTPError)  # any reply is enough, also 401
    return True
