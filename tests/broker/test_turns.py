"""Tests that a consumer claims jobs until its queues are empty, and then waits for a wake token."""

from __future__ import annotations

from demo_app.broker.turns import Claiming, Reason, Turns, Waiting

SCRIPTS = {"claim": ["mail"], "take": ["replies"]}
LONGEST = 5.0


def test_each_script_is_tried_before_a_wait_which_is_for_all_their_queues() -> None:
    turns = Turns()
    assert turns.next_command(SCRIPTS, LONGEST) == Claiming("claim", ("mail",))
    turns.nothing("claim")
    assert turns.next_command(SCRIPTS, LONGEST) == Claiming("take", ("replies",))
    turns.nothing("take")
    assert turns.next_command(SCRIPTS, LONGEST) == Waiting(("mail", "replies"), LONGEST)


def test_a_new_round_tries_each_script_again() -> None:
    turns = Turns({"claim": None})
    turns.begin()
    assert turns.next_command(SCRIPTS, LONGEST) == Claiming("claim", ("mail",))


def test_a_queue_that_is_consumed_during_a_round_is_tried_before_the_wait() -> None:
    turns = Turns({"claim": None})
    assert isinstance(turns.next_command({"claim": ["mail"], "take": []}, LONGEST), Waiting)
    assert turns.next_command(SCRIPTS, LONGEST) == Claiming("take", ("replies",))


def test_while_there_is_a_suspect_the_wait_is_short() -> None:
    turns = Turns({"claim": Reason.SOON})
    assert turns.next_command({"claim": ["mail"]}, LONGEST) == Waiting(("mail",), 1.0)


def test_a_paused_worker_takes_no_token_of_a_job() -> None:
    turns = Turns({"claim": Reason.PAUSED, "take": None})
    assert turns.next_command(SCRIPTS, LONGEST) == Waiting(("replies",), LONGEST)


def test_a_consumer_that_drains_sends_nothing() -> None:
    assert Turns().next_command({"claim": [], "take": []}, LONGEST) is None
