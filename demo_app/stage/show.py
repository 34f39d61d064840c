"""A show: steps that play on the stage, from a file of the folder `shows`.

The file four-minutes.toml explains the fields of a step. `minutes` is the length of the show, for
the speaker's clock.
"""

import operator
import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from demo_app.broker.web.errors import DomainError
from demo_app.shared.language import LANGUAGES
from demo_app.stage.actions import ACTIONS
from demo_app.stage.picture import Picture
from demo_app.stage.twin import TwinPicture

#: The names of the stage's numbers that a step's condition can use.
STATE = (
    *("posted", "waiting", "running", "delivered", "lost"),
    *("workers", "held", "rescued", "redis", "stock", "ours"),
)
_SIGNS = {">=": operator.ge, "<=": operator.le, "=": operator.eq}


def state_of(picture: Picture, twin: TwinPicture | None) -> dict[str, int | str]:
    """Return the numbers of STATE, and the id of the worker that was killed last.

    The numbers are the picture's sums and:

    - `workers`: living workers.
    - `rescued`: rescued jobs of the last killed worker.
    - `redis`: 1 if Redis answers, else 0.
    - `stock`, `ours`: mails that stock Celery and this project have delivered, for the comments
      that both systems got.

    The id has the name `killed`. It is "" if no worker was killed.
    """
    killed = picture.last_kill
    return {
        **picture.sums,
        "workers": sum(worker.alive for worker in picture.workers),
        "rescued": len(killed.rescued) if killed else 0,
        "killed": killed.id if killed else "",
        "redis": int(bool(picture.redis)),
        "stock": len(twin.places["delivered"]) if twin else 0,
        "ours": len(twin.our_places(picture.ids_by_sum)["delivered"]) if twin else 0,
    }


def reached(played: Sequence[Mapping[str, Any]], state: Mapping[str, int | str]) -> list[int]:
    """Return the numbers (from 0) of the steps whose conditions all hold.

    Args:
        played: the steps of the show.
        state: from `state_of`.
    """
    return [n for n, step in enumerate(played) if all(_holds(one, state) for one in step["until"])]


def _holds(condition: str, state: Mapping[str, int | str]) -> bool:
    name, sign, number = condition.split()
    return bool(_SIGNS[sign](state[name], int(number)))


def _condition(text: str) -> str:
    if re.fullmatch(rf"({'|'.join(STATE)}) (>=|<=|=) \d+", text) is None:
        why = "is not a condition such as `held >= 4`. Known names"
        raise ValueError(f"{text!r} {why}: {', '.join(STATE)}")
    return text


def _in_each_language(words: dict[str, str]) -> dict[str, str]:
    if words and set(words) != set(LANGUAGES):
        languages = ", ".join(LANGUAGES)
        raise ValueError(f"the languages are {', '.join(words)}, but must be {languages}")
    return words


Words = Annotated[dict[str, str], AfterValidator(_in_each_language)]


class Step(BaseModel):
    """One step of a show. The file four-minutes.toml explains its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    say: Words = Field(default_factory=dict)
    ask: Words = Field(default_factory=dict)
    do: tuple[Literal[tuple(ACTIONS)], ...] = ()  # type: ignore[valid-type]
    until: tuple[Annotated[str, AfterValidator(_condition)], ...] = ()
    hold: bool = True
    view: Literal["", "look", "split", "vote"] = ""
    command: str = ""
    note: Words = Field(default_factory=dict)

    def in_language(self, language: str) -> dict[str, Any]:
        words = (self.ask or self.say).get(language, "")
        plain = self.model_dump(include={"do", "until", "hold", "view", "command"})
        note = self.note.get(language, "")
        return {**plain, "words": words, "asks": bool(self.ask), "note": note}


class Show(BaseModel):
    """A show. pydantic's ValidationError names the step that is not valid."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    minutes: int = Field(gt=0)
    step: tuple[Step, ...]


@cache
def shows() -> dict[str, Show]:
    found = (files("demo_app.stage") / "shows").iterdir()
    return {
        file.name.removesuffix(".toml"): Show(**tomllib.loads(file.read_text("utf-8")))
        for file in found
        if file.name.endswith(".toml")
    }


def show_named(name: str) -> Show:
    if name not in shows():
        raise DomainError(404, "no_show", name=name, known=", ".join(sorted(shows())))
    return shows()[name]


def steps(name: str, language: str) -> list[dict[str, Any]]:
    """Return the steps of a show in one language.

    Raises:
        DomainError: the show does not exist.
    """
    return [step.in_language(language) for step in show_named(name).step]
