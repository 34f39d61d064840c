"""Apps that a learner could write: correct ones, and wrong ones with the trials that they fail."""

from support import changed

from lab.capstone import RUNGS

WAITS, WORKER, BREAKS, REDIS, WEB, RELAY, ANSWER = (
    "the reader does not wait",
    "the worker is killed",
    "the mail server breaks off",
    "Redis is down",
    "the web app is killed",
    "the relay is killed",
    "the mail server's answer is lost",
)
ALL = {WAITS, WORKER, BREAKS, REDIS, WEB, RELAY, ANSWER}

_RIGHT = RUNGS[-1].read_text("utf-8")


#: Changes that make an async web app with one table. A flag marks the rows that the relay has
#: handed over. Ids are UUIDs, and the task is sent by name.
_FLAG = {
    "import time\n": "import time\nimport uuid\n",
    "id INTEGER PRIMARY KEY, text TEXT)": "id TEXT PRIMARY KEY, text TEXT, handed INTEGER)",
    '    db.execute("CREATE TABLE IF NOT EXISTS outbox (comment_id INTEGER)")\n': "",
    "def page():": "async def page():",
    "def comment(text: str = Form()):": "async def comment(text: str = Form()):",
    '        number = db.execute("INSERT INTO comments (text) VALUES (?)", (text,)).lastrowid\n'
    '        db.execute("INSERT INTO outbox VALUES (?)", (number,))\n': (
        "        number = str(uuid.uuid4())\n"
        '        db.execute("INSERT INTO comments VALUES (?, ?, 0)", (number, text))\n'
    ),
    "@celery.task(": '@celery.task(name="send_the_mail", ',
    "SELECT comment_id FROM outbox": "SELECT id FROM comments WHERE handed = 0",
    "notify.delay(number)": 'celery.send_task("send_the_mail", [number])',
    '"DELETE FROM outbox WHERE comment_id = ?"': '"UPDATE comments SET handed = 1 WHERE id = ?"',
}
#: Replacements that give the app explicit transactions: the relay deletes all rows and enqueues
#: their jobs in one transaction. The inbox stores the known Message-IDs in the database.
_BY_HAND = {
    'sqlite3.connect("app.db", timeout=10)': 'sqlite3.connect("app.db", 10, isolation_level=None)',
    "outbox (comment_id INTEGER)": "outbox (number INTEGER PRIMARY KEY, comment_id INTEGER)",
    '    db.execute("CREATE TABLE IF NOT EXISTS outbox': (
        '    db.execute("CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY)")\n'
        '    db.execute("CREATE TABLE IF NOT EXISTS outbox'
    ),
    "    with database() as db:\n        number = db.": (
        '    with database() as db:\n        db.execute("BEGIN IMMEDIATE")\n        number = db.'
    ),
    '"INSERT INTO outbox VALUES (?)"': '"INSERT INTO outbox (comment_id) VALUES (?)"',
    "        for (number,) in db.execute(": (
        '        db.execute("BEGIN IMMEDIATE")\n        for (number,) in db.execute('
    ),
    '            notify.delay(number)\n            db.execute("DELETE FROM outbox WHERE '
    'comment_id = ?", (number,))\n': (
        '            db.execute("DELETE FROM outbox WHERE comment_id = ?", (number,))\n'
        "            notify.delay(number)\n"
    ),
    '        if mail["Message-ID"] not in self.known:\n'
    '            self.known.add(mail["Message-ID"])\n': (
        '        new = "INSERT OR IGNORE INTO seen VALUES (?)"\n'
        '        if database().execute(new, (mail["Message-ID"],)).rowcount:\n'
    ),
    "    known = set()\n\n": "",
}
_SEND = '    with smtplib.SMTP("127.0.0.1", int(os.environ["SMTP_PORT"]), timeout=10) as server:\n'
_SEND += "        server.send_message(mail)\n"
_STORE = '        db.execute("INSERT INTO outbox VALUES (?)", (number,))\n'
_HAND_OVER = "            notify.delay(number)\n"
_FORGET = '            db.execute("DELETE FROM outbox WHERE comment_id = ?", (number,))\n'
_SUPERVISED = _RIGHT[_RIGHT.index("        try:\n") : _RIGHT.index("        time.sleep(0.2)")]

#: Changes of the highest rung: the replaced texts, the trials that fail, and those that may fail.
APPS: dict[str, tuple[dict[str, str], set[str], set[str]]] = {
    "a flag": (_FLAG, set(), set()),
    "by hand": (_BY_HAND, set(), set()),
    "writes inbox.txt itself": (
        {_SEND: "    with open('inbox.txt', 'a') as inbox:\n        print(text, file=inbox)\n"},
        ALL,
        set(),
    ),
    "writes inbox.txt and sends": (
        {'    return {"thank': "    with open('inbox.txt', 'a') as inbox:\n"
         '        print(text, file=inbox)\n    return {"thank',
         '            with open("inbox.txt", "a") as inbox:\n'
         "                inbox.write(f\"{mail['Subject']}\\n\")\n": ""},
        ALL - {RELAY},
        {RELAY},
    ),
    "two transactions": ({_STORE: f"    with database() as db:\n{_STORE}"}, {WEB}, set()),
    "delay inside the transaction": (
        {_STORE: "        notify.delay(number)\n"},
        {REDIS},
        ALL,  # the job may run before the comment is stored
    ),
    "DELETE without WHERE": (
        {_FORGET: '            db.execute("DELETE FROM outbox")\n'}, {RELAY}, {REDIS, WORKER, WEB},
    ),
    "Message-ID from the text": ({"<comment-{number}@": "<{text.replace(' ', '-')}@"}, {BREAKS},
                                 set()),
    "inbox compares the subject": (
        {'mail["Message-ID"] not in': 'mail["Subject"] not in',
         'add(mail["Message-ID"])': 'add(mail["Subject"])'},
        {BREAKS},
        set(),
    ),
    "relay ends when Redis is away": ({_SUPERVISED: "        relay()\n"}, {REDIS}, {RELAY}),
    "forgets first": (
        {_HAND_OVER + _FORGET: f"{_FORGET}            db.commit()\n{_HAND_OVER}"},
        {RELAY},
        {REDIS},  # only if Redis starts slowly: the relay deletes the row, then enqueueing fails
    ),
    "hands nothing over": (
        {_HAND_OVER + _FORGET: "            pass\n"}, ALL - {WAITS, WORKER}, {WAITS, WORKER},
    ),
}  # fmt: skip


def source(name: str) -> str:
    return changed(_RIGHT, APPS[name][0])
