"""PostgreSQL as a server of one's own, for a trial or a test."""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable
from glob import glob
from pathlib import Path
from typing import Any

from demo_app.judge.leash import Leash, send_to_all
from demo_app.judge.names import spellings
from demo_app.judge.proxy import Streams
from demo_app.judge.role import Role
from demo_app.judge.server import DOWN, Server
from demo_app.judge.target import CannotJudge
from demo_app.looks import looks

#: Its superuser, and the port that names its socket.
USER, PORT = "judge", 5432
#: Where Debian keeps what is not on the PATH.
_ALSO = glob("/usr/lib/postgresql/*/bin")
_SEARCH = """SELECT EXISTS (SELECT 1 FROM {} AS found, unnest(%s::text[]) AS wanted
WHERE strpos(to_jsonb(found)::text, wanted) > 0)"""


def url(role: Role) -> str:
    """The server of a role, through its cable; the password is in PGPASSWORD."""
    return f"postgresql://{USER}@/postgres?host={Path(role.address).parent}&port={PORT}"


def programs() -> tuple[str, str]:
    """Its initdb and its server. Raises CannotJudge when it is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *_ALSO])
    initdb, server = (shutil.which(name, path=path) for name in ("initdb", "postgres"))
    if initdb is None or server is None:
        raise CannotJudge("There is no PostgreSQL here.")
    return initdb, server


class Cluster:
    """A cluster, of which each trial gets a copy. schema: what is in it. Raises CannotJudge."""

    def __init__(self, leash: Leash, schema: str = "") -> None:
        initdb, self._program = programs()
        try:  # it refuses to run as root
            self._user = _another_user()
            import psycopg  # noqa: F401
        except (KeyError, ImportError) as error:
            raise CannotJudge(f"PostgreSQL can't be used here: {error}.") from error
        self._folder = leash.new_folder()
        self.password = secrets.token_hex(16)
        password = self._folder / "password"
        password.write_text(self.password)
        self._own(self._folder)
        options = ["-A", "scram-sha-256", f"--pwfile={password}", "-U", USER, "-E", "UTF8", "-N"]
        subprocess.run(
            [initdb, *options, "-D", f"{self._folder}/data"],
            check=True, capture_output=True, cwd="/", **self._user,
        )  # fmt: skip
        self._leash = leash
        if schema:
            server = PostgresServer(self._program, self._folder, self._user, leash)
            server.start()
            server.ask(lambda connection: connection.execute(schema))
            server.kill()

    def server(self, folder: Path) -> PostgresServer:
        """A server on a copy, which is in the folder."""
        shutil.copytree(
            self._folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".s.*")
        )
        self._own(folder)
        return PostgresServer(self._program, folder, self._user, self._leash)

    def _own(self, folder: Path) -> None:
        if self._user:
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, self._user["user"], self._user["group"])


class PostgresServer(Server):
    """See `Server`. folder: with its data."""

    socket_name = f".s.PGSQL.{PORT}"

    def __init__(self, program: str, folder: Path, user: dict[str, Any], leash: Leash) -> None:
        self._program, self._folder, self._user, self._leash = program, folder, user, leash
        #: Through its socket; its data are in the folder `data` beside.
        self.password = (folder / "password").read_text()
        self.url = f"postgresql://{USER}:{self.password}@/postgres?host={folder}&port={PORT}"
        self.data = folder / "data"
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """See `Server`. Raises CannotJudge when it does not answer."""
        self.kill()
        for _ in looks(60.0):
            if self.ask(lambda _: True):
                return
            # it ends at once while a process of the one before still has the shared memory
            if self._server is None or self._server.poll() is not None:
                self._server = self._launched()
        raise CannotJudge("PostgreSQL does not start.")

    def _launched(self) -> subprocess.Popen[bytes]:
        options = ["-k", str(self._folder), "-p", str(PORT), "-c", "listen_addresses="]
        return self._leash.start(
            [self._program, "-D", str(self.data), *options],
            cwd="/", **self._user,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self) -> None:
        """See `Server`."""
        if self._server is not None:
            send_to_all(self._server.pid, signal.SIGKILL)
            self._server.wait()

    async def connect(self) -> Streams:
        """See `Server`."""
        return await asyncio.open_unix_connection(self._folder / self.socket_name)

    def where(self, text: str) -> tuple[list[str], float | None]:
        """See `Server`."""

        def search(connection: Any) -> list[str]:
            names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            tables = [name for (name,) in connection.execute(names)]
            found = ([*spellings(text)],)
            return [t for t in tables if connection.execute(_SEARCH.format(t), found).fetchone()[0]]

        found = self.ask(search)
        return DOWN if found is None else found, None

    def ask(self, question: Callable[[Any], Any]) -> Any:
        """The answer to a question over a connection; None when the server does not answer."""
        import psycopg

        try:
            with psycopg.connect(self.url, connect_timeout=5) as connection:
                return question(connection)
        except psycopg.OperationalError:
            return None


def _another_user() -> dict[str, Any]:
    """As whom it runs: it refuses to be root, and gets none of root's groups. Raises KeyError."""
    if os.geteuid() != 0:
        return {}
    found = pwd.getpwnam("postgres")
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
