"""The broker's requirements: a Redis without cluster mode, and a user with enough rights."""

import json
import re
from importlib.resources import files

import redis

from .connection import Decoded

#: Commands that are sent outside scripts.
_PLAIN = ("BLPOP", "XREAD", "XRANGE", "MULTI", "EXEC", "HGETALL", "ZCOUNT")
#: Arguments of the commands that need other arguments than a single key. The commands must be
#: well-formed: Valkey 9 crashes when it checks a command without its keys.
_ARGUMENTS = {
    "LMPOP": ("1", "queue:x", "RIGHT"),
    "LMOVE": ("queue:x", "queue:y", "LEFT", "RIGHT"),
    "BLPOP": ("queue:x", "0"),
    "XREAD": ("STREAMS", "queue:x", "0"),
}
#: An example of each kind of key in `keys.py`.
_KEYS = ("queue:x", "job:x", "claims:x:x", "worker:x", "workers", "journal", "done", "blog")
_CALLED = re.compile(r"(?:redis\.p?call\(|redis\.call, |read\([^,]+, |\{)'([A-Z]+)'")
#: A script that returns the rights that the user lacks, or "cluster" in cluster mode. If the user
#: may write to some keys, but not to all, it returns the keys without write access; otherwise the
#: forbidden commands (if no key is writable, perhaps only SET is forbidden).
_DENIED = """
local info = redis.pcall('INFO', 'cluster')
if type(info) == 'string' and string.find(info, 'cluster_enabled:1', 1, true) then
  return {'cluster'}
end
local commands, keys, denied = cjson.decode(ARGV[1]), cjson.decode(ARGV[2]), {}
for _, key in ipairs(keys) do
  if not redis.acl_check_cmd('SET', key, 'x') then denied[#denied + 1] = 'write ' .. key end
end
if #denied > 0 and #denied < #keys then return denied end
denied = {}
for _, words in ipairs(commands) do
  if not redis.acl_check_cmd(unpack(words)) then denied[#denied + 1] = words[1] end
end
return denied
"""


def needed() -> list[str]:
    scripts = (files(__package__) / "scripts").iterdir()
    called = {name for file in scripts for name in _CALLED.findall(file.read_text("utf-8"))}
    return [*sorted(called), *(name for name in _PLAIN if name not in called)]


def refusal(client: Decoded, prefix: str = "") -> str:
    """Return a sentence that explains why the broker cannot use this Redis.

    Returns "" if the broker can use it, or if Redis does not answer.
    """
    commands = [_well_formed(name, prefix) for name in needed()]
    keys = [f"{prefix}{name}" for name in _KEYS]
    ask = client.register_script(_DENIED)
    try:  # sent as EVALSHA, so this checks the right to EVALSHA too
        lacks = ", ".join(ask(args=(json.dumps(commands), json.dumps(keys))))
    except redis.exceptions.NoPermissionError as error:
        lacks = f"{error}"
    except redis.RedisError:
        return ""
    if lacks == "cluster":
        return (
            "This Redis is a cluster (cluster-enabled yes), and the scripts of the broker need all "
            "their keys on one server. Use a server without cluster mode; Sentinel works."
        )
    user = client.connection_pool.connection_kwargs.get("username") or "default"
    return lacks and (
        f"Redis does not let the user {user!r} do what the broker needs: {lacks}. "
        f"It needs the keys {prefix}* and the commands {', '.join(needed())}."
    )


def _well_formed(name: str, prefix: str) -> list[str]:
    arguments = _ARGUMENTS.get(name, ("queue:x",))
    return [name, *(f"{prefix}{word}" if ":" in word else word for word in arguments)]
