"""The blog on several hosts, of which one after the other is gone without a word."""

from __future__ import annotations

import pytest
from programs import NETWORK_SPACES, needs
from stack.hosts import CUTS, probe

pytestmark = pytest.mark.thorough


def test_every_accepted_comment_is_mailed_and_seen_once_whichever_host_is_gone() -> None:
    needs(NETWORK_SPACES)
    result = probe()
    assert len(result.accepted) > 50, "or nothing was tried"
    assert result.missing == 0
    assert result.twice == 0
    refused = {cut.host: gone.refused for cut, gone in zip(CUTS, result.gone, strict=True)}
    assert not any(refused[cut.host] for cut in CUTS if not cut.refuses)
