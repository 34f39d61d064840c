"""A reader's language, and the translations of each package."""

import json
from functools import cache
from importlib.resources import files

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

LANGUAGES = {"en": "English", "ja": "日本語"}
LANGUAGE_COOKIE = "lang"
#: The file with a package's translations, by language.
_TABLES = {"en": "english.json", "ja": "japanese.json"}


class Translations(dict[str, str]):
    """The translations of some packages into one language, by key: ``t("blog.count", n=3)``.

    A package whose keys are the English sentences has no english.json.
    """

    def __init__(self, language: str, *packages: str) -> None:
        for package in packages:
            table = files(package) / _TABLES.get(language, "english.json")
            if table.is_file():
                self.update(json.loads(table.read_text("utf-8")))

    def __call__(self, key: str, /, **values: object) -> str:
        """Return the formatted sentence for the key. Without a sentence, format the key itself.

        If `n` is 1, prefer the sentence for `key.one`.
        """
        if str(values.get("n")) == "1" and f"{key}.one" in self:
            key = f"{key}.one"
        sentence = self.get(key, key)
        return sentence.format(**values) if values else sentence


translations = cache(Translations)


def language_of(headers: Headers, requested: str = "") -> str:
    """Return the first supported language of `requested`, the cookie and the browser; else "en".

    The inbox and the web app share the cookie.
    """
    preferred = [requested, cookie_parser(headers.get("cookie", "")).get(LANGUAGE_COOKIE, "")]
    accepted = headers.get("accept-language", "").split(",")
    preferred += [part.strip()[:2].lower() for part in accepted]
    return next((language for language in preferred if language in LANGUAGES), "en")
