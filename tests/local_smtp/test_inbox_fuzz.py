"""Every call of the inbox's API, asked at random: none is answered with 500."""

import os
from contextlib import suppress

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "20"))
"""For each call, valid ones and broken ones; more finds more."""


def test_no_call_breaks(http, mail_sink, send):
    send("Hello", html="<p>hi")
    schema = schemathesis.openapi.from_dict(http.get("/openapi.json").json())
    schema.config.update(base_url=mail_sink.inbox)
    asked = []
    for result in schema.exclude(path="/api/events").get_all_operations():  # that never ends
        operation = result.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            with suppress(Unsatisfiable):  # a call that takes nothing can't be asked wrongly
                ask(operation.as_strategy(generation_mode=mode), mail_sink.settings.token)
        asked.append(operation.label)
    assert "PUT /api/faults" in asked
    assert len(asked) >= 8
    assert http.get("/api/stats").status_code == 200


def ask(strategy, token: str) -> None:
    @given(strategy)
    @settings(
        max_examples=REQUESTS,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def one(case: Case) -> None:
        case.call_and_validate(
            headers={"authorization": f"Bearer {token}"}, checks=[not_a_server_error]
        )

    one()
