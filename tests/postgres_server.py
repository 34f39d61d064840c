"""A PostgreSQL server for tests."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from glob import glob
from pathlib import Path
from typing import Any

from demo_app.rig.polling import poll
from demo_app.rig.process import send_to_all
from demo_app.rig.process_group import ProcessGroup

#: The superuser, and the port in the name of the server's socket.
USER, PORT = "judge", 5432
#: Debian's folders for the programs of PostgreSQL, which are not on the PATH.
_ALSO = glob("/usr/lib/postgresql/*/bin")


def programs() -> tuple[str, str] | None:
    """Return the paths of initdb and of the server, or None if PostgreSQL is not installed."""
    path = os.pathsep.join([os.environ.get("PATH", ""), *_ALSO])
    initdb, server = (shutil.which(name, path=path) for name in ("initdb", "postgres"))
    return None if initdb is None or server is None else (initdb, server)


class PostgresServer:
    """A PostgreSQL server with new databases in the folder of its process group. Call `start`."""

    def __init__(self, group: ProcessGroup) -> None:
        found = programs()
        assert found is not None, "PostgreSQL is not installed"
        initdb, self._program = found
        self._group, self._user = group, _another_user()
        self._folder = Path(tempfile.mkdtemp(dir=group.folder))
        secret, password = secrets.token_hex(16), self._folder / "password"
        password.write_text(secret)
        self.url = f"postgresql://{USER}:{secret}@/postgres?host={self._folder}&port={PORT}"
        if self._user:
            for path in (self._folder, password):
                shutil.chown(path, self._user["user"], self._user["group"])
        options = ["-A", "scram-sha-256", f"--pwfile={password}", "-U", USER, "-E", "UTF8", "-N"]
        subprocess.run(
            [initdb, *options, "-D", f"{self._folder}/data"],
            check=True, capture_output=True, cwd="/", **self._user,
        )  # fmt: skip
        self._server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Kill the server if it runs, start it, and wait until it accepts connections.

        Raises TimeoutError after a minute.
        """
        self.kill()
        options = ["-k", str(self._folder), "-p", str(PORT), "-c", "listen_addresses="]
        for _ in poll(60.0):
            if self.answers():
                return
            # it exits if a process of the killed server still uses shared memory: start it again
            if self._server is None or self._server.poll() is not None:
                self._server = self._group.start(
                    [self._program, "-D", f"{self._folder}/data", *options],
                    cwd="/", **self._user,
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )  # fmt: skip
        raise TimeoutError("PostgreSQL does not start.")

    def kill(self) -> None:
        if self._server is not None:
            send_to_all(self._server.pid, signal.SIGKILL)
            self._server.wait()

    def answers(self) -> bool:
        import psycopg

        with suppress(psycopg.OperationalError):
            psycopg.connect(self.url, connect_timeout=5).close()
            return True
        return False


def _another_user() -> dict[str, Any]:
    """Return Popen's options to start a program as the user `postgres`, or {} if this process is
    not root (PostgreSQL refuses to run as root). Raises KeyError if there is no such user."""
    if os.geteuid() != 0:
        return {}
    found = pwd.getpwnam("postgres")
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
