"""The module that notebooks import: a running system, pictures, predictions and checks.

Each name is loaded at its first use. So the web app and the workers, which import `lab.jobs`, do
not load the libraries that draw pictures.
"""

from functools import partial
from importlib import import_module

_WHERE = {
    "Lab": "running",
    "LabError": "show",
    "Table": "show",
    "check": "checks",
    "doctor": "checks",
    "mystery": "cases",
    "predict": "prediction",
    "predictions": "prediction",
    "seen": "show",
    "side_by_side": "ledger",
    "solutions": "checks",
}
__all__ = list(_WHERE)
#: Modules that every lesson needs, loaded early so that no later cell has to wait for them.
_LARGE = (
    "IPython.display",
    "demo_app.backends.celery",
    "demo_app.stack.client",
    "demo_app.demo.picture",
    "matplotlib.backends.backend_svg",
    "psutil",
)


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'lab' has no attribute {name!r}")
    from demo_app.rig.uninterruptible import uninterruptible

    for module in (*_LARGE, f"lab.{_WHERE[name]}"):
        # an interrupt could leave a library half imported
        loaded = uninterruptible(partial(import_module, module))
    found: object = getattr(loaded, name)
    globals()[name] = found
    return found
