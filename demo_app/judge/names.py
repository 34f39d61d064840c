"""Random texts for the jobs of a trial, so that a queue can't guess them."""

import random
import re
import secrets
from collections.abc import Sequence

_TEXT = re.compile("q[0-9a-f]{8}z")


class Names:
    """The names of jobs in the history, such as ``job-1``, and the random text of each job."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        #: Each job's name in the history, by the job's text.
        self.labels: dict[str, str] = {}

    def of(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the texts of the jobs with these names. Create a random text for each new name.

        Three or more new texts are never in ascending or descending order. Otherwise a queue that
        sorts its jobs could pass as first in, first out.
        """
        new = [label for label in dict.fromkeys(labels) if label not in self.texts]
        texts = [f"q{secrets.token_hex(4)}z" for _ in new]
        while len(texts) > 2 and sorted(texts) in (texts, texts[::-1]):
            random.shuffle(texts)
        self.texts.update(zip(new, texts, strict=True))
        self.labels = {text: label for label, text in self.texts.items()}
        return tuple(self.texts[label] for label in labels)

    def readable(self, words: str) -> str:
        """Replace each random text in `words` with the job's name: ``job-1``, not ``job-1:0.5``."""
        return _TEXT.sub(lambda text: self.labels.get(text[0], text[0]).partition(":")[0], words)
