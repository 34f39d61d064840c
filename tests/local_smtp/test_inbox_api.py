import json

import pytest
from support import until

from local_smtp.fault_rules import Fault, Match


def ids(page: dict) -> list[int]:
    return [message["id"] for message in page["messages"]]


def test_stats_and_list_have_the_agreed_form(http, send):
    send("Hello", message_id="<1@example.test>")
    send("Hello", message_id="<1@example.test>")
    assert http.get("/api/stats").json() == {
        "accepted": 2, "distinct": 1, "duplicates": 1, "refused": 0,
    }  # fmt: skip
    page = http.get("/api/messages").json()
    assert (page["total"], page["next"]) == (1, None)
    (message,) = page["messages"]
    agreed = {"id", "message_id", "from", "to", "subject", "received_at", "deliveries", "size"}
    assert agreed <= message.keys()
    assert message["from"] == "blog@example.test"
    assert message["to"] == ["author@example.test"]
    assert (message["message_id"], message["deliveries"]) == ("<1@example.test>", 2)


def test_pages_stay_right_while_mails_arrive(http, send):
    for number in range(1, 10):
        send(f"{number}")
    seen: list[int] = []
    query = {"limit": "2"}
    while True:
        page = http.get("/api/messages", params=query).json()
        seen += ids(page)
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
        send("one more meanwhile")
        if len(seen) == 4:
            send("one more")
    assert seen == [9, 8, 7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", "dcba"),
        ("LUNCH", "b"),
        ("unc", "b"),
        ("ada plan", "a"),
        ("bob ada", ""),
        ("<a@x>", "a"),
        ("job-7", "b"),
        ("件名", "c"),
        ("100%", "d"),
        ("0%", "d"),
        ("0_", ""),
        ("'unpaired\"quote", ""),
        ("tomatoes", ""),
        ("\0", "dcba"),
    ],
)
def test_search_looks_at_what_is_known_without_taking_mails_apart(http, send, words, found):
    send("Plan a", message_id="<a@x>", sender="ada@example.test")
    send("Plan a", message_id="<a@x>", sender="ada@example.test")
    send("Lunch b", to="bob@example.test", body="tomatoes\n", headers={"X-Job-Id": "job-7"})
    send("件名 c")
    send("100% off d")
    page = http.get("/api/messages", params={"search": words}).json()
    assert "".join(message["subject"][-1] for message in page["messages"]) == found
    assert page["total"] == len(found)


def test_a_mail_is_taken_apart(http, send):
    send(
        "=?utf-8?q?caf=C3=A9?=", body="plain\n", html='<p>rich</p><img src="https://x.test/p.gif">'
        '<a href="https://x.test/?a=1&amp;b=2">x</a><a href="javascript:1">y</a>',
    )  # fmt: skip
    mail = http.get("/api/messages/1").json()
    assert (mail["subject"], mail["text"], mail["has_html"]) == ("café", "plain\r\n", True)
    assert ["Subject", "café"] in mail["headers"]
    assert mail["links"] == ["https://x.test/?a=1&b=2"]
    assert mail["job_id"] is None
    (delivery,) = mail["delivery_log"]
    assert [who for _, who, _ in delivery["dialogue"]][:2] == ["S", "C"]


def test_the_raw_mail_is_a_download_of_its_bytes(http, smtp):
    raw = b"Subject: \xff\r\n\r\n\x00\xfe\r\n"
    smtp.sendmail("a@example.test", ["b@example.test"], raw)
    answer = http.get("/api/messages/1/raw")
    assert answer.content == raw
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]


def test_an_attachment_is_a_download_and_never_what_it_claims_to_be(http, smtp):
    smtp.sendmail(
        "a@example.test",
        ["b@example.test"],
        b'Content-Type: text/html; name="../../ev\xc3\xafl\\"; x=y.html"\r\n'
        b'Content-Disposition: attachment; filename="../../ev\xc3\xafl=?utf-8?q?=E2=80=AE?=.html"'
        b"\r\n\r\n"
        b"<script>alert(1)</script>",
    )
    (attachment,) = http.get("/api/messages/1").json()["attachments"]
    assert not set(attachment["name"]) & {"/", "\u202e"}
    answer = http.get(f"/api/messages/1/parts/{attachment['part']}")
    assert answer.content == b"<script>alert(1)</script>\r\n"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")


def test_all_are_deleted(http, send):
    for number in range(3):
        send(f"mail {number}", message_id=f"<{number}@x>")
    assert http.delete("/api/messages").json() == {"deleted": 3}
    assert http.get("/api/messages").json()["total"] == 0
    assert set(http.get("/api/stats").json().values()) == {0}
    send("again", message_id="<1@x>")
    assert http.get("/api/stats").json()["duplicates"] == 0


@pytest.mark.parametrize("path", ["", "/raw", "/html", "/parts/0"])
def test_a_missing_mail_is_404_with_a_sentence(http, path):
    answer = http.get(f"/api/messages/77{path}")
    assert answer.status_code == 404
    assert "no such mail" in answer.json()["detail"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "cursor=x", "cursor=-1", f"search={'x' * 501}"]
)
def test_nonsense_is_422(http, query):
    assert http.get(f"/api/messages?{query}").status_code == 422


def test_faults_are_put_listed_and_taken_back(http, send):
    rule = {"at": "reply", "do": "lose", "match": {"to": "*@example.test", "every": 2}}
    (put,) = http.put("/api/faults", json=[rule]).raise_for_status().json()
    send("kept")
    send("lost")
    (listed,) = http.get("/api/faults").json()
    assert listed == put | {"hits": 1}
    assert http.put("/api/faults", json=[listed]).json() == [listed]
    assert http.delete("/api/faults").json() == []
    assert http.get("/api/faults").json() == []


def test_a_rule_from_the_contract_is_taken_as_it_stands(http):
    rule = {
        "at": "rcpt", "do": "answer", "seconds": 1.5, "code": 451, "text": "try again later",
        "match": {"to": "*@example.test", "from": "*", "subject": "*", "nth": 3, "every": 5},
        "probability": 1.0, "times": None, "seed": 7,
    }  # fmt: skip
    (put,) = http.put("/api/faults", json=[rule]).raise_for_status().json()
    assert put == rule | {"id": 1, "hits": 0}


def test_events_tell_of_every_mail_and_every_fault(mail_sink, http, send):
    mail_sink.faults.put([Fault(at="rcpt", do="answer", match=Match(to="no@*"))])
    with http.stream("GET", "/api/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        named = (line.removeprefix("event: ") for line in lines if line.startswith("event: "))
        events = ((name, json.loads(next(lines).removeprefix("data: "))) for name in named)
        send("one", message_id="<1@x>")
        send("one", message_id="<1@x>")
        with pytest.raises(Exception, match="451"):
            send(to="no@x.test")
        # read the three events before deleting the mails: a deleted mail's event is not sent
        seen = [next(events) for _ in range(3)]
        http.delete("/api/messages")
        seen.append(next(events))
    assert [name for name, _ in seen] == ["mail", "mail", "fault", "changed"]
    assert [data["duplicate"] for _, data in seen[:2]] == [False, True]
    assert seen[2][1]["reply"] == "451 try again later"


def test_a_listener_that_vanishes_is_forgotten(mail_sink, listen, send):
    for _ in range(5):
        listen(mail_sink.inbox, mail_sink.settings.token).close()
    until(lambda: send() or not mail_sink._events._listeners, what="the end of the listeners")


NONSENSE = {
    "not a number": b'[{"at": "rcpt", "do": "wait", "seconds": NaN}]',
    "half a pair": b'[{"at": "rcpt", "do": "answer", "text": "\\ud800"}]',
    "no text": b"\xff\xfe\x00",
    "no list": b'{"at": "rcpt"}',
    "a number of 5,000 digits": b'[{"at": "rcpt", "do": "close", "seed": ' + b"9" * 5000 + b"}]",
    "brackets": b"[" * 100_000,
}


@pytest.mark.parametrize("name", NONSENSE)
def test_a_body_of_nonsense_is_refused_with_a_sentence(http, name):
    json_body = {"Content-Type": "application/json"}
    answer = http.put("/api/faults", content=NONSENSE[name], headers=json_body)
    assert answer.status_code in (400, 422)
    assert "form" not in str(answer.json()["detail"])
    assert http.get("/api/faults").json() == []


@pytest.mark.parametrize(("tab", "letters", "cut"), [("text", 100_001, True), ("source", 9, False)])
def test_a_page_says_that_it_shows_only_a_part_of_a_mail(http, smtp, tab, letters, cut):
    smtp.sendmail("a@x.test", ["b@x.test"], b"\r\n" + "é".encode() * letters)
    page = http.get(f"/?mail=1&tab={tab}", headers={"Accept": "text/html"}).text
    assert ("The download has all of it" in page) == cut
