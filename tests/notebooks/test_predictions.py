"""A prediction that is right is never called a surprise."""

from __future__ import annotations

import pytest

from lab import prediction
from lab.prediction import Prediction, predict


def verdict(said: float | str, measured: float | str, unit: str = "") -> str:
    """What the table says about the prediction."""
    (row,) = Prediction("?", said, asked=True, unit=unit).against(measured).rows
    return str(row[-1])


@pytest.mark.parametrize(
    ("said", "measured"),
    [
        ("Nowhere", "nowhere"),
        ("in 'unacked'", "unacked"),
        ("Yes.", "yes"),
        ("the second", "second"),
        ("RQ and Celery", "rq, celery"),
        ("celery, rq", "rq and celery"),
        ("started", "STARTED"),
        (40, 40),
        (2.0, 2.1),
    ],
)
def test_the_same_answer_in_other_words_is_as_predicted(
    said: float | str, measured: float | str
) -> None:
    assert verdict(said, measured) == "as predicted"


@pytest.mark.parametrize(
    ("said", "measured"), [("unacked", "nowhere"), ("celery", "rq and celery"), ("", "yes")]
)
def test_another_answer_is_a_surprise(said: str, measured: str) -> None:
    assert verdict(said, measured) == "a surprise"


def test_a_letter_that_is_not_on_offer_is_not_called_no_letter(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["d", "a"])
    monkeypatch.setattr(prediction, "_ask", lambda prompt: next(answers))
    assert predict("Where?", "there", choices=("here", "there")).said == "here"
    assert "'d' is not one of the letters a, b. Try again." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("0,3", 0.3),
        ("1,5", 1.5),
        ("1,000", 1000),
        ("12,345.5", 12345.5),
        ("0,300", 0.3),
        (".5", 0.5),
        ("１．５秒", 1.5),
        ("3 sec", 3),
        ("about 5", 5),
        ("約５", 5),
        ("~5?", 5),
    ],
)
def test_a_number_is_understood_as_people_type_it(
    typed: str, meant: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction, "_ask", lambda prompt: typed)
    assert predict("How long?", 1.0, "s").said == meant


@pytest.mark.parametrize("typed", ["5-10", "300 ms", "５分", "2 hours?", "1k", "10%", "1/2", "ten"])
def test_what_would_be_another_number_is_asked_for_again(
    typed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter([typed, ""])
    monkeypatch.setattr(prediction, "_ask", lambda prompt: next(answers))
    assert not predict("How long?", 1.0, "seconds").asked
    assert f"'{typed}' is not a number of seconds. Try again." in capsys.readouterr().out


def test_the_first_letter_of_one_choice_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "_ask", lambda prompt: "y")
    assert predict("Is it sent?", "no", choices=("yes", "no")).said == "yes"


def test_how_far_off_still_counts_is_said_before_the_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prediction, "_ask", lambda prompt: "0")
    found = predict("How long?", 2.0, "s", within=0.5)
    assert "at most 0.5 or 25% off" in capsys.readouterr().out
    ((*_, told),) = found.against(0.064).rows
    assert told == "as predicted"


def test_what_is_smaller_than_the_noise_confirms_nothing() -> None:
    ((*_, told),) = Prediction("?", 2.0, asked=True).against(2.0, clear=False).rows
    assert told.startswith("not clear")


def test_a_number_that_is_far_off_is_a_surprise() -> None:
    assert verdict(36, 40, "mails") == "a surprise"
    assert verdict(2.0, 0.01, "seconds") == "a surprise"
