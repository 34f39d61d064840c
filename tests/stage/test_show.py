"""Tests that the file of a show is validated when it is loaded."""

import pytest
from pydantic import ValidationError

from demo_app.stage.show import Show, shows, steps

WORDS = {"en": "Look.", "ja": "ご覧ください。"}


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ({"say": WORDS, "do": ["kill-everybody"]}, "step.0.do.0"),
        ({"until": ["4 seconds"]}, "'4 seconds' is not a condition"),
        ({"until": ["hled >= 4"]}, "'hled >= 4' is not a condition"),
        ({"say": {"en": "Only in English."}}, "the languages are en"),
        ({"wait": 3}, "step.0.wait"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused_with_the_reason(step, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Show(minutes=4, step=[{"say": WORDS}, step][1:])


def test_every_show_that_is_shipped_makes_sense() -> None:
    for name in shows():
        assert steps(name, "en")
