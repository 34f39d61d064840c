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
_LONG = 1_000_000


class Names:
    """The texts of jobs, by what the story calls them, such as ``job-1``.

    odd: one is empty, one is long, one is a number, the others are full of odd signs.
    """

    def __init__(self, odd: bool = False) -> None:
        self._odd = odd
        self.texts: dict[str, str] = {}
        #: What the story calls them, by their texts, and by the token in each.
        self.tokens: dict[bytes, str] = {}
        self.labels: dict[str, str] = {}

    def of(self, labels: Sequence[str]) -> tuple[str, ...]:
        """The texts of these jobs; several that are new are never in the order of the alphabet."""
        new = [label for label in dict.fromkeys(labels) if label not in self.texts]
        texts = [self._text(number) for number, _ in enumerate(new, len(self.texts))]
        while len(texts) > 2 and sorted(texts) in (texts, texts[::-1]):
            random.shuffle(texts)
        self.texts.update(zip(new, texts, strict=True))
        for label in new:
            for token in TOKEN.findall(self.texts[label].encode()):
                self.tokens[token] = label
        self.labels = {text: label for label, text in self.texts.items()}
        return tuple(self.texts[label] for label in labels)

    @property
    def longest(self) -> int:
        """Bytes that a text may have, as it is written."""
        return _LONG + 1_000 if self._odd else 100

    def told(self, words: str) -> str:
        """The words, with the jobs as the story calls them."""
        for token in TOKEN.findall(words.encode()):
            label = self.tokens.get(token, "")
            if label:
                words = words.replace(self.texts[label], label.partition(":")[0])
        return words

    def _text(self, number: int) -> str:
        unique = f"q{secrets.token_hex(4)}z"
        if not self._odd:
            return unique
        if number < 2:
            return (unique.ljust(_LONG, "x") + "y") * number
        if number == 2:
            return f"7{secrets.randbelow(10**12):012}.10"
        return f"{_ODD}{unique}" if number % 2 else f"{unique}{_ODD}"


#: In each text but the empty one there is one of these, by which it is found.
TOKEN = re.compile(rb"q[0-9a-f]{8}z|7[0-9]{12}\.10")


def spellings(text: str) -> set[str]:
    """How the text may be written where a job is kept: as it is, in JSON, in Python; an empty one
    only in quotes, since nothing else of it can be found in another text."""
    if not text:
        return {'""', "''"}
    return {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1],
            repr(text)[1:-1]}  # fmt: skip
