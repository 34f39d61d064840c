"""Every call of an API, asked at random, with valid requests and with broken ones.

A test imports it when it runs: to load schemathesis takes longer than to collect the whole suite.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

#: No 500; WHOLE_SCHEMA: and no answer that breaks the API's own description.
NO_ERROR = (not_a_server_error,)
WHOLE_SCHEMA = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)


def ask_all(
    url: str, description: dict[str, Any], token: str, expected: tuple[Any, ...], requests: int
) -> list[str]:
    """Ask every call; returns their names, as `POST /api/x`.

    description: the API's own, as OpenAPI. requests: for each call, valid ones and broken ones;
    the variable FUZZ_REQUESTS sets another number, and more finds more.
    """
    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=url)
    asked = []
    # the stream of events never ends, and the browser's tests listen to it
    for result in schema.exclude(path="/api/events").get_all_operations():
        operation = result.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            with suppress(Unsatisfiable):  # a call that takes nothing can't be asked wrongly
                _ask(operation.as_strategy(generation_mode=mode), token, expected, requests)
        asked.append(operation.label)
    return asked


def _ask(strategy: Any, token: str, expected: tuple[Any, ...], requests: int) -> None:
    @given(strategy)
    @settings(
        max_examples=int(os.environ.get("FUZZ_REQUESTS", requests)),
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Case) -> None:
        case.call_and_validate(headers={"authorization": f"Bearer {token}"}, checks=expected)

    ask()
