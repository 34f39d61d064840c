"""The bounded worlds. Each is small enough to be explored completely."""

from explore.plan import Faults, Plan
from explore.worker import Setup

DAY = 86_400.0
_ONE = Setup()
_TWO_PLACES = Setup(places=2)

WORLDS = (
    Plan("calm", ("plain",)),
    Plan("two jobs", processes=(_ONE,), alive=1),
    Plan("a failure", ("flaky",), (_ONE,), 1),
    Plan("a death", ("plain",), (_ONE,) * 2, 1, Faults(1, kill=1)),
    Plan("a leave", ("plain",), (_ONE,) * 2, 1, Faults(1, leave=1)),
    Plan("an answer lost", ("plain",), (_ONE,), 1, Faults(1, lose=1)),
    Plan("a refusal", ("plain",), (_ONE,), 1, Faults(1, refuse=1)),
    Plan("a slow answer", ("plain",), (Setup(slow=True),), 1),
    Plan("a poison", ("poison",), (_ONE,) * 6, 1),
    Plan("a pause", ("plain",), (_ONE,), 1, Faults(1, pause=1, halt=1), large=True),
    Plan("people", ("flaky",), (_ONE,), 1, people=("retry", "discard", "purge")),
    Plan("a suspect", processes=(_TWO_PLACES,), alive=1,
         after_put=(("HSET", "deaths", "j0", "a b"),)),
    Plan("priorities", ("low", "plain"), (_ONE,), 1),
    Plan("foreign", ("foreign",), (Setup(foreign=True),), 1, Faults(1, lose=1), large=True),
    Plan("a retry", ("retries",), (Setup(foreign=True),) * 2, 1, Faults(1, kill=1, leave=1),
         large=True),
    Plan("a retry of a halted worker", ("retries",), (Setup(foreign=True),) * 2, 1,
         Faults(1, halt=1), large=True),
    Plan("one id twice", ("foreign", "namesake"), (Setup(foreign=True),) * 2, 1,
         Faults(1, kill=1), large=True),
    Plan("one id at two workers", ("retries", "namesake"), (Setup(foreign=True),) * 2, 2,
         Faults(1, kill=1), large=True),
    Plan("prefork", ("plain",) * 2, (Setup(places=2, goes_on=True),), 1,
         Faults(1, drop=1, child=1), large=True),
    Plan("an outbox", ("plain",), (_ONE,), 1, blogs=1),
    Plan("a newcomer", (), (_ONE,) * 3, faults=Faults(1, kill=1)),
    Plan("tokens", processes=(Setup(waits=True),) * 2, large=True),
    Plan("a lost token", ("plain",), (Setup(waits=True),) * 2, faults=Faults(1, kill=1),
         large=True),
    Plan("a fleet", ("plain",), (_ONE,) * 3, 3, Faults(1, kill=1), large=True),
    Plan("leases", ("plain",), (Setup(lease=30.0, beat=10.0), _ONE), large=True),
    Plan("later", ("later",), (Setup(beat=45.0, lease=150.0),), 1, Faults(1, clock=1),
         large=True),
    Plan("a clock ahead", ("flaky",), (Setup(skew=6 * DAY),), 1),
    Plan("a short history", ("plain",), (Setup(history=0),), 1, blogs=1, large=True,
         before=(("HSET", "counters", "done", 63, "enqueued", 63), ("SADD", "kept", "j9"),
                 ("RPUSH", "job:j9", "{}", '["done","999999999.000000","w0.1",""]'))),
    Plan("a restart", ("plain",), (_ONE,), 1, Faults(1, restart=1)),
    Plan("a wipe", ("plain",), (_ONE,), 1, Faults(1, wipe=1), blogs=1, large=True),
    Plan("two blogs", processes=(_ONE,) * 2, alive=1, blogs=2, large=True),
    Plan("a fault beside another", ("plain",), (_ONE,) * 2, large=True,
         faults=Faults(1, kill=1, pause=1)),
    Plan("two deaths", ("plain",), (_ONE,) * 3, 1, Faults(2, kill=2), large=True),
    Plan("older data", ("plain",), (_ONE,), 1, Faults(1, rollback=1), blogs=1, large=True),
    # the first ten lost leases of a job do not count, so let the job begin with ten
    Plan("hog", ("hog",), (Setup(rescues=0),) * 2, large=True,
         after_put=(("HSET", "deaths", "~j0", 10),)),
    Plan("poison", ("poison", "plain", "plain"), (_TWO_PLACES,) * 6, large=True),
)  # fmt: skip
#: The worlds in which each mistake is tried, the smallest first.
JUDGED = tuple(plan for name in (
    "a slow answer", "a poison", "a failure", "a restart", "a newcomer", "two jobs", "a suspect",
    "calm", "priorities", "a leave", "an outbox", "a short history", "a death", "people", "foreign",
    "an answer lost", "leases", "prefork", "a pause", "a wipe", "two blogs", "later", "hog",
) for plan in WORLDS if plan.name == name)  # fmt: skip
