"""pytest fixtures for mail tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from local_smtp.sink import MailSink


@pytest.fixture
def mail_sink(tmp_path: Path) -> Iterator["MailSink"]:
    """Yield a mail sink that only this test uses.

    Send to `mail_sink.smtp`, wait with `mail_sink.wait_for(count)`, read with
    `mail_sink.message(mail)`, and make it misbehave with `mail_sink.faults.put([...])`.
    """
    # imported here, since pytest loads this module even if no test uses the fixture
    from local_smtp.settings import Settings
    from local_smtp.sink import MailSink

    own = Settings(host="127.0.0.1", smtp_port=0, inbox_port=0, dir=tmp_path / "mail-sink")
    with MailSink(own) as sink:
        yield sink
