"""The recorded power failure: `always` lost nothing, and `everysec` did."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from lab import power


def test_the_record_lost_jobs_with_everysec_only_and_is_called_a_record() -> None:
    always, everysec = power.recorded_power_failures()
    assert always.lost == 0 < everysec.lost < everysec.answered
    assert power.power_picture([always, everysec]).words.startswith("Recorded on another machine.")


def test_both_panels_are_as_high_as_the_longer_log(monkeypatch: pytest.MonkeyPatch) -> None:
    short = power.Failure("always", 1, 1, [(0.0, 0), (1.0, 30_000)], [(1.0, 30_000)])
    long = power.Failure("everysec", 9, 5, [(0.0, 0), (1.0, 300_000)], [(0.5, 90_000)])
    drawn: list[Figure] = []
    monkeypatch.setattr(power.Picture, "of", lambda figure, words: drawn.append(figure))
    power.power_picture([short, long])
    assert all(axes.get_ylim()[1] >= 300 for axes in drawn[0].axes)
