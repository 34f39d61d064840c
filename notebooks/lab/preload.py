"""Import the large libraries completely: an import interrupted halfway leaves a broken library."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from demo_app.uninterruptible import uninterruptible
from lab import progress as progress

for _name in (
    "IPython.display",
    "demo_app.backends.celery",
    "demo_app.stack.client",
    "demo_app.verification.demo.picture",
    "matplotlib.backends.backend_svg",
    "psutil",
):
    uninterruptible(partial(import_module, _name))
