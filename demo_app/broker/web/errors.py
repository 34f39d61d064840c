"""Errors for a reader: a sentence instead of a traceback.

A browser receives a page in the reader's language; a program receives `{"detail": …}` in English.
"""

import logging

import redis
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..events import State
from .shared.headers import path_in_app
from .shared.language import Translations
from .templates import pages_of, render, sentences_for

log = logging.getLogger(__name__)

#: Statuses of the errors that the framework and the guard raise. Each has a translated sentence.
_BY_STATUS = (400, 401, 403, 404, 405, 413, 415)


class DomainError(HTTPException):
    """The error of a request that can't be fulfilled.

    It is an HTTPException, since FastAPI replaces other errors that are raised while it reads a
    body.

    Attributes:
        why: the key of the error's sentence in the translations, without the prefix "error.".
    """

    def __init__(
        self, status: int, why: str, headers: dict[str, str] | None = None, **values: object
    ) -> None:
        self.why, self._values = why, values
        super().__init__(status, why, headers)

    def sentence(self, t: Translations) -> str:
        values = {
            name: t(f"state.{value}") if isinstance(value, State) else value
            for name, value in self._values.items()
        }
        return t(f"error.{self.why}", **values)


def error_response(request: Request, error: HTTPException) -> Response:
    code = error.status_code
    if not isinstance(error, DomainError) and code in _BY_STATUS:
        error = DomainError(code, str(code), dict(error.headers or {}))
    api, sentence = _is_api(request), str(error.detail)
    if isinstance(error, DomainError):
        english = pages_of(request).translations("en")
        sentence = error.sentence(english if api else sentences_for(request))
    if api or "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": sentence}, code, error.headers)
    answer = render(request, "error.html", status=code, code=code, sentence=sentence)
    answer.headers.update(error.headers or {})
    return answer


def add_handlers(app: FastAPI) -> None:
    app.add_exception_handler(HTTPException, error_response)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(redis.RedisError, _no_redis)
    app.add_middleware(ServerErrorMiddleware, handler=unexpected)  # the log has the traceback


def _is_api(request: Request) -> bool:
    return path_in_app(request.scope).startswith("/api/")


def unexpected(request: Request, _: Exception) -> Response:
    return error_response(request, DomainError(500, "unexpected"))


def _no_redis(request: Request, error: Exception) -> Response:
    if isinstance(error, redis.ResponseError):  # a broken disk, or a bug in a script
        log.error("Redis refused a command", exc_info=error)
    return error_response(request, DomainError(503, "redis", {"retry-after": "1"}))


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    wrong_address = any(one["loc"][0] == "path" for one in error.errors())
    if wrong_address and not _is_api(request):
        return error_response(request, DomainError(404, "404"))
    problems = [
        f"{'.'.join(str(part) for part in one['loc'][1:]) or 'the request'}: {one['msg']}"
        for one in error.errors()
    ]
    return error_response(request, DomainError(422, "invalid", problems="; ".join(problems)))
