import pytest

from demo_app.backends.inline import InlineBackend
from demo_app.jobs import backend as backends


@pytest.fixture
def inline(monkeypatch) -> InlineBackend:
    backend = InlineBackend()
    monkeypatch.setattr(backends, "started_backend", lambda _: backend)
    return backend
