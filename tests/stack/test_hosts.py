"""The blog on several hosts, of which one after the other is gone without a word."""

from __future__ import annotations

import subprocess

import pytest
from stack.hosts import CUTS, probe
from stack.network import Network
from support import needs


def test_every_accepted_comment_is_mailed_and_seen_once_whichever_host_is_gone() -> None:
    needs("ip")
    try:
        with Network() as network:
            network.host("try")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"this takes the right to make network namespaces: {error.stderr.decode()}")
    result = probe()
    assert len(result.accepted) > 50, "or nothing was tried"
    assert result.missing == 0
    assert result.twice == 0
    refused = {cut.host: gone.refused for cut, gone in zip(CUTS, result.gone, strict=True)}
    assert not any(refused[cut.host] for cut in CUTS if not cut.refuses)
