"""Fixtures of the lessons' tests."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest


@pytest.fixture(scope="module")
def lab() -> Iterator[Any]:
    """Yield a lab without workers."""
    from lab.running import Lab  # slow to import

    with closing(Lab(workers=0)) as lab:
        yield lab
