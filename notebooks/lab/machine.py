"""`doctor`: the checks of ``python -m demo_app doctor``, in a cell."""

from __future__ import annotations

from demo_app.commands.doctor import results
from lab.show import Table


def doctor() -> Table:
    """One row a check."""
    rows = [(name, "ok" if well else "FAIL", found) for name, found, well in results()]
    return Table(("check", "", "found"), rows)
