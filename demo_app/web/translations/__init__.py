"""Every sentence of the pages, in English and Japanese: one JSON file a language."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from starlette.requests import Request

from local_smtp.web import words


class Translations:
    """The sentences of one language; ``t("blog.count", n=3)``."""

    def __init__(self, language: str) -> None:
        path = files("demo_app.web.translations") / f"{language}.json"
        self.all: dict[str, str] = json.loads(path.read_text("utf-8"))

    def __call__(self, key: str, **values: object) -> str:
        """The sentence of that key, filled in; that of `key.one`, if there is one, for `n` of 1.

        Raises KeyError for an unknown key.
        """
        if str(values.get("n")) == "1" and self.has(f"{key}.one"):
            key = f"{key}.one"
        return self.all[key].format(**values) if values else self.all[key]

    def has(self, key: str) -> bool:
        """Whether there is a sentence of that key."""
        return key in self.all


@cache
def translations(language: str) -> Translations:
    """The sentences of a language."""
    return Translations(language)


def language_of(request: Request) -> str:
    """What the address asks for, else what was chosen before, else what the browser prefers."""
    return words.language_of(request.headers, request.query_params.get("lang", ""))
