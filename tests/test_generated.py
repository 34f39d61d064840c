"""What README and the reference say of the code is what the code says."""

from __future__ import annotations

import pytest
from generated import TABLES, WALK, rewritten, walk


@pytest.mark.parametrize("name", TABLES)
def test_the_table_is_up_to_date(name: str) -> None:
    path, _ = TABLES[name]
    assert path.read_text("utf-8") == rewritten(name), "run `python tests/generated.py`"


def test_the_walk_is_short_enough_for_an_evening() -> None:
    assert len(WALK) <= 20
    last = walk().splitlines()[-1]
    assert int("".join(filter(str.isdigit, last.rpartition("files")[2]))) <= 1_800
