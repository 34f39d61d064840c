"""What this program is called in a job's history: who put the job in."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path


@cache
def program() -> str:
    """``web`` for ``python -m demo_app.web``, else the name of the module or file that runs."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is None:
        return Path(getattr(main, "__file__", None) or "python").stem
    return str(spec.name).removesuffix(".__main__").rpartition(".")[2]
