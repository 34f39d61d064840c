"""What the jobs of a trial are called: nobody can guess it, and some names are hard to handle."""

from __future__ import annotations

import json
import random
import re
import secrets
import string
from collections.abc import Sequence

#: Every sign of the keyboard, letters of other alphabets, some of which Unicode writes in two ways,
#: and what formats use as a separator.
_ODD = (
    f" {string.printable.strip()} ü ß 漢字 🙂 e\u0301 ﬁ ① {{}}%s $1 \\n "
    "'' \"\" -- ;; :: .. // ,, || * ? [a] "
)
#: In each text there is one of these, by which it is found.
_TOKEN = re.compile("q[0-9a-f]{8}z")


class Names:
    """The texts of jobs, by what the story calls them, such as ``job-1``.

    odd: they are full of odd signs, and differ only at their ends.
    """

    def __init__(self, odd: bool = False) -> None:
        self._odd = odd
        self.texts: dict[str, str] = {}
        #: What the story calls them, by their texts, and by the token in each.
        self.tokens: dict[str, str] = {}
        self.labels: dict[str, str] = {}

    def of(self, labels: Sequence[str]) -> tuple[str, ...]:
        """The texts of these jobs; several that are new are never in the order of the alphabet."""
        new = [label for label in dict.fromkeys(labels) if label not in self.texts]
        tokens = [f"q{secrets.token_hex(4)}z" for _ in new]
        texts = [self._text(number, one) for number, one in enumerate(tokens, len(self.texts))]
        while len(texts) > 2 and sorted(texts) in (texts, texts[::-1]):
            random.shuffle(texts)
        self.texts.update(zip(new, texts, strict=True))
        for label in new:
            self.tokens[_TOKEN.findall(self.texts[label])[0]] = label
        self.labels = {text: label for label, text in self.texts.items()}
        return tuple(self.texts[label] for label in labels)

    def told(self, words: str) -> str:
        """The words, with the jobs as the story calls them."""
        for token in _TOKEN.findall(words):
            if label := self.tokens.get(token, ""):
                words = words.replace(self.texts[label], label.partition(":")[0])
        return words

    def _text(self, number: int, token: str) -> str:
        if not self._odd:
            return token
        return f"{_ODD}{token}" if number % 2 else f"{token}{_ODD}"


def spellings(text: str) -> set[str]:
    """How the text may be written where a job is kept: as it is, in JSON, in Python."""
    return {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1],
            repr(text)[1:-1]}  # fmt: skip
