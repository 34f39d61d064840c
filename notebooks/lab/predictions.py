"""`predict`: say what you expect before you look; then see both side by side."""

from __future__ import annotations

import re
from dataclasses import dataclass

from IPython.core.error import StdinNotImplementedError

from lab.show import Table

Value = int | float | str
#: Words that don't change what an answer means.
_SMALL_WORDS = {"a", "an", "and", "the", "in", "is", "it", "on", "s"}


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was expected, kept until it is measured."""

    question: str
    said: Value
    asked: bool
    unit: str = ""

    def __repr__(self) -> str:
        who = "You said" if self.asked else "Skipped. A common guess is"
        return f"{who}: {self._tell(self.said)}."

    def against(self, measured: Value) -> Table:
        """The prediction beside the measurement."""
        who = "you said" if self.asked else "a common guess"
        row = (self.question, self._tell(self.said), self._tell(measured), self._verdict(measured))
        return Table(("question", who, "measured", ""), [row])

    def _tell(self, value: Value) -> str:
        number = str(value)
        if isinstance(value, float):
            number = f"{value:,.0f}" if abs(value) >= 100 else f"{round(value, 3):.3g}"
        unit = self.unit
        if number == "1":
            unit = re.sub("(ie)?s$", lambda many: "y" if many[1] else "", unit)
        return f"{number} {unit}".strip()

    def _verdict(self, measured: Value) -> str:
        if isinstance(measured, str) or isinstance(self.said, str):
            same = _words(str(measured)) == _words(str(self.said))
            return "as predicted" if same else "a surprise"
        gap = measured - self.said
        near = 0.25 * abs(measured) if isinstance(measured, float) else 0
        if abs(gap) <= near:
            return "as predicted"
        number, _, unit = self._tell(abs(gap)).partition(" ")
        if isinstance(measured, int) and unit:  # something that can be counted
            return f"{number} {'more' if gap > 0 else 'fewer'} {unit} than predicted"
        return f"{number} {unit}".strip() + f" {'more' if gap > 0 else 'less'} than predicted"


def _words(answer: str) -> set[str]:
    """The words that count, so that "RQ and Celery." is "celery, rq"."""
    return set(re.findall(r"\w+", answer.casefold())) - _SMALL_WORDS


def predict(question: str, default: Value, unit: str = "") -> Prediction:
    """Ask for a prediction. Enter alone, or a run without a person, takes the default.

    default: a common guess; its type is the answer's type. An answer of another type is asked for
    again.
    """
    hint = "a number" if isinstance(default, int | float) else "a word or two"
    while True:
        try:
            answer = input(f"{question}  Your guess ({hint}, or Enter to skip): ").strip()
        except (StdinNotImplementedError, EOFError, OSError):
            return Prediction(question, default, asked=False, unit=unit)
        if not answer:
            return Prediction(question, default, asked=False, unit=unit)
        if isinstance(default, str):
            return Prediction(question, answer, asked=True, unit=unit)
        try:
            said = float(answer.replace(",", ""))
        except ValueError:
            print(f"{answer!r} is not a number. Try again.")
            continue
        return Prediction(question, int(said) if said.is_integer() else said, True, unit)
