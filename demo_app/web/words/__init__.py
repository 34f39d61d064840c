"""Every word of the pages, in English and Japanese: one JSON file a language."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from starlette.requests import Request

LANGUAGES = {"en": "English", "ja": "日本語"}
COOKIE = "lang"


class Words:
    """The words of one language; ``t("jobs.title", n=3)``."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.all: dict[str, str] = json.loads(
            (files("demo_app.web.words") / f"{language}.json").read_text("utf-8")
        )

    def __call__(self, key: str, **values: object) -> str:
        """The words of that key, filled in; of `key.one`, if there is such, for an `n` of 1.

        Raises KeyError for a key that there is not.
        """
        if str(values.get("n")) == "1":
            key = f"{key}.one" if self.has(f"{key}.one") else key
        return self.all[key].format(**values) if values else self.all[key]

    def has(self, key: str) -> bool:
        """Whether there are words of that key."""
        return key in self.all


@cache
def words(language: str) -> Words:
    """The words of a language."""
    return Words(language)


def language_of(request: Request) -> str:
    """What the address asks for, else what was chosen before, else what the browser prefers."""
    offered = [request.query_params.get("lang", ""), request.cookies.get(COOKIE, "")]
    accepted = request.headers.get("accept-language", "")
    offered += [part.partition(";")[0].strip()[:2].lower() for part in accepted.split(",")]
    return next((language for language in offered if language in LANGUAGES), "en")
