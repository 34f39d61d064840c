"""Import the large libraries completely: an import interrupted halfway leaves a broken library."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from lab import progress as progress
from lab.uninterruptible import uninterruptible

for _name in (
    "IPython.display",
    "demo_app.backends.celery",
    "demo_app.stack.client",
    "demo_app.verification.demo.picture",
    "matplotlib.backends.backend_svg",
    "psutil",
):
    uninterruptible(partial(import_module, _name))
