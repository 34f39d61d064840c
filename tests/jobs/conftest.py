from __future__ import annotations

import pytest
from jobs import sample_tasks

from demo_app.backends.inline import InlineBackend
from demo_app.jobs import backend as backends


@pytest.fixture(autouse=True)
def heard() -> list[str]:
    sample_tasks.heard.clear()
    return sample_tasks.heard


@pytest.fixture
def inline(monkeypatch) -> InlineBackend:
    backend = InlineBackend()
    monkeypatch.setattr(backends, "started_backend", lambda _: backend)
    return backend
