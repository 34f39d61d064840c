"""Tests that valid arguments arrive unchanged, and that an error names an invalid one."""

import json
import math
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobs import sample_tasks

from demo_app.backends.celery import job_of, message_of
from demo_app.broker.message import compose, parse
from demo_app.jobs import ArgumentError, Job
from demo_app.jobs.arguments import checked

TEXT = st.text(st.characters(codec="utf-8"))
NUMBERS = st.integers(-(2**200), 2**200) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)
#: Values that JSON can't represent, or that it converts to another type.
ODD = [(1,), {1}, b"x", math.nan, math.inf, datetime.now(), Decimal(1), object(), {1: 2}, "\ud800"]


def same(one, other) -> bool:
    """Return True if values and types are equal at all levels (in Python, 1 == 1.0 == True)."""
    return json.dumps(one) == json.dumps(other)


@given(JSON)
def test_arguments_are_the_same_after_redis_and_after_a_record(value):
    job = Job("a.task", {"value": value}, "mail", 5, datetime(2027, 1, 1, tzinfo=UTC), 2)
    assert same(job_of(parse(compose(message_of(job)))).arguments, job.arguments)
    back = Job.from_record(json.loads(json.dumps(job.as_record())))
    assert back == job
    assert same(back.arguments, job.arguments)


@given(
    st.sampled_from(ODD),
    st.recursive(st.just(None), lambda inner: st.booleans() | st.tuples(inner), max_leaves=4),
)
def test_another_value_is_refused_at_any_depth(odd, depth):
    value = odd
    while depth:
        value, depth = [{"deep": value}], depth[0] if isinstance(depth, tuple) else None
    with pytest.raises(ArgumentError, match="'the_odd_one'"):
        checked("task", {"fine": 1, "the_odd_one": value})


def test_a_list_that_holds_itself_is_refused():
    knot: list[object] = []
    knot.append(knot)
    with pytest.raises(ArgumentError, match="'knot'"):
        checked("task", {"knot": knot})


def test_arguments_can_be_changed_after_the_job_was_made():
    numbers = [1]
    job = sample_tasks.add.job(numbers)
    numbers.append(2)
    assert job.arguments["left"] == [1]


@pytest.mark.parametrize(
    "wrong", [{}, {"left": 1, "middle": 2}, {"left": 1, "right": 2, "over": 3}]
)
def test_arguments_that_do_not_fit_are_refused(wrong):
    with pytest.raises(ArgumentError, match=r"sample_tasks\.add"):
        sample_tasks.add.job(**wrong)


def test_positional_and_default_arguments_are_stored_by_name():
    assert sample_tasks.add.job(1).arguments == {"left": 1, "right": 1}
    assert sample_tasks.collect.job(1, a=2).arguments == {"first": 1, "a": 2}
