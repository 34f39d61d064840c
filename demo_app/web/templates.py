"""Pages from templates that escape whatever is put into them."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

_pages = Environment(
    loader=PackageLoader("demo_app.web", "pages"), autoescape=True, undefined=StrictUndefined
)


def render(request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """The page of that name, filled in."""
    page = _pages.get_template(name).render(request=request, **values)
    return HTMLResponse(page, status_code=status)
