"""Further checks of the lessons' results, which only the tests run.

They are not in the lessons, because a learner would see the expected result before answering.
"""

#: For each lesson: code to run before its last cell, which stops the system.
SHOWN = {
    "01_sync_vs_async": 'assert "Thank you" in said',
    "02_fifo_queues": "assert changed_places(one) == 0",
    "03_redis_persistence": 'assert left["appendfsync always"] == 200',
    # the kill may also take the job that Redis was just sending: stock Celery's hole, in lesson 05
    "04_kill_the_worker": "assert still_missing <= unacked + queued + 1",
    "06_when_mail_fails": 'assert poisoned.client.summary()["done"] == len(before + after)',
    "07_swap_the_backend": 'assert lost == {"memory": 8, "huey": 4, "rq": 0, "celery": 0}',
    "08_see_it_and_run_it": """
assert max(one.depth for one in busy) > max(one.depth for one in forgotten)
assert busy[-1].latency == 0
assert forgotten[-1].latency == max(one.latency for one in forgotten) > 3
""",
    "09_the_ladder": """
memory, early, late, claim, outbox, message_id, top = seven
web, process, redis, answer_lost, wipe = range(5)
assert memory[web].lost > 0 == early[web].lost
assert early[process].lost > 0 == late[process].lost
assert late[process].late > 0 == claim[process].late
assert claim[redis].lost > 0 == outbox[redis].lost
assert outbox[answer_lost].twice > 0 == message_id[answer_lost].twice
assert message_id[wipe].lost > 0
""",
    "10_take_it_home": """
assert before.lost > 0
assert before.late > 0
assert after.lost == after.late == 0
assert again_charged
assert len(written) == 60
assert ticks == 0
""",
}
