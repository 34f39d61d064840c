"""A reader's language, and sentences in Japanese, by the English ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

LANGUAGES = {"en": "English", "ja": "日本語"}
LANGUAGE_COOKIE = "lang"


@cache
def japanese(package: str = "local_smtp.web") -> dict[str, str]:
    """The Japanese sentences of a package, by the English ones."""
    found: dict[str, str] = json.loads((files(package) / "japanese.json").read_text("utf-8"))
    return found


def language_of(headers: Headers, asked: str = "") -> str:
    """What is asked for, else what was chosen before, here or in the app (which has the same
    cookie), else what the browser prefers."""
    wanted = [asked, cookie_parser(headers.get("cookie", "")).get(LANGUAGE_COOKIE, "")]
    wanted += [part.strip()[:2].lower() for part in headers.get("accept-language", "").split(",")]
    return next((language for language in wanted if language in LANGUAGES), "en")


def words_in(language: str, package: str = "local_smtp.web") -> Callable[[str], str]:
    """What translates an English text; one without a translation stays as it is."""
    return (lambda text: japanese(package).get(text, text)) if language == "ja" else str
