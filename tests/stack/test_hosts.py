"""The blog on several hosts, of which one after the other is gone without a word."""

from __future__ import annotations

import os
import subprocess

import pytest
from stack.hosts import probe


def _makes_hosts() -> bool:
    try:
        made = subprocess.run(["ip", "netns", "add", f"try-{os.getpid()}"], capture_output=True)
        subprocess.run(["ip", "netns", "del", f"try-{os.getpid()}"], capture_output=True)
    except FileNotFoundError:
        return False
    return made.returncode == 0


@pytest.mark.skipif(not _makes_hosts(), reason="this takes root, and network namespaces")
def test_every_accepted_comment_is_mailed_and_seen_once_whichever_host_is_gone() -> None:
    accepted, shown = probe()
    assert len(accepted) > 20, "or nothing was tried"
    assert sorted(set(accepted) - set(shown)) == []
    assert len(shown) == len(set(shown))
