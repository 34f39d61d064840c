"""The blog on several hosts, of which one after the other is gone without a word."""

from __future__ import annotations

import subprocess

import pytest
from stack.hosts import probe
from stack.network import Network
from support import needs


def test_every_accepted_comment_is_mailed_and_seen_once_whichever_host_is_gone() -> None:
    needs("ip")
    try:
        with Network() as network:
            network.host("try")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this takes the right to make network namespaces: {error.stderr.decode()}")
    accepted, shown = probe()
    assert len(accepted) > 20, "or nothing was tried"
    assert sorted(set(accepted) - set(shown)) == []
    assert len(shown) == len(set(shown))
