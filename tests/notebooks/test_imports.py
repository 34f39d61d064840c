"""Tests that an interrupt during the first cell leaves no half-imported library."""

from notebooks.kernels import NOTEBOOKS
from support import run_python

#: A program that sends itself SIGINT in the middle of the import of redis.
PROGRAM = """
import os, signal, sys

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == "redis.client" and self in sys.meta_path:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupts())
try:
    from lab import Lab
except KeyboardInterrupt:
    print("interrupted")
from lab import Lab
import redis
print(redis.exceptions.RedisError.__name__)
"""


def test_an_interrupt_in_the_middle_of_an_import_waits_for_its_end() -> None:
    output = run_python("-c", PROGRAM, cwd=NOTEBOOKS)
    assert output.stdout == "interrupted\nRedisError\n", output.stderr
