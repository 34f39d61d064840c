"""Tests that a stack refuses an unsuitable external Redis, and names the reason."""

from collections.abc import Iterator

import pytest
from support import client_of, redis_running

from demo_app.broker.connection import masked
from demo_app.commands import main
from demo_app.stack import Stack, StackError
from demo_app.stack.preflight import check, require_suitable

#: A part of INFO that a suitable server returns.
FINE = {"redis_version": "7.2.4", "role": "master", "maxmemory_policy": "noeviction"}


@pytest.fixture
def url() -> Iterator[str]:
    with redis_running() as url:
        yield url


def _as(url: str, user: str, password: str) -> str:
    return url.replace("://", f"://{user}:{password}@")


def _refusal(url: str) -> str:
    with pytest.raises(StackError) as refused:
        check(url)
    assert "secret" not in str(refused.value)
    return str(refused.value)


def test_a_server_that_will_do_passes_without_a_word(url: str) -> None:
    assert check(url) == ""


def test_a_server_that_evicts_is_refused(url: str) -> None:
    client_of(url).config_set("maxmemory-policy", "volatile-ttl")
    assert "(maxmemory-policy volatile-ttl)" in _refusal(url)


def test_a_user_who_lacks_a_command_is_refused_by_name(url: str) -> None:
    rules = ["on", ">secret", "~*", "&*", "+@all", "-LMPOP"]
    client_of(url).execute_command("ACL", "SETUSER", "reader", *rules)
    assert "'reader' do what the broker needs: LMPOP." in _refusal(_as(url, "reader", "secret"))


def test_a_wrong_password_is_reported(url: str) -> None:
    client_of(url).config_set("requirepass", "another-secret")
    assert "rejects the password" in _refusal(_as(url, "default", "my-secret"))
    assert "requires a password" in _refusal(url)


def test_nobody_there(url: str) -> None:
    assert "redis.sock.gone: Error 2 connecting" in _refusal(url + ".gone")
    assert "is not a Redis URL" in _refusal("nonsense")
    for wrong in ("host:port/blog", "host/blog/first", ";/blog", "host"):
        assert "Sentinel URL needs hosts, a name" in _refusal(f"sentinel://{wrong}")
    assert ":***@" in _refusal("redis://user:secret@127.0.0.1:1/0")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"redis_version": "6.2.14"}, "is Redis 6.2.14, and the queue needs 7 or later"),
        ({"role": "slave"}, "is a replica"),
        ({"role": None, "sentinel_masters": 1}, "is a Sentinel: use a URL such as sentinel"),
    ],
)
def test_an_unsuitable_server_is_refused_with_its_reason(change, sentence) -> None:
    require_suitable(FINE, "redis://x")
    with pytest.raises(StackError, match=sentence):
        require_suitable({**FINE, **change}, "redis://x")


def test_a_server_that_keeps_no_log_is_a_warning() -> None:
    with redis_running(persistence=False) as url:
        warning = check(url)
    assert "append-only file" in warning


def test_passwords_are_masked_everywhere() -> None:
    assert masked("redis://:p%40ss@host:1/0") == "redis://:***@host:1/0"
    assert masked("unix:///a.sock?db=0&password=secret") == "unix:///a.sock?db=0&password=***"
    assert masked("redis://host/0") == "redis://host/0"


def test_a_stack_does_not_start_on_it_and_the_doctor_says_so(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client_of(url).config_set("maxmemory-policy", "allkeys-lru")
    with pytest.raises(StackError, match="maxmemory-policy allkeys-lru"), Stack(redis_url=url):
        pass
    monkeypatch.setenv("DEMO_REDIS_URL", url)
    assert main(["doctor"]) == 1
    assert "maxmemory-policy allkeys-lru" in capsys.readouterr().out
