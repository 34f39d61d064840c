"""Every call of the API, asked at random: no 500, and no answer that breaks its own schema."""

from __future__ import annotations

import httpx
import pytest

from demo_app.stack import Stack


@pytest.mark.thorough
def test_no_call_breaks_and_every_answer_fits_its_schema(stack: Stack) -> None:
    from fuzzing import WHOLE_SCHEMA, ask_all

    web, token = stack.ready["web"], stack.ready["token"]
    headers = {"authorization": f"Bearer {token}"}
    description = httpx.get(f"{web}/openapi.json", headers=headers).json()
    asked = ask_all(web, description, token, WHOLE_SCHEMA, requests=4)
    assert "POST /api/posts/{post_id}/comments" in asked
    assert len(asked) >= 7, asked
    assert httpx.get(f"{web}/healthz").status_code == 200
