"""Shuts a process in, with all that it starts: in Linux's namespaces, and as another user where
root judges. It sees no process, no network and no files of others; one folder it may write to."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import signal
import struct
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

#: unshare(2): mounts, IPC, users, processes, network.
_MOUNTS, _IPC, _USERS, _PROCESSES, _NETWORK = 0x20000, 0x8000000, 0x10000000, 0x20000000, 0x40000000
#: mount(2); mount_setattr(2), which has the same number on every machine.
_BIND, _RECURSIVE, _PRIVATE = 0x1000, 0x4000, 0x40000
_MOUNT_SETATTR, _HERE, _AT_RECURSIVE, _READ_ONLY, _NO_SUID = 442, -100, 0x8000, 1, 2
#: prctl(2), capset(2).
_DEATH_SIGNAL, _NO_NEW_PRIVILEGES, _CAPABILITIES = 1, 38, 0x20080522
#: Of each process: bytes of address space, bytes of a file; of the user: processes and threads.
MEMORY, FILE, PROCESSES = 2 << 30, 64 << 20, 512

#: Of /run: what a user's systemd listens at.
_THEIRS = ("/tmp", "/var/tmp", "/dev", "/run", "/home", "/root", "/srv", "/mnt", "/media")
_libc = ctypes.CDLL(None, use_errno=True)
_TREE = Path(__file__).resolve().parents[2]
#: The checkout that this is a part of; None where it is installed.
CHECKOUT = _TREE if (_TREE / "pyproject.toml").is_file() else None


def limit(*, alone: bool) -> None:
    """Bound what the process may use, as far as the system can. alone: whether it is shut in."""
    bounds = {"AS": MEMORY, "FSIZE": FILE, "NPROC": PROCESSES, "CORE": 0}
    for name, most in bounds.items():
        # else what the user runs elsewhere counts, too
        if name != "NPROC" or os.getuid() >= _FIRST_USER or (alone and counts_by_namespace()):
            with suppress(ValueError, OSError):
                resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))


def counts_by_namespace() -> bool:
    """Whether a user's processes are counted in each namespace of users apart (Linux 5.14)."""
    numbers = re.findall(r"\d+", os.uname().release)
    return [int(number) for number in numbers[:2]] >= [5, 14]


#: From here on users have no name on any machine: root judges each queue as one of them.
_FIRST_USER = 61_000


def new_user() -> int:
    """The user as whom the next queue is judged; who judges without being root has only himself."""
    return _FIRST_USER + os.getpid() % 3_000 if os.getuid() == 0 else os.getuid()


def shut_in(work: Path, needs: Iterable[Path], user: int, shown: Path) -> str:
    """Shut this process in for good; "" when it is, else why it can't be.

    The process goes on as a child of itself, which is the first in its namespace: when it ends,
    all end. work: the folder that it may write to. needs: what else it reads. shown: what is not
    hidden from it, either.
    """
    if sys.platform != "linux":
        return f"{sys.platform} has no namespaces"
    kept = [path for path in dict.fromkeys(map(Path.resolve, needs)) if path.exists()]
    shown = shown.resolve()
    if (trial := os.fork()) == 0:  # half of it would be worse than nothing
        try:
            _enter(work, kept, user, shown)
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or 1)
    if status := os.waitstatus_to_exitcode(os.waitpid(trial, 0)[1]):
        return os.strerror(abs(status))
    _enter(work, kept, user, shown)
    return ""


def _enter(work: Path, kept: list[Path], user: int, shown: Path) -> None:
    """Raises OSError."""
    as_root = os.getuid() == 0
    mine, group = os.getuid(), os.getgid()
    _call("unshare", _MOUNTS | _IPC | _PROCESSES | _NETWORK | (0 if as_root else _USERS))
    if not as_root:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{mine} {mine} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    _call("mount", None, b"/", None, _RECURSIVE | _PRIVATE, None)
    _hide(work, [*kept, shown])
    if child := os.fork():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for number in (0, 1, 2):
            os.close(number)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
    with suppress(OSError):  # where parts of /proc are hidden already, it can't be mounted anew
        _call("mount", b"proc", b"/proc", b"proc", 0, None)
    if as_root:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    else:
        header, nothing = struct.pack("Ii", _CAPABILITIES, 0), bytes(24)
        _call("capset", header, nothing)
    _call("prctl", _NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    _call("prctl", _DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
    for path in kept:
        if not os.access(path, os.R_OK):
            raise PermissionError(13, f"{path} can't be read")


def _hide(work: Path, kept: list[Path]) -> None:
    """Everything is read-only but `work`; homes, temporary folders, devices and this checkout are
    empty but for `kept`, and so is where people mount and share what is theirs."""
    found = {*map(Path, _THEIRS), Path(tempfile.gettempdir()), Path.home(), CHECKOUT or Path.home()}
    hidden = {path.resolve() for path in found if path.is_dir()} - {Path("/")}
    shown = [
        path for path in (*kept, work.resolve()) if any(path.is_relative_to(h) for h in hidden)
    ]
    opened = [(path, path.is_dir(), os.open(path, os.O_PATH | os.O_CLOEXEC)) for path in shown]
    for path in sorted(hidden):
        if path.exists():
            _call("mount", b"none", bytes(path), b"tmpfs", 0, b"mode=755,size=1m")
    for path, is_folder, file in opened:
        if is_folder:
            path.mkdir(parents=True, exist_ok=True)
        elif not path.exists():  # its folder may be among them
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        _call(
            "mount", f"/proc/self/fd/{file}".encode(), bytes(path), None, _BIND | _RECURSIVE, None
        )
        os.close(file)
    _set(b"/", _AT_RECURSIVE, _READ_ONLY | _NO_SUID, 0)
    _set(bytes(work.resolve()), 0, 0, _READ_ONLY)


def _set(path: bytes, flags: int, add: int, clear: int) -> None:
    attributes = struct.pack("QQQQ", add, clear, 0, 0)
    _call("syscall", _MOUNT_SETATTR, _HERE, path, flags, attributes, len(attributes))


def _call(name: str, *arguments: int | bytes | None) -> None:
    """Call a function of the C library. Raises OSError."""
    given = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    if getattr(_libc, name)(*given) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
