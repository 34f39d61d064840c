"""The stack: Redis, the mail sink, the web app and the workers, as separate processes."""

from demo_app.rig.process import StackError
from demo_app.stack.options import Options
from demo_app.stack.stack import Stack

__all__ = ["Options", "Stack", "StackError"]
