"""Errors as a reader should see them: one sentence, what to do, and no traceback."""

from __future__ import annotations

import sqlite3

import redis
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from demo_app.web.templates import render
from demo_app.web.words import language_of, words


class Refused(Exception):
    """Something that can't be taken; `status` is HTTP's, `why` one of the words "refused.…"."""

    def __init__(self, status: int, why: str, **values: object) -> None:
        super().__init__(words("en")(f"refused.{why}", **values))
        self.status = status
        self._key, self._values = f"refused.{why}", values

    def sentence(self, language: str) -> str:
        """What is wrong, in the reader's language."""
        return words(language)(self._key, **self._values)


def add_handlers(app: FastAPI) -> None:
    """Answer every error of the app."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(redis.ConnectionError, no_redis)
    app.add_exception_handler(redis.TimeoutError, no_redis)
    app.add_exception_handler(sqlite3.OperationalError, _no_database)


def problem(
    request: Request, status: int, sentence: str, headers: dict[str, str] | None = None
) -> Response:
    """The error as a page for a browser, as JSON for a program."""
    if not _wants_page(request):
        return JSONResponse({"detail": sentence}, status, headers)
    page = render(request, "problem.html", status=status, code=status, sentence=sentence)
    page.headers.update(headers or {})
    return page


def _wants_page(request: Request) -> bool:
    path = request.scope["path"]
    return "text/html" in request.headers.get("accept", "") and not path.startswith("/api/")


def no_redis(request: Request, _: Exception) -> Response:
    """Redis is away: a page that comes back by itself when Redis does."""
    if request.scope["path"].startswith("/api/"):
        sentence = "Redis can't be reached. Comments are taken all the same."
        return problem(request, 503, sentence, {"retry-after": "1"})
    sentence = words(language_of(request))("problem.redis")
    return problem(request, 503, sentence, {"retry-after": "1"})


def _no_database(request: Request, error: Exception) -> Response:
    sentence = f"The database can't be written ({error}). Nothing was stored; try again later."
    return problem(request, 503, sentence, {"retry-after": "10"})


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return refused(request, error, {"retry-after": "10"} if error.status == 429 else None)


def refused(request: Request, error: Refused, headers: dict[str, str] | None = None) -> Response:
    """The answer to what can't be taken, in the reader's language; a program's is English."""
    sentence = error.sentence(language_of(request)) if _wants_page(request) else str(error)
    return problem(request, error.status, sentence, headers)


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = str(error.detail)
    if error.status_code == 404 and sentence == "Not Found":
        sentence = words(language_of(request))("problem.missing")
    return problem(request, error.status_code, sentence, dict(error.headers or {}))


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong_address = any(one["loc"][0] == "path" for one in error.errors())
    if wrong_address and _wants_page(request):
        return problem(request, 404, words(language_of(request))("problem.missing"))
    problems = [
        f"{'.'.join(str(part) for part in one['loc'][1:]) or 'the request'}: {one['msg']}"
        for one in error.errors()
    ]
    return problem(request, 422, "; ".join(problems))


def unexpected(request: Request) -> Response:
    """A bug: the log has the traceback, the reader does not."""
    return problem(request, 500, words(language_of(request))("problem.unexpected"))
