"""Every call of the inbox's API, asked at random: none is answered with 500."""

import pytest


@pytest.mark.thorough
def test_no_call_breaks(http, mail_sink, send):
    from fuzzing import NO_ERROR, ask_all

    send("Hello", html="<p>hi")
    description = http.get("/openapi.json").json()
    asked = ask_all(mail_sink.inbox, description, mail_sink.settings.token, NO_ERROR, requests=8)
    assert "PUT /api/faults" in asked
    assert len(asked) >= 8
    assert http.get("/api/stats").status_code == 200
