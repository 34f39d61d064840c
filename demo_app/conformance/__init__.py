"""The conformance suite: eight promises, each tested on a backend with real processes.

The suite tests any backend::

    from demo_app.conformance import check_backend
    check_backend("my_backend:make", path=("folder",))
"""

from demo_app.conformance.suite import PROMISES, check_backend

__all__ = ["PROMISES", "check_backend"]
