"""The conformance suite: what a backend promises is tested to hold, what it doesn't promise is
tested to be refused. It can be held to any backend, and knows nothing of those that are shipped::

    from demo_app.verification.conformance import check_backend
    check_backend("my_backend:make", path=("folder",))
"""

from demo_app.verification.conformance.promises import PROMISES, Promise
from demo_app.verification.conformance.rig import Broken, Rig, Subject
from demo_app.verification.conformance.suite import Finding, Rigs, check_backend, findings

__all__ = [
    "PROMISES",
    "Broken",
    "Finding",
    "Promise",
    "Rig",
    "Rigs",
    "Subject",
    "check_backend",
    "findings",
]
