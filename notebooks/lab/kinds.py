"""The tests of the exercises, and functions that create common tests from answers and hints."""

from collections.abc import Callable, Iterable
from types import EllipsisType
from typing import Any

from lab.language import normalise, translate

Hint = str | EllipsisType | None
Test = Callable[..., Hint]
#: The test of every exercise, by the exercise's number, such as "2.1".
TESTS: dict[str, Test] = {}


def exercise(name: str) -> Callable[[Test], Test]:
    """Register the decorated function as the test of an exercise.

    The test receives the answer, and also the lab if the cell passes one. The test returns None if
    the answer is right, `...` if the answer does nothing yet, and otherwise a hint: an English
    sentence, or a translated one with values.
    """

    def register(test: Test) -> Test:
        TESTS[name] = test
        return test

    return register


def set_test(right: Iterable[str], wrong: Iterable[str], too_much: str, too_little: str) -> Test:
    """Return the test of an exercise whose answer is a set of words.

    Args:
        wrong: the other words from which a learner can choose.
        too_much: the hint for a wrong word. The word replaces the hint's ``{}``.
        too_little: the hint for a missing word.
    """
    expected, others = {*right}, {*wrong}

    def test(answer: Any) -> Hint:
        if not isinstance(answer, set):
            return "give a set of words, as in {...}."
        if unknown := answer - expected - others:
            text = "{word!r} is not one of the words. Copy them as they are."
            return translate(text, word=min(unknown, key=str))
        if extra := answer & others:
            return translate(too_much).format(repr(_called(min(extra))))
        return None if answer == expected else too_little

    return test


def dict_test(right: dict[str, str], hint: str) -> Test:
    """Return the test of an exercise whose answer is a dict with a word for each name.

    Args:
        right: the right word for each name.
        hint: the hint for a wrong answer. The first name with a wrong word replaces the hint's
            ``{}``.
    """

    def test(answer: Any) -> Hint:
        if not isinstance(answer, dict):
            return "keep the braces and the names, and put a word in place of each `...`."
        words = sorted(set(right.values()))
        if answer.keys() != right.keys() or not set(answer.values()) <= set(words):
            one_of = translate(", ").join(repr(_called(word)) for word in words)
            return translate("give one of {words} for each of the {n}.", words=one_of, n=len(right))
        wrong = [name for name in right if answer[name] != right[name]]
        return translate(hint).format(wrong[0]) if wrong else None

    return test


def _called(word: str) -> str:
    """Return the word in the lesson's language. Keep `no`, a value of Redis's `appendfsync`."""
    return word if word == "no" else translate(word)


def word(right: str, otherwise: str, hints: dict[str, str] | None = None) -> Test:
    """Return the test of an exercise whose answer is one word or number.

    Args:
        hints: the hints by wrong answer.
        otherwise: the hint for any other wrong answer.
    """
    hint_for = {wrong.casefold(): hint for wrong, hint in (hints or {}).items()}

    def test(answer: Any) -> str | None:
        given = normalise(str(answer)).removesuffix(".0")  # 4.0 is right for 4
        return None if given == right.casefold() else hint_for.get(given, otherwise)

    return test
