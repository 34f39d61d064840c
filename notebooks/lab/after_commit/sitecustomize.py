"""Failpoints around SQLite's writes, for an app that a learner wrote.

Python imports a module named sitecustomize when it starts:
https://docs.python.org/3/library/site.html. So a trial can kill the app between a commit that
stored something and the next commit. The trial can also suspend the app right before a statement
that writes.
"""

import os
import re
import sqlite3
from pathlib import Path
from typing import Any

from demo_app.failpoints import Step, hit

_connect = sqlite3.connect
#: While this file exists, `execute` appends each statement to it as one line.
_STATEMENTS = Path(os.environ.get("DEMO_DIR", "."), "statements")
_WRITES = re.compile(r"\s*(insert|update|delete|replace)\b", re.IGNORECASE)


class Connection(sqlite3.Connection):
    """A connection with a failpoint after each commit that stored something."""

    _stored = 0

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or Cursor)

    def execute(self, *arguments: Any) -> Any:
        return self.cursor().execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        return self.cursor().executemany(*arguments)

    def executescript(self, script: str) -> Any:
        return self.cursor().executescript(script)

    def commit(self) -> None:
        super().commit()
        self.pass_step()

    def rollback(self) -> None:
        """Roll back, and do not count the changes as stored."""
        super().rollback()
        self._stored = self.total_changes

    def __exit__(self, kind: Any, *error: Any) -> Any:
        answer = super().__exit__(kind, *error)
        if kind is None:
            self.pass_step()
        self._stored = self.total_changes
        return answer

    def pass_step(self) -> None:
        """Call the failpoint if a commit has stored changes since the last call."""
        if not self.in_transaction and self.total_changes > self._stored:
            self._stored = self.total_changes
            hit(Step.COMMENT_COMMITTED)


class Cursor(sqlite3.Cursor):
    """A cursor with a failpoint after each commit that stored something.

    `execute` has another failpoint before each statement that writes.
    """

    connection: Connection

    def execute(self, *arguments: Any) -> "Cursor":
        if _STATEMENTS.exists():
            with _STATEMENTS.open("a", encoding="utf-8") as lines:
                lines.write(" ".join(arguments[0].split()) + "\n")
        if _WRITES.match(arguments[0]):
            hit(Step.OUTBOX_HANDED_OVER)
        super().execute(*arguments)
        self.connection.pass_step()
        return self

    def executemany(self, *arguments: Any) -> "Cursor":
        super().executemany(*arguments)
        self.connection.pass_step()
        return self

    def executescript(self, script: str) -> "Cursor":
        super().executescript(script)
        self.connection.pass_step()
        return self


def connect(*arguments: Any, **options: Any) -> Any:
    """Connect like `sqlite3.connect`, with `Connection` as the default class."""
    if len(arguments) < 6:  # the sixth argument is the connection's class
        options.setdefault("factory", Connection)
    return _connect(*arguments, **options)


for module in (sqlite3, sqlite3.dbapi2):
    setattr(module, "connect", connect)  # noqa: B010 - mypy refuses an assignment
