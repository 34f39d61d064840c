"""Writes down which functions lead to each named step of a job: for `walk`, which has the web app
and the workers import this module.

A step costs one call of an empty function (`demo_app.failpoints`), and each script in Redis one of
`Scripts.registered`: Python's profiler tells of both calls, and who called. A script that is asked
together with others is one that a step of the heartbeat yields; it is called again with the answer.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from demo_app import failpoints
from demo_app.broker.lua import Scripts
from demo_app.broker.queue import Queue
from demo_app.demo.walk import FILE, Function
from demo_app.settings import settings

_PACKAGE = Path(failpoints.__file__).parent
#: They only pass on a step, or a script.
_BETWEEN = {_PACKAGE / "failpoints.py", _PACKAGE / "broker/steps.py", _PACKAGE / "broker/lua.py"}
_SCRIPTS = _PACKAGE / "broker" / "scripts"
_STEP, _SCRIPT = failpoints.hit.__code__, Scripts.registered.__code__
_ASKING = {Queue.rescuing.__code__: "rescue", Queue.promoting.__code__: "promote_due"}


class _Thread(threading.local):
    way: tuple[Function, ...] = ()  # to the last script that it ran, and the script


_thread = _Thread()


def _in_tree(path: Path) -> str:
    return path.relative_to(_PACKAGE.parent).as_posix()


def _last_line(code: CodeType) -> int:
    inner = [_last_line(one) for one in code.co_consts if isinstance(one, CodeType)]
    return max([code.co_firstlineno, *inner, *(line or 0 for _, _, line in code.co_lines())])


def _way(frame: FrameType | None) -> tuple[Function, ...]:
    """The functions of this project that lead here, the outermost first."""
    found: list[Function] = []
    while frame is not None:
        code, path = frame.f_code, Path(frame.f_code.co_filename)
        if path.is_relative_to(_PACKAGE) and path not in _BETWEEN and code.co_name[0] != "<":
            lines = code.co_firstlineno, _last_line(code)
            found.append(Function(_in_tree(path), code.co_qualname, *lines))
        frame = frame.f_back
    return tuple(reversed(found))


def _script(name: str) -> list[Function]:
    """The script, and those functions that it calls of what all scripts about claims share."""
    path, shared = _SCRIPTS / f"{name}.lua", _SCRIPTS / "_claims.lua"
    text, claims = path.read_text("utf-8"), shared.read_text("utf-8")
    found = [Function(_in_tree(path), "", 1, len(text.splitlines()))]
    for function in re.finditer(r"^local function (\w+).*?^end$", claims, re.DOTALL | re.MULTILINE):
        if re.search(rf"\b{function[1]}\(", text):
            first, last = (claims.count("\n", 0, at) + 1 for at in function.span())
            found.append(Function(_in_tree(shared), function[1], first, last))
    return found


def _listen(frame: FrameType, event: str, _: object) -> None:
    if event != "call":
        return
    if frame.f_code is _SCRIPT and "+" not in frame.f_locals["name"]:
        _thread.way = (*_way(frame.f_back), *_script(frame.f_locals["name"]))
    elif frame.f_code in _ASKING:
        _thread.way = (*_way(frame), *_script(_ASKING[frame.f_code]))
    elif frame.f_code is _STEP:
        way, _thread.way = (*_thread.way, *_way(frame.f_back)), ()
        _write(frame.f_locals["step"], way)


def _write(step: str, way: tuple[Function, ...]) -> None:
    passage: dict[str, Any] = {"at": time.time(), "pid": os.getpid(), "step": step}
    passage["way"] = [asdict(function) for function in way]
    with (settings().dir / FILE).open("a") as file:  # one write, so that no two lines mix
        file.write(f"{json.dumps(passage)}\n")


threading.setprofile(_listen)
sys.setprofile(_listen)
