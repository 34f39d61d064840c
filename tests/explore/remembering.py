"""The explorer's server. It caches the results of scripts, and runs many scripts in one round
trip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from explore.frozen import (
    SAVE,
    Content,
    FrozenRedis,
    Words,
    content_of,
    loading_of,
    raised,
    with_clock,
)

#: A run of a script: Redis's content before the run, the script, its arguments.
Asked = tuple[Any, ...]
#: Maximum number of cached results. A result depends only on the script, its arguments and the
#: content.
_REMEMBERED = 50_000


class Wanted(BaseException):
    """Raised if a script's result is not stored yet.

    Attributes:
        asked: the run of the script whose result is missing.
    """

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked


class RememberingRedis(FrozenRedis):
    """The server of an exploration, which stores the results of scripts.

    Attributes:
        reads_all: True to read the server's content after each script, and store it with the
            result; False to run every script, and store nothing.
        later: True to raise Wanted instead of running a script whose result is not stored, so that
            the caller can run many scripts in one round trip. Has no effect without reads_all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reads_all, self.later = True, False
        self.memory: dict[Asked, tuple[Any, Content]] = {}

    def read(self, key: str) -> Sequence[str]:
        if self.reads_all or self._stale:  # the server may have the content of another state
            return next((parts for name, _, parts in self.save() if name == key), ())
        one = SAVE.replace("redis.call('KEYS', '*')", "ARGV")
        ((*found,),) = self._send([("EVAL", one, 0, key)])
        return found[0][2] if found else ()

    def has(self, key: str) -> bool:
        return bool(self.read(key) if self.reads_all or self._stale else self.client.exists(key))

    def _eval(self, words: Words) -> Any:
        if not self.reads_all:
            return super()._eval(words)
        asked: Asked = (self.save(), *words)
        if asked not in self.memory:
            if self.later:
                raise Wanted(asked)
            self.ask([asked])
        answer, content = self.memory[asked]
        self.load(content)
        return raised(answer)

    def ask(self, runs: Sequence[Asked]) -> None:
        """Run these scripts, each on its own content, in one round trip, and store the results."""
        if len(self.memory) > _REMEMBERED:
            self.memory.clear()
        commands: list[tuple[Any, ...]] = []
        for content, *words in runs:
            commands += [loading_of(content), ("EVAL", *words), ("EVAL", SAVE, 0)]
        answers = self._send(commands)
        self._stale = True
        for asked, answer, content in zip(runs, answers[1::3], answers[2::3], strict=True):
            self.memory[asked] = answer, content_of(content)

    def does_the_same(self, text: str, other: str) -> bool:
        """Return True if `other` has the same result as `text` in each stored run of `text`."""
        known, new = map(with_clock, (text, other))
        met = [asked for asked in self.memory if asked[1] == known]
        for first in range(0, len(met), 100):
            batch = {asked: (asked[0], new, *asked[2:]) for asked in met[first : first + 100]}
            self.ask(list(batch.values()))
            if any(repr(self.memory[was]) != repr(self.memory[now]) for was, now in batch.items()):
                return False
        return True
