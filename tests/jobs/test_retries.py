import pytest

from demo_app.jobs import discard_on, retry_on
from demo_app.jobs.retries import DEFAULT, RetryPolicy, policies_of, policy_for


def test_each_wait_is_twice_the_last_one_up_to_a_limit():
    retry = RetryPolicy(first=1.0, longest=10.0, jitter=0.0)
    assert [retry.wait(failures) for failures in range(1, 7)] == [1, 2, 4, 8, 10, 10]
    assert RetryPolicy(first=1.0).wait(10**6) <= 600.0


@pytest.mark.parametrize(("chance", "wait"), [(0.0, 8.0), (1.0, 4.0)])
def test_a_part_of_each_wait_is_left_to_chance(chance, wait):
    assert RetryPolicy(first=1.0, jitter=0.5).wait(4, lambda: chance) == wait


def test_a_policy_with_a_time_counts_no_tries():
    policy = RetryPolicy(attempts=2, within=60.0)
    assert not policy.gives_up(failures=1000, age=59.0)
    assert policy.gives_up(failures=2, age=60.0)
    assert not policy.gives_up(failures=1, age=6 * 24 * 3600.0), "a clock may be days ahead"
    assert RetryPolicy(attempts=2).gives_up(failures=2, age=0.0)


def test_the_first_policy_that_names_the_exception_decides():
    @discard_on(FileNotFoundError)
    @retry_on(OSError, attempts=3)
    def work() -> None: ...

    policies = policies_of(work)

    assert policy_for(policies, FileNotFoundError()) is policies[0]
    assert policy_for(policies, PermissionError()) is policies[1]
    assert policy_for(policies, KeyError()) is DEFAULT
