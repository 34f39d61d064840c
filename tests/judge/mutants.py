"""Broken queues, each a sound one with one fault, and how many of them the judge catches.

There is one per level and hole; those of `judge.broken` are not repeated here.

``PYTHONPATH=.:tests python -m judge.mutants`` judges each at the level whose promise it breaks, and
writes a row for each into ``mutants.csv``.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from textwrap import indent

from judge.broken import solution

from demo_app.judge.judge import Judge, Verdict
from demo_app.judge.targets import target_of

SOUND = solution(12).read_text("utf-8")
SHEET = Path(__file__).with_suffix(".csv")

_PUT = "        path = self.outbox /"
_TAKE = "            self.redis.eval(TAKE, 0, path.name, job)\n"
_GOES = "            path.unlink(missing_ok=True)\n"
_PUSH = "redis.call('LPUSH', 'queue', ARGV[2])"
_HELD = '        held = self.redis.lindex(f"claims:{worker}", -1)\n'
_MOVE = 'self.redis.blmove("queue", f"claims:{worker}", 1, "RIGHT", "LEFT")'
_CLAIM = f"{_HELD}        return held or {_MOVE}\n"
_ACK = 'self.redis.lrem(f"claims:{worker}", 1, job)'
_BEAT = 'self.redis.set(f"alive:{worker}", "yes", ex=2)'
_RESCUE = 'self.redis.eval(RESCUE, 2, claims, claims.replace("claims:", "alive:"))'
_TRIES = "redis.call('HINCRBY', 'rescues', job, 1) > 3"
_DEAD = "redis.call('LPUSH', 'dead', job)"
_RELAYED = """        try:
            self.relay()
        except Exception as error:
            print(f"The job stays in the outbox until a worker relays it: {error}")
"""
_ID = '        return f"<{job}@blog.example>"'


def _found(code: str, before: str = "") -> dict[str, str]:
    """A claim that does more with the job that it found, and before it looks."""
    found = f"{_HELD}        found = held or {_MOVE}\n"
    return {
        _CLAIM: f"{indent(before, ' ' * 8)}{found}{indent(code, ' ' * 8)}        return found\n"
    }


def _claims(code: str) -> dict[str, str]:
    """A claim that chooses its job in another way, from the jobs that wait."""
    body = f"{_HELD}        if held:\n            return held\n"
    return {_CLAIM: body + "".join(f"        {line}\n" for line in code.splitlines())}


_BY_SCORE = """\
for job, _ in self.redis.zpopmin("waiting"):
    self.redis.lpush(f"claims:{worker}", job)
    return job"""


def _texts(code: str) -> dict[str, str]:
    """A put that changes the text first."""
    return {_PUT: f"        {code}\n{_PUT}"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A broken queue. what: is wrong in it. level: whose promise that breaks. changes: to a sound
    one, a new text by the old one."""

    level: int
    what: str
    changes: dict[str, str]

    def source(self) -> str:
        """Its code. Raises LookupError when the sound queue has not the text to be changed."""
        text = SOUND
        for old, new in self.changes.items():
            if old not in text:
                raise LookupError(f"{self.what}: {old}")
            text = text.replace(old, new)
        return text


MUTANTS = [
    Mutant(1, "every third job is forgotten", _texts(
        "self.puts = getattr(self, 'puts', 0) + 1\n        if self.puts % 3 == 0: return")),
    Mutant(1, "a text ends at its first colon", _texts("job = job.split(':')[0]")),
    Mutant(1, "the same text twice runs once", {_TAKE: _TAKE.replace("path.name", "job")}),
    Mutant(1, "of many that wait, fifty are kept", {
        _PUSH: f"{_PUSH}; redis.call('LTRIM', 'queue', 0, 49)"}),
    Mutant(1, "the last job waits for a next one", {
        _CLAIM: "        if self.redis.llen('queue') < 2: return None\n" + _CLAIM}),
    Mutant(2, "in the order of their names", _claims("""\
for job in sorted(self.redis.lrange("queue", 0, -1))[:1]:
    if self.redis.lrem("queue", -1, job):
        self.redis.lpush(f"claims:{worker}", job)
        return job""")),
    Mutant(2, "in the order of numbers that begin again after a hundred", {
        **_texts("self.redis.zadd('waiting', {job: self.redis.incr('number') % 100})\n"
                "        return"),
        **_claims(_BY_SCORE)}),
    Mutant(5, "a rescue takes a job, and then puts it back", {
        _RESCUE: """if not self.redis.exists(claims.replace("claims:", "alive:")):
                job = self.redis.rpop(claims)
                if job and self.redis.hincrby("rescues", job, 1) > 3:
                    self.redis.lpush("dead", job)
                elif job:
                    self.redis.rpush("queue", job)"""}),
    Mutant(5, "nobody rescues", {_RESCUE: "pass"}),
    Mutant(5, "one living worker keeps all dead ones alive", {
        _BEAT: _BEAT.replace('f"alive:{worker}"', '"alive"'),
        _RESCUE: 'self.redis.eval(RESCUE, 2, claims, "alive")'}),
    Mutant(5, "a second job is fetched ahead, and kept in memory", _found(
        'self.ahead = found and self.redis.rpop("queue")\n', before="""\
ahead = getattr(self, "ahead", None)
if ahead is not None:
    self.redis.lpush(f"claims:{worker}", ahead)
    self.ahead = None
    return ahead
""")),
    Mutant(5, "an acknowledgement takes the same text from every worker", {
        _ACK: 'for claims in self.redis.scan_iter("claims:*"):\n'
              "            self.redis.lrem(claims, 0, job)"}),
    Mutant(5, "a rescue looks at the first keys of many", {
        'self.redis.scan_iter("claims:*")': 'self.redis.scan(0, match="claims:*")[1]'}),
    Mutant(5, "the deaths of all workers count for every job", {
        _TRIES: _TRIES.replace("job", "'all'")}),
    Mutant(8, "who comes back takes jobs before it is known to live", {
        _BEAT: "self.beats = getattr(self, 'beats', -1) + 1\n"
                f"        if self.beats % 7 == 0: {_BEAT}".replace("ex=2", "ex=4")}),
    Mutant(8, "two rescuers both give back what both have read", {
        _RESCUE: """if not self.redis.exists(claims.replace("claims:", "alive:")):
                for job in self.redis.lrange(claims, 0, -1):
                    self.redis.rpush("queue", job)
                self.redis.delete(claims)"""}),
    Mutant(9, "poison is thrown away", {_DEAD: "return"}),
    Mutant(10, "a claim whose answer was lost is not asked for again", {
        _CLAIM: f"        return {_MOVE}\n"}),
    Mutant(10, "put says that a job is there before its text is", {
        **_texts("name = f'n{time.time_ns()}'\n"
                "        self.redis.lpush('queue', name)\n"
                "        self.redis.set(f'text:{name}', job)\n        return"),
        **_claims(f"""\
name = {_MOVE}
if name is None:
    return None
job = self.redis.get(f"text:{{name}}")
with self.redis.pipeline() as both:
    both.lrem(f"claims:{{worker}}", 1, name)
    if job is not None:
        both.lpush(f"claims:{{worker}}", job)
    both.execute()
return job""")}),
    Mutant(10, "a file of the outbox can be read before it is whole", {
        """        path = self.outbox / f"{time.time_ns()}.new"
        path.write_text(job)
        path.rename(path.with_suffix(".job"))
""": """        path = self.outbox / f"{time.time_ns()}.job"
        path.write_text(job)
"""}),
    Mutant(11, "the file of the outbox goes before the job is in the queue", {
        f"{_TAKE}{_GOES}": f"{_GOES}{_TAKE}"}),
    Mutant(11, "put waits until the server answers", {_RELAYED: """        while True:
            try:
                return self.relay()
            except Exception:
                time.sleep(0.1)
"""}),
    Mutant(11, "the outbox is in memory", {
        _RELAYED: "",
        '''        path = self.outbox / f"{time.time_ns()}.new"
        path.write_text(job)
        path.rename(path.with_suffix(".job"))
''': '''        self.kept = [*getattr(self, "kept", []), job]
        try:
            while self.kept:
                self.redis.lpush("queue", self.kept[0])
                self.kept.pop(0)
        except Exception as error:
            print(error)
'''}),
    Mutant(12, "an id is made of the first twenty letters", {
        _ID: '        return f"<{job[:20]}@blog.example>"'}),
]  # fmt: skip


def judged(mutant: Mutant, number: int) -> Verdict:
    """The verdict on its level."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        path = Path(folder) / f"queue_{number}.py"
        path.write_text(mutant.source(), "utf-8")
        with Judge(target_of(f"{path}:MyQueue"), seconds=0.0, at_once=4) as judge:
            (verdict,) = judge.judge([mutant.level])
    return verdict


def main() -> Iterator[str]:
    """Judge all of them, and yield a line for each."""
    with SHEET.open("w", encoding="utf-8", newline="") as file, ThreadPoolExecutor(4) as pool:
        rows = csv.writer(file)
        rows.writerow(["what", "level", "caught", "why", "on", "load"])
        for mutant, verdict in zip(
            MUTANTS, pool.map(judged, MUTANTS, range(len(MUTANTS))), strict=True
        ):
            sign, load = "yes" if verdict.held is False else "NO", round(os.getloadavg()[0])
            rows.writerow([mutant.what, mutant.level, sign, verdict.why, date.today(), load])
            file.flush()
            yield f"{mutant.what}: {mutant.level}: {sign}: {verdict.why}"


if __name__ == "__main__":
    for line in main():
        print(line, flush=True)
