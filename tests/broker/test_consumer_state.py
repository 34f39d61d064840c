"""Tests that a consumer claims jobs until its queues are empty, and then waits for a wake token."""

from demo_app.broker.consumer_state import Claiming, ConsumerState, Reason, Waiting

SCRIPTS = {"claim": ["mail"], "take": ["replies"]}
LONGEST = 5.0


def test_each_script_is_sent_before_a_wait_for_all_queues() -> None:
    state = ConsumerState()
    assert state.next_command(SCRIPTS, LONGEST) == Claiming("claim", ("mail",))
    state.nothing("claim")
    assert state.next_command(SCRIPTS, LONGEST) == Claiming("take", ("replies",))
    state.nothing("take")
    assert state.next_command(SCRIPTS, LONGEST) == Waiting(("mail", "replies"), LONGEST)


def test_a_new_round_sends_each_script_again() -> None:
    state = ConsumerState({"claim": None})
    state.begin()
    assert state.next_command(SCRIPTS, LONGEST) == Claiming("claim", ("mail",))


def test_a_queue_that_is_added_during_a_round_is_read_before_the_wait() -> None:
    state = ConsumerState({"claim": None})
    assert isinstance(state.next_command({"claim": ["mail"], "take": []}, LONGEST), Waiting)
    assert state.next_command(SCRIPTS, LONGEST) == Claiming("take", ("replies",))


def test_a_paused_worker_waits_for_no_token_of_a_job() -> None:
    state = ConsumerState({"claim": Reason.PAUSED, "take": None})
    assert state.next_command(SCRIPTS, LONGEST) == Waiting(("replies",), LONGEST)


def test_a_consumer_that_drains_sends_nothing() -> None:
    assert ConsumerState().next_command({"claim": [], "take": []}, LONGEST) is None
