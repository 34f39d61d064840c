"""Import what is large, whole: an import that is interrupted half-way leaves a broken library."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from lab.shield import shielded

for _name in (
    "IPython.display",
    "demo_app.backends.celery",
    "demo_app.stack.client",
    "demo_app.verification.demo.picture",
    "matplotlib.backends.backend_svg",
    "psutil",
):
    shielded(partial(import_module, _name))
