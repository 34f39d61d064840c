"""Tests of connections to a mail server by URL, with TLS only to trusted certificates."""

import smtplib
import ssl
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from certificate import tls_context
from mail.sample import Received, serving
from pydantic import ValidationError

from demo_app.mail.connection import as_mail_error, connect
from demo_app.settings import Settings

TLS = ["smtps", "smtp+starttls"]


def served(
    scheme: str, folder: Path, host: str = "127.0.0.1"
) -> AbstractContextManager[tuple[str, Received]]:
    context = tls_context(folder)
    tls: dict[str, dict[str, Any]] = {
        "smtps": {"ssl_context": context},
        "smtp+starttls": {"tls_context": context, "require_starttls": True},
    }
    return serving(host, **tls.get(scheme, {}))


@pytest.mark.parametrize("scheme", ["smtp", *TLS])
def test_a_mail_arrives(tmp_path: Path, scheme: str) -> None:
    with served(scheme, tmp_path) as (address, received):
        url = f"{scheme}://{address}"
        settings = Settings(smtp_url=url, smtp_ca_file=tmp_path / "certificate.pem")
        with connect(settings) as smtp:
            smtp.sendmail("blog@blog.test", "akiko@blog.test", "Hello.")
        assert len(received) == 1


@pytest.mark.parametrize("scheme", TLS)
def test_an_untrusted_certificate_is_refused(tmp_path: Path, scheme: str) -> None:
    with (
        served(scheme, tmp_path) as (address, _),
        pytest.raises(ssl.SSLCertVerificationError, match="self-signed"),
    ):
        connect(Settings(smtp_url=f"{scheme}://{address}"))


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere 127.0.0.1 is alone")
@pytest.mark.parametrize("scheme", TLS)
def test_a_certificate_of_another_host_is_refused(tmp_path: Path, scheme: str) -> None:
    with served(scheme, tmp_path, "127.0.0.2") as (address, _):
        url = f"{scheme}://{address}"
        settings = Settings(smtp_url=url, smtp_ca_file=tmp_path / "certificate.pem")
        with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
            connect(settings)


@pytest.mark.parametrize("scheme", TLS)
def test_a_server_without_the_required_tls_is_refused(scheme: str) -> None:
    with serving() as (address, _), pytest.raises(OSError, match=r"STARTTLS|SSL"):
        connect(Settings(smtp_url=f"{scheme}://{address}"))


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("smtp://a.test", 25), ("smtp+starttls://a.test", 587),
        ("smtps://a.test", 465), ("smtps://a.test:1465", 1465),
    ],
)  # fmt: skip
def test_the_port_is_the_scheme_s_own_unless_one_is_named(url: str, port: int) -> None:
    assert Settings(smtp_url=url).smtp_address == ("a.test", port)


@pytest.mark.parametrize(
    "url", ["imap://a.test", "a.test:25", "smtp://", "smtp://a.test:0", "smtp://me:sec/ret@a.test"]
)
def test_another_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValidationError, match="smtps://") as refused:
        Settings(smtp_url=url)
    assert "sec" not in str(refused.value)


@pytest.mark.parametrize(
    "error", [ssl.SSLCertVerificationError("self-signed"), smtplib.SMTPNotSupportedError("no AUTH")]
)
def test_a_server_that_answers_but_does_not_suit_is_not_called_silent(error: OSError) -> None:
    assert str(as_mail_error(error)).startswith("the mail server can't be used: ")
