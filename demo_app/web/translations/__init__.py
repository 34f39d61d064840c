"""Every sentence of the pages, in English and Japanese: one JSON file a language."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

from starlette.requests import Request

from demo_app.shared import language as languages


class Translations(dict[str, str]):
    """The sentences of one language in these packages, by their keys; ``t("blog.count", n=3)``."""

    def __init__(self, language: str, *packages: str) -> None:
        for package in packages:
            path = files(package) / "translations" / f"{language}.json"
            self.update(json.loads(path.read_text("utf-8")))

    def __call__(self, key: str, **values: object) -> str:
        """The sentence of that key, filled in; that of `key.one`, if there is one, for `n` of 1.

        Raises KeyError for an unknown key.
        """
        if str(values.get("n")) == "1" and f"{key}.one" in self:
            key = f"{key}.one"
        return self[key].format(**values) if values else self[key]


_packages = ["demo_app.web"]


def add_sentences(package: str) -> None:
    """Know the sentences in that package's folder `translations` as well."""
    _packages.append(package)
    translations.cache_clear()


@cache
def translations(language: str) -> Translations:
    """The sentences of a language."""
    return Translations(language, *_packages)


def language_of(request: Request) -> str:
    """What the address asks for, else what was chosen before, else what the browser prefers."""
    return languages.language_of(request.headers, request.query_params.get("lang", ""))
