"""The disk answers with an error (EIO): what is accepted is kept, and its mail comes once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from programs import COMPILER, needs
from support import client_of, refuses_writes, until

from chaos.ledger import comments_of
from demo_app.stack import Stack
from demo_app.stack.client import Client

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux' LD_PRELOAD and /proc")


class BrokenDisk:
    """A disk that breaks for a while."""

    def __init__(self, folder: Path) -> None:
        self._told = folder / "broken"
        library = folder / "broken_disk.so"
        source = Path(__file__).with_name("broken_disk.c")
        subprocess.run(
            [needs(COMPILER), "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"],
            check=True,
        )
        self.environment = {"LD_PRELOAD": str(library), "BROKEN_DISK": str(self._told)}

    @contextmanager
    def broken(self, what: str, files: str) -> Iterator[None]:
        """`write` or `sync` fail for files with this in their path."""
        new = self._told.with_suffix(".new")
        new.write_text(f"{what}\n{files}\n")
        new.rename(self._told)
        yield
        self._told.unlink()


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> BrokenDisk:
    return BrokenDisk(tmp_path_factory.mktemp("disk"))


@pytest.fixture(scope="module")
def stack(disk: BrokenDisk) -> Iterator[Stack]:
    with Stack(workers=1, environment=disk.environment) as running:
        yield running


def _all_have_come(client: Client, stack: Stack) -> None:
    comments = len(comments_of(Path(stack.ready["dir"])))
    client.wait_for_mails(comments)
    client.wait_for(lambda now: now["done"] == now["enqueued"] == comments)
    assert client.mail_stats()["distinct"] == comments


@pytest.mark.parametrize("what", ["write", "sync"])
def test_a_comment_that_the_disk_does_not_take_is_refused_and_the_next_one_is_served(
    disk: BrokenDisk, stack: Stack, what: str
) -> None:
    folder = Path(stack.ready["dir"])
    with Client(stack.ready) as client:
        client.comment()
        before = len(comments_of(folder))
        with disk.broken(what, "blog.sqlite3"):
            for _ in range(3):
                with pytest.raises(httpx.HTTPStatusError, match="503"):
                    client.comment()
        assert len(comments_of(folder)) == before
        client.comment()
        _all_have_come(client, stack)


@pytest.mark.parametrize("what", ["write", "sync"])
def test_comments_are_taken_while_the_disk_takes_nothing_from_redis(
    disk: BrokenDisk, stack: Stack, what: str
) -> None:
    server = client_of(stack.ready["redis"])
    with Client(stack.ready) as client:
        with disk.broken(what, "appendonly"):
            until(lambda: refuses_writes(server), what="Redis refusing to write")
            for _ in range(3):
                client.comment()
        _all_have_come(client, stack)
