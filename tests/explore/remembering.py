"""The explorer's server: it remembers what a script did upon a content, and does what many states
want in one round trip."""

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

#: A script upon a content: the content, the script, its words.
Asked = tuple[Any, ...]
#: Answers that are remembered: a script's are told by the content that it met.
_REMEMBERED = 50_000


class Wanted(BaseException):
    """What a script does is not known yet; asked: see `RememberingRedis.ask`."""

    def __init__(self, asked: Asked) -> None:
        super().__init__()
        self.asked = asked


class RememberingRedis(FrozenRedis):
    """See the module.

    reads_all: whether its content is taken out with each answer, as long as there is little of it.
    later: whether a script whose doing is not known raises Wanted, to be asked with many others.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reads_all, self.later = True, False
        self.memory: dict[Asked, tuple[Any, Content]] = {}

    def read(self, key: str) -> Sequence[str]:
        """All that one key has; see `Content`."""
        if self.reads_all or self._stale:  # what the server has may be of another state
            return next((parts for name, _, parts in self.save() if name == key), ())
        one = SAVE.replace("redis.call('KEYS', '*')", "ARGV")
        ((*found,),) = self._send([("EVAL", one, 0, key)])
        return found[0][2] if found else ()

    def has(self, key: str) -> bool:
        """Whether there is such a key."""
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
        """Run these scripts, each upon its own content, in one round trip, and remember what they
        did: a script's doing is told by its text, its words and the content that it met."""
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
        """Whether another script does what this one did, each time that it was run."""
        known, new = map(with_clock, (text, other))
        met = [asked for asked in self.memory if asked[1] == known]
        for first in range(0, len(met), 100):
            batch = {asked: (asked[0], new, *asked[2:]) for asked in met[first : first + 100]}
            self.ask(list(batch.values()))
            if any(repr(self.memory[was]) != repr(self.memory[now]) for was, now in batch.items()):
                return False
        return True
