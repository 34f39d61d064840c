"""Every call of the API, asked at random: no 500, and no answer that breaks its own schema."""

from __future__ import annotations

import os
from contextlib import suppress

import httpx
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from demo_app.stack import Stack

#: Random requests for each call, valid ones and broken ones; more finds more.
REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "40"))
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]


def test_no_call_breaks_and_every_answer_fits_its_schema(stack: Stack) -> None:
    headers = {"authorization": f"Bearer {stack.ready['token']}"}
    told = httpx.get(f"{stack.ready['web']}/openapi.json", headers=headers).json()
    schema = schemathesis.openapi.from_dict(told)
    schema.config.update(base_url=stack.ready["web"])
    asked = []
    # the stream of events never ends, and the browser's tests listen to it
    for result in schema.exclude(path="/api/events").get_all_operations():
        operation = result.ok()
        _try(operation.as_strategy(generation_mode=GenerationMode.POSITIVE), headers)
        with suppress(Unsatisfiable):  # a call that takes nothing can't be asked wrongly
            _try(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), headers)
        asked.append(operation.label)
    assert "POST /api/posts/{post_id}/comments" in asked
    assert len(asked) >= 7, asked
    health = httpx.get(f"{stack.ready['web']}/healthz")
    assert health.status_code == 200


def _try(strategy, headers: dict[str, str]) -> None:
    @given(strategy)
    @settings(
        max_examples=REQUESTS,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Case) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    ask()
