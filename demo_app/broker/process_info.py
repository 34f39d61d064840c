"""What a worker says of its process, for those who look on."""

from __future__ import annotations

import os
import platform
import socket
import time
from importlib.metadata import version


def process_info() -> dict[str, object]:
    """pid, host, the versions of Python and Celery, and since when (epoch seconds)."""
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "celery": version("celery"),
        "since": time.time(),
    }
