"""Tests of predictions: how a typed answer is read, and which result is called a surprise."""

import re
from collections.abc import Callable

import pytest
from notebooks.lesson import LESSONS, cells, code_cells

from lab.findings import FINDINGS
from lab.prediction import Prediction, predict


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def typed(*answers: str) -> None:
        remaining = iter(answers)
        monkeypatch.setattr("builtins.input", lambda _: next(remaining))

    return typed


@pytest.mark.parametrize(
    ("guess", "measured", "verdict"),
    [
        ("Nowhere", "nowhere", "as predicted"),
        ("in 'unacked'", "unacked", "as predicted"),
        ("Yes.", "yes", "as predicted"),
        ("the second", "second", "as predicted"),
        ("RQ and Celery", "rq, celery", "as predicted"),
        ("celery, rq", "rq and celery", "as predicted"),
        ("started", "STARTED", "as predicted"),
        (40, 40, "as predicted"),
        (2.0, 2.1, "as predicted"),
        ("unacked", "nowhere", "a surprise"),
        ("celery", "rq and celery", "a surprise"),
        ("", "yes", "a surprise"),
        (36, 40, "a surprise"),
        (2.0, 0.01, "a surprise"),
    ],
)
def test_only_the_same_answer_in_other_words_is_as_predicted(
    guess: float | str, measured: float | str, verdict: str
) -> None:
    (row,) = Prediction("?", guess, answered=True).against(measured).rows
    assert row[-1] == verdict


def test_a_letter_or_the_first_letter_of_one_choice_is_enough(
    typed: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    typed("y")
    assert predict("Is it sent?", "no", choices=("yes", "no")).guess == "yes"
    typed("d", "a")
    assert predict("Where?", "there", choices=("here", "there")).guess == "here"
    assert "'d' is not one of the letters a, b. Try again." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "meant"),
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
    words: str, meant: float, typed: Callable[..., None]
) -> None:
    typed(words)
    assert predict("How long?", 1.0, "s").guess == meant


@pytest.mark.parametrize("words", ["5-10", "300 ms", "５分", "2 hours?", "1k", "10%", "1/2", "ten"])
def test_a_text_that_could_be_another_number_is_asked_for_again(
    words: str, typed: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    typed(words, "")
    assert not predict("How long?", 1.0, "seconds").answered
    assert f"'{words}' is not a number of seconds. Try again." in capsys.readouterr().out


def test_the_accepted_difference_is_shown_before_the_answer(
    typed: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    typed("0")
    found = predict("How long?", 2.0, "s", within=0.5)
    assert "Up to 0.5 or 25% off counts" in capsys.readouterr().out
    ((*_, output),) = found.against(0.064).rows
    assert output == "as predicted"


def test_a_difference_below_the_noise_confirms_nothing() -> None:
    table = Prediction("?", 2.0, answered=True).against(2.0, clear=False)
    assert table.rows[0][-1] == "not clear"
    assert table.below.startswith("Not seen: this machine was too busy.")


def test_the_seen_sentence_is_below_the_measurement_and_contradicts_no_surprise() -> None:
    question = "Is the mail sent?"
    found = Prediction(question, "yes", answered=True).against("no")
    assert found.rows[0][-1] == "a surprise"
    assert found.below == "Seen: the program said thank you, and there is no mail."
    other = Prediction(question, "yes", answered=True).against("yes")
    assert other.rows[0][-1] == "not clear"
    assert other.below.startswith("Not seen: ")


def test_each_finding_belongs_to_a_question_of_a_lesson() -> None:
    code = "".join(cell for lesson in LESSONS for cell in code_cells(lesson))
    assert [question for question in FINDINGS if f'"{question}"' not in code] == []


@pytest.mark.parametrize("lesson", LESSONS)
def test_no_cell_says_what_is_seen_before_the_prediction_is_measured(lesson: str) -> None:
    unmeasured: set[str] = set()
    just_measured = False
    for is_code, source in cells(lesson):
        measured = set(re.findall(r"(\w+)\.against\(", source)) if is_code else set()
        if is_code:
            unmeasured |= set(re.findall(r"(\w+) = predict\(", source))
            assert not (unmeasured and re.search(r"^assert ", source, re.M)), source
        elif unmeasured or just_measured:
            assert not source.startswith("**Seen"), source
        unmeasured -= measured
        just_measured = bool(measured)
