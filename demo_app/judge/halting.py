"""The client that an explored queue gets: it sends one command, and halts before the next."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from demo_app.judge.frozen import FrozenRedis
from demo_app.judge.steps import Command, RedisInSteps

#: Commands that wait: here they ask once. With them, the words at their end that say how long.
_WAITING = {"BLPOP": 1, "BRPOP": 1, "BLMOVE": 1, "BRPOPLPUSH": 1, "BZPOPMIN": 1, "BZPOPMAX": 1}
#: Comes before a queue's own script: its keys are the first of the words that it is given.
_KEYS = "local KEYS = {{}} for at = 1, {} do KEYS[at] = table.remove(ARGV, 1) end "


class Halted(BaseException):
    """A call stands still before its next command."""


class HaltingRedis(RedisInSteps):
    """See the module. past: the answers that the running call has got, as JSON; sent: what it sent.

    Raises TypeError for a pipeline with WATCH: what it does depends on more than its answers.
    """

    def __init__(self, server: FrozenRedis) -> None:
        super().__init__(decode_responses=True)
        self._frozen = server
        self.past: list[str] = []
        self.sent: list[str] = []
        self._at, self._left = 0, 0.0

    def begin(self, past: Sequence[str] = (), left: float = float("inf")) -> None:
        """A call is run anew with the answers that it has got. left: commands that it may send."""
        self.past, self.sent = list(past), []
        self._at, self._left = 0, left

    def step(self, commands: Sequence[Command], send: object) -> list[Any]:
        """See the base class; a step that was taken has the answers that it had."""
        self.sent.append("; ".join(" ".join(map(str, words)) for words, _ in commands))
        if self._at == len(self.past):
            if not self._left:
                raise Halted
            self._left -= 1
            self.past.append(json.dumps([self._ask(*words) for words, _ in commands]))
        self._at += 1
        answers = json.loads(self.past[self._at - 1])
        return [
            self._parsed(words, answer, options)
            for (words, options), answer in zip(commands, answers, strict=True)
        ]

    def _ask(self, name: Any, *words: Any) -> Any:
        name = str(name).upper()
        if name == "WATCH":
            raise TypeError("a queue with WATCH can't be explored: use a script, or MULTI alone")
        if name == "EVAL":
            text, keys, *given = words
            return self._frozen.script(_KEYS.format(int(keys)) + text, given)
        if name in _WAITING:
            words = words[: -_WAITING[name]]
            words = words[:1] if name in ("BLPOP", "BRPOP") else words
            name = name[1:]
        return self._frozen.command(name, *words)

    def _parsed(self, words: tuple[Any, ...], answer: Any, options: dict[str, Any]) -> Any:
        """The answer as redis-py gives it."""
        name = str(words[0]).upper()
        if name in ("BLPOP", "BRPOP") and answer is not None:
            return words[1], answer
        options = {key: value for key, value in options.items() if key != "keys"}
        callback = dict(self.response_callbacks).get(name)
        return answer if callback is None or answer is None else callback(answer, **options)

    def register_script(self, script: Any) -> Callable[..., Any]:  # type: ignore[override]
        """See the base class; here it is sent as a text each time."""

        def run(keys: Sequence[Any] = (), args: Sequence[Any] = (), client: Any = self) -> Any:
            return client.eval(script, len(keys), *keys, *args)

        return run
