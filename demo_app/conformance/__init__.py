"""The conformance suite: eight promises, each tried on a backend with real processes.

It takes any backend, and knows nothing of those that are shipped::

    from demo_app.conformance import check_backend
    check_backend("my_backend:make", path=("folder",))
"""

from demo_app.conformance.suite import PROMISES, check_backend

__all__ = ["PROMISES", "check_backend"]
