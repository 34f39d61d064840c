"""The folder with the data of a stack. Only one stack at a time can use it."""

import secrets
import shutil
import tempfile
from pathlib import Path

from demo_app.rig.polling import poll
from demo_app.rig.process import StackError
from demo_app.rig.reaper import reap
from demo_app.shared.resources import ResourceError, take_directory


class Folder:
    """The folder of one stack.

    Args:
        path: the folder; None creates a temporary folder, which `close` deletes.

    Raises:
        StackError: the folder can't be written, is not private, is a link, or is in use.
    """

    def __init__(self, path: Path | None) -> None:
        self._temporary = path is None
        try:
            named = Path(path or tempfile.mkdtemp(prefix="demo-"))
            self._lock = take_directory(named, "stack")  # must be private: it stores mails
            self.path = named.resolve()
            parts = [self.path / name for name in ("redis", "mail", "logs")]
            self.redis, self.mail, self.logs = parts
            for part in parts:
                part.mkdir(exist_ok=True, mode=0o700)
        except (ResourceError, OSError) as error:
            raise StackError(str(error)) from None
        #: The pipe to the stack's supervisor.
        self.control = self.path / "control"

    def token(self) -> str:
        path = self.path / "token"
        # if the disk was full, the file is empty
        if not (path.exists() and path.read_text().strip()):
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(18))
        return path.read_text().strip()

    def take_over(self, stack_id: str) -> None:
        """Kill processes of the folder's previous stack, and store the id of the new stack.

        Such processes remain if their supervisor and their reaper were both killed. They are found
        by their environment (Linux only).
        """
        owner = self.path / "stack-id"
        if owner.exists():
            reap(owner.read_text())
        owner.write_text(stack_id)

    def close(self) -> None:
        self._lock.close()
        for _ in poll(2.0):  # an ending process may still write a file
            if not self._temporary or not self.path.exists():
                break
            shutil.rmtree(self.path, ignore_errors=True)
