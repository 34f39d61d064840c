"""A pool that the broker does not run with is refused by its name."""

from __future__ import annotations

from pathlib import Path

import pytest
from celery_suite.outside import Shop


@pytest.mark.parametrize("pool", ["gevent", "eventlet"])
def test_a_pool_of_green_threads_is_refused_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pool: str
) -> None:
    """A pool of that name in place of the real one, which needs a library of its own."""
    monkeypatch.setenv("CELERY_CUSTOM_WORKER_POOL", f"pools.{pool}:TaskPool")
    shop = Shop(tmp_path / "shop", "claims", pool="custom")
    (shop.folder / "pools").mkdir()
    code = "from celery.concurrency.solo import TaskPool as Solo\n\nclass TaskPool(Solo): pass\n"
    (shop.folder / "pools" / f"{pool}.py").write_text(code)
    try:
        with pytest.raises(TimeoutError, match=f"prefork, threads and solo, not with {pool}"):
            shop.start_worker()
        assert shop.workers[0].returncode == 1
    finally:
        shop.close()
