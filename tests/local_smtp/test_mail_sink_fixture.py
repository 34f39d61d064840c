"""Tests of the fixture `mail_sink`, as other projects use it."""

from support import run_python

TESTS = """
import smtplib

import pytest

from local_smtp.fault_rules import Fault


def deliver(sink, subject):
    with smtplib.SMTP("127.0.0.1", sink.smtp_port, timeout=10) as client:
        client.sendmail("a@x.test", ["b@x.test"], f"Subject: {subject}\\n\\nwords\\n")


def test_a_mail_is_read(mail_sink):
    deliver(mail_sink, "hello")
    (mail,) = mail_sink.wait_for(1)
    assert mail.subject == "hello"
    assert mail_sink.message(mail).get_content().strip() == "words"


def test_each_test_has_its_own_sink_and_waits_no_longer_than_it_asked_for(mail_sink):
    with pytest.raises(TimeoutError, match="0 of 1 mails"):
        mail_sink.wait_for(1, timeout=0.05)


def test_it_misbehaves_on_request_and_can_be_cleared(mail_sink):
    mail_sink.faults.put([Fault(at="reply", do="answer", code=554, text="no")])
    with pytest.raises(smtplib.SMTPDataError, match="554"):
        deliver(mail_sink, "refused")
    mail_sink.clear()
    deliver(mail_sink, "taken")
    assert [mail.subject for mail in mail_sink.mails()] == ["taken"]
"""


def test_it_is_there_without_a_word(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL_SMTP_SMTP_PORT", "1")  # the settings of another sink
    monkeypatch.setenv("LOCAL_SMTP_HOST", "host.invalid")
    (tmp_path / "test_theirs.py").write_text(TESTS)
    quiet = ("-q", "-p", "no:cacheprovider", "-c", "/dev/null")
    ran = run_python("-m", "pytest", *quiet, "--rootdir", tmp_path, tmp_path, cwd=tmp_path)
    assert "3 passed" in ran.stdout, ran.stdout + ran.stderr


def test_a_run_that_does_not_ask_for_it_does_not_pay_for_it():
    code = "import sys, local_smtp.pytest_plugin; print('fastapi' in sys.modules)"
    assert run_python("-c", code).stdout == "False\n"
