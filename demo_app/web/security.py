"""Access to the web app: the blog is open to every reader, and the rest needs the token."""

from __future__ import annotations

from demo_app.broker.web.guard import PageGuard

COOKIE = "demo_token"
GUARDED = ("/jobs", "/stage", "/inbox", "/api/jobs", "/api/events", "/metrics", "/openapi.json")


class BlogGuard(PageGuard):
    """A guard that asks for the token only where jobs are shown or changed."""

    def needs_token(self, path: str) -> bool:
        """Return True for all that shows jobs or changes them."""
        return path.startswith(GUARDED)
