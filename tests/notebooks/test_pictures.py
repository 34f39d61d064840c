"""Pictures of what a busy machine did otherwise than the lesson expects."""

from __future__ import annotations

from demo_app.demo.timeline import Timeline
from lab.pictures import herd_picture, in_tenths


def test_a_herd_of_which_no_job_had_to_try_again_has_a_picture() -> None:
    counts = in_tenths(Timeline([], [], {}), {"job-1": "call_in_step"})
    assert max(counts["call_in_step"].values()) == 0
    assert "at most 0 tries" in herd_picture(**counts).words
