"""Tests that the Flower of a lesson shows nothing to other users of the machine."""

from __future__ import annotations

from contextlib import closing

import httpx

from lab.flower import Flower
from lab.running import Lab


def test_flower_shows_its_metrics_only_to_who_knows_its_address() -> None:
    with closing(Lab(transport="stock", workers=0)) as lab:
        flower = Flower(lab)
        lab.celery("-E")
        lab.until(flower.workers, "Flower")
        outside = flower.url.rpartition("/")[0]
        for path in ("/", "/metrics", "/healthcheck", "/api/tasks", "/api/workers"):
            assert httpx.get(f"{outside}{path}").status_code == 404, path
        assert httpx.get(f"{flower.url}/api/tasks").status_code == 401
