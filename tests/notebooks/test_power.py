"""The recorded power failure: `always` lost nothing, and `everysec` did."""

from __future__ import annotations

from lab import power


def test_the_record_lost_jobs_with_everysec_only_and_is_called_a_record() -> None:
    always, everysec = power.recorded_power_failures()
    assert always.lost == 0 < everysec.lost < everysec.answered
    assert power.power_picture([always, everysec]).words.startswith("Recorded on another machine.")
