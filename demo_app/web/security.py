"""Access to the web app: the paths in GUARDED need the token; all others are open to everyone."""

from demo_app.broker.web.guard import PageGuard

COOKIE = "demo_token"
GUARDED = ("/jobs", "/stage", "/inbox", "/api/jobs", "/api/events", "/metrics", "/openapi.json")


class BlogGuard(PageGuard):
    """A guard that requires the token only for paths that begin with a path in GUARDED."""

    def needs_token(self, path: str) -> bool:
        return path.startswith(GUARDED)
