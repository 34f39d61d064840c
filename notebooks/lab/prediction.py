"""Predictions. `predict` asks for a prediction; `Prediction.against` compares it with a result."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from string import ascii_lowercase

from IPython.core.error import StdinNotImplementedError

from lab.findings import FINDINGS
from lab.language import normalise, translate
from lab.progress import Progress
from lab.show import Table

Value = int | float | str
#: Words that don't change the meaning of an answer.
_SMALL_WORDS = {"a", "an", "and", "the", "in", "is", "it", "on", "s"}
#: A number with or without a unit, except units that would change its value.
_NUMBER = re.compile(
    r"(?:about|around|~|約)?\s*([-+]?(?:\d[\d,]*(?:\.\d*)?|[.,]\d+))\s*"
    r"(?!(?:ms|milli\w*|min\w*|h|hours?|k|ミリ秒|分|時間)\b)[^\W\d]*[?]?"
)
#: A number with commas between thousands; any other comma is a decimal comma.
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
_RIGHT = "as predicted"
_NOT_CLEAR = "not clear"
#: Largest relative error with which a predicted time or rate is "as predicted".
_SHARE = 0.25
KEPT: dict[str, "Prediction"] = {}  # every prediction of this kernel, by question


@dataclass(slots=True)
class Prediction:
    """A prediction and, later, its measurement."""

    question: str
    guess: Value
    answered: bool
    unit: str = ""
    within: float = 0.0
    measured: Value | None = None
    clear: bool = True

    def __repr__(self) -> str:
        text = "You said: {guess}." if self.answered else "Skipped. A common guess is: {guess}."
        return translate(text, guess=self._tell(self.guess))

    def against(self, measured: Value, *, clear: bool = True) -> Table:
        """Store the measurement. Return a table with prediction, measurement and finding.

        Args:
            clear: True if the effect is larger than the noise of this run. An unclear measurement,
                or one that does not show the lesson's finding, gets no verdict.
        """
        finding = FINDINGS.get(self.question)
        self.measured = measured
        self.clear = clear and (finding is None or finding.is_shown_by(measured))
        below = ""
        if finding and self.clear:
            below = translate("Seen: {what}", what=translate(finding.sentence))
        elif not self.clear:
            below = translate("Not seen: this machine was too busy. Run this section again.")
        who = "you said" if self.answered else "a common guess"
        return Table(("question", who, "measured", ""), [self.row()], below=below)

    def row(self) -> tuple[str, str, str, str]:
        """Return question, prediction, measurement and verdict. The last two may be empty."""
        question, guess = translate(self.question), self._tell(self.guess)
        if self.measured is None:
            return question, guess, "", ""
        verdict = self._verdict(self.measured) if self.clear else translate(_NOT_CLEAR)
        return question, guess, self._tell(self.measured), verdict

    def _tell(self, value: Value) -> str:
        number = translate(str(value))
        if isinstance(value, float):
            number = f"{value:,.0f}" if abs(value) >= 100 else f"{round(value, 3):.3g}"
        unit = translate(self.unit)
        if number == "1":
            unit = re.sub("(ie)?s$", lambda many: "y" if many[1] else "", unit)
        return f"{number} {unit}".strip()

    def _verdict(self, measured: Value) -> str:
        if isinstance(measured, str) or isinstance(self.guess, str):
            right = _same(str(measured)) == _same(str(self.guess))
        else:
            far = max(self.within, _SHARE * abs(measured) * isinstance(measured, float))
            right = abs(measured - self.guess) <= far
        return translate(_RIGHT if right else "a surprise")


def _same(answer: str) -> frozenset[str]:
    """Return the set of words except `_SMALL_WORDS`: "RQ and Celery." equals "celery, rq"."""
    return frozenset(re.findall(r"\w+", normalise(answer))) - _SMALL_WORDS


def predict(
    question: str,
    common: Value,
    unit: str = "",
    *,
    choices: Sequence[str] = (),
    within: float = 0.0,
) -> Prediction:
    """Ask the learner for a prediction, and store it in `KEPT`.

    The question is repeated until the answer is a number or one of the choices.

    Args:
        question: the question in English.
        common: the guess if the learner only presses Enter, or if no input is possible.
        choices: the possible answers, each with a letter; () for a number.
        within: the largest difference between prediction and measurement that counts "as
            predicted". For a measured float, a relative error up to `_SHARE` counts too.
    """
    letters = dict(zip(ascii_lowercase, choices, strict=False))
    offer = "".join(f"\n  {letter}) {translate(choice)}" for letter, choice in letters.items())
    one_of = translate(", ").join(letters)
    hint = translate("one of the letters {letters}" if letters else "a number of {unit}",
               letters=one_of, unit=translate(unit))  # fmt: skip
    guess: Value | None = None
    with Progress(""), suppress(StdinNotImplementedError, EOFError, OSError):
        print(f"{translate(question)}{offer}{_margin(common, within)}")
        prompt = translate("Your guess ({hint}, or Enter to skip): ", hint=hint)
        while guess is None and (answer := input(prompt).strip()):
            if (guess := _understood(answer, letters)) is None:
                print(translate("{answer!r} is not {hint}. Try again.", answer=answer, hint=hint))
    value = common if guess is None else guess
    found = Prediction(question, value, guess is not None, unit, within)
    KEPT.pop(question, None)
    KEPT[question] = found
    return found


def _margin(common: Value, within: float) -> str:
    """Return the accepted deviation as text; "" for words and for exact counts."""
    parts = [f"{within:g}"] if within else []
    if isinstance(common, float):
        parts.append(translate("{share:.0%}", share=_SHARE))
    far = translate(" or ").join(parts)
    return translate(" (Up to {far} off counts as predicted.)", far=far) if parts else ""


def predictions() -> Table:
    rows, predicted, right = [], 0, 0
    for one in KEPT.values():
        question, guess, measured, verdict = one.row()
        predicted += one.answered
        right += one.answered and verdict == translate(_RIGHT)
        if not one.answered:
            guess = translate("skipped ({guess})", guess=guess)
        rows.append((question, guess, measured, verdict))
    counted = "{right} of {predicted} as predicted" if predicted else "No prediction was made."
    counted = translate(counted, right=right, predicted=predicted)
    return Table(("question", "you said", "measured", ""), rows, counted)


def _understood(answer: str, letters: dict[str, str]) -> Value | None:
    """Return the value of a typed answer; None if it is neither a number nor a choice."""
    if letters:
        typed = normalise(answer)
        words = {
            word: choice for choice in letters.values() for word in (choice, translate(choice))
        }
        known = {_same(word): choice for word, choice in words.items()}
        begun = {choice for word, choice in words.items() if normalise(word).startswith(typed)}
        only = begun.pop() if len(begun) == 1 else None  # an abbreviation, such as "y"
        return letters.get(typed, known.get(_same(answer), only))
    if not (found := _NUMBER.fullmatch(normalise(answer))):
        return None
    try:
        number = float(found[1].replace(",", "" if _THOUSANDS.fullmatch(found[1]) else "."))
    except ValueError:  # such as 1,2,3
        return None
    return int(number) if number.is_integer() else number
