"""Wrong answers that a learner might give to each exercise."""

INSERT = "db.execute('INSERT INTO comments (text) VALUES (?)', (text,))"
COUNTING = """
class Counting(Counting):
    async def handle_DATA(self, server, session, envelope):"""
JOB = "db.execute('INSERT INTO outbox SELECT max(id) FROM comments')"
MINE = """
class Mine(Backend):
    def __init__(self):
        self.waiting = []

    def _enqueue(self, jobs):
        {enqueue}

    def run_next(self):
        return {run}
"""
CLAIMS = "os.environ['DEMO_REDIS_URL'].replace('redis+socket', 'claims+unix')"


APP = "app = Celery('parcels', broker=os.environ['DEMO_REDIS_URL'])"
TASK = f"{APP}\npack = app.task(lambda parcel: open('packed.txt', 'w').write(f'{{parcel}}'))"

WRONG: dict[str, dict[str, list[str]]] = {
    "00_start_here": {
        "0.1": [
            "answer = lab.client.web.base_url.port",
            "answer = lab.stack.ready['pids']['redis'][0]",
            "answer = lab.stack.ready['web']",
        ],
        "0.2": ["answer = 'Hello'", "answer = lab.client.mails()['messages'][0]['subject']"],
    },
    "01_sync_vs_async": {
        "1.1": [
            "def answer(values):\n    return sum(values) / len(values)",
            "def answer(values):\n    return values[len(values) // 2]",
        ],
        "1.2": ["answer = set()", "answer = {'check a password'}"],
    },
    "02_fifo_queues": {
        "2.1": [
            "push = lambda job: mine.rpush('parcels', job)\npop = lambda: mine.rpop('parcels')",
            "push = lambda job: mine.lpush('parcels', job)\npop = lambda: None",
        ],
        "2.2": [
            "answer = ['4', '1', '2', '3']",
            "answer = kept.started()[-4:]",
            "answer = None",
            "kept.send_workers_home()\nkept.post(4)\nkept.start()\nanswer = kept.started()[-4:]",
        ],
    },
    "03_redis_persistence": {
        "3.1": ["answer = {'always'}", "answer = {'always', 'everysec'}", "answer = 'always'"],
        "3.2": ["answer = {'always', 'everysec'}", "answer = {'no'}", "answer = 'always'"],
        "3.3": [
            "answer = 'RPUSH'",
            "answer = folder",
            "redis.config_set('appendonly', 'yes')\nanswer = ''",
        ],
    },
    "04_kill_the_worker": {
        # without a name, without a URL, without a task, without `order`, without a job in `order`
        "4.2": [
            "app = Celery(broker=os.environ['DEMO_REDIS_URL'])",
            "app = Celery('parcels')",
            APP,
            TASK,
            f"{TASK}\norder = pack",
        ],
        "4.3": [],
        "4.1": ["answer = set()", "answer = [job.id for job in lab.seen().jobs if job.rescued]"],
        "4.4": [
            "answer = {name: 'lost' for name in answer}",
            "answer = {name: 'late' for name in answer}",
        ],
    },
    "05_lost_late_or_twice": {
        "5.1": [
            "app = Celery('shop', broker=os.environ['DEMO_REDIS_URL'])\n"
            "@app.task\ndef pack(parcel):\n    raise ValueError(parcel)"
        ],
        "5.2": [
            f"def post(db, text):\n    {INSERT}\n    db.commit()",
            f"def post(db, text):\n    {INSERT}\n    db.commit()\n    {JOB}\n    db.commit()",
        ],
        "5.3": ["answer = lab.client.mails()['messages'][0]['job_id']", "answer = 'Message-ID'"],
        "5.4": ["answer = set()", "answer = {'lost', 'maybe sent twice'}"],
    },
    "06_when_mail_fails": {
        "6.1": [
            "class Counting:\n    mails = 0\n    def handle_DATA(self, *_):\n        return '250'",
            COUNTING + "\n        self.mails += 1\n        return '250 accepted'",
        ],
        "6.2": [
            "answer = {**dict.fromkeys(answer, 'dead')}",
            "answer = {**dict.fromkeys(answer, 'again')}",
        ],
        "6.3": [
            "def answer(first, tries):\n    return [first * 2**n for n in range(tries)]",
            "def answer(first, tries):\n    return [first] * (tries - 1)",
        ],
    },
    "07_swap_the_backend": {
        "7.1": ["answer = 'memory'", "answer = 'celery'", "answer = None"],
        "7.2": ["answer = {'a number', 'a date'}", "answer = {'a number'}"],
        "7.3": [
            MINE.format(enqueue="self.waiting = jobs[::-1]", run="perform(self.waiting.pop(0))"),
            MINE.format(enqueue="self.waiting.extend(jobs)", run="perform(self.waiting.pop())"),
        ],
    },
    "08_see_it_and_run_it": {
        "8.1": ["answer = True", "answer = 'no'", "answer = 59"],
        "8.2": [
            "def answer(depth, latency, dead):\n    return depth > 100",
            "def answer(depth, latency, dead):\n    return latency > 60",
        ],
        "8.3": ["answer = 1", "answer = 'staged'", "staged.post(2)\nstaged.wait()\nanswer = 1"],
    },
    "09_the_ladder": {
        "9.1": ["answer = 'rescue'", "answer = 'AOF'", "answer = 'claim'", "answer = None"],
        "9.2": ["answer = 10", "answer = 36_000 * 0.5", "answer = 20", "answer = 'five'"],
    },
    "10_take_it_home": {
        "10.1": [],  # the exercise of 4.2
        "10.2": [
            "app = pack = order = Celery('shop', broker=os.environ['DEMO_REDIS_URL'])",
            "app = pack = order = Celery('shop', broker='claims+' + os.environ['DEMO_REDIS_URL'])",
            f"app = pack = order = Celery('shop', broker={CLAIMS})",
        ],
        "10.3": [
            "answer = {'charge a credit card'}",
            "answer = {'charge a credit card', 'add 1 to a counter', \"delete yesterday's log\"}",
        ],
    },
    "11_where_is_job_17": {
        "11.1": [
            "answer = ('dead', 'it kills every worker that runs it')",
            "answer = ('retrying', 'the mail server refuses this mail')",
        ],
        "11.2": [
            "answer = ('a queue', 'its worker is dead')",
            "answer = ('nowhere', 'no worker takes from this queue')",
        ],
        "11.3": ["answer = ('a worker', 'its worker is dead')", "answer = ('a worker', 'paused')"],
        "11.4": [
            "answer = ('nowhere', 'Redis refuses to write')",
            'answer = ("the web app\'s database", "Redis does not run")',
        ],
        "11.5": [
            "answer = ('scheduled', 'too many jobs are before it')",
            "answer = ('a queue', 'it was written by a clock that was wrong')",
        ],
        "11.6": [
            "answer = ('a queue', 'no worker takes from this queue')",
            "answer = ('a worker', 'the worker asks another Redis')",
        ],
    },
    "12_your_own": {
        "12.1": ["answer = True", "answer = tried"],
        "12.2": ["answer = 4", "answer = 'five'"],
    },
}
