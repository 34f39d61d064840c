"""People with every kind of colour vision can read the pictures."""

from __future__ import annotations

from itertools import combinations

import pytest
from notebooks.colours import BLINDNESS, contrast, difference, seen_by

from demo_app.demo import colours

SURFACES = {
    name: getattr(colours, name)
    for name in ("WAITING", "RUNNING", "CUT_SHORT", "KILL", "DELIVERED")
}


@pytest.mark.parametrize("kind", BLINDNESS)
def test_each_two_colours_differ_for_the_colour_blind(kind: str) -> None:
    for (one, a), (other, b) in combinations(SURFACES.items(), 2):
        apart = difference(seen_by(kind, a), seen_by(kind, b))
        assert apart > 15, f"{one} and {other} look alike with {kind}: {apart:.0f}"


@pytest.mark.parametrize("name", ["RUNNING", "KILL", "DELIVERED", "EDGE", "GOOD"])
def test_what_carries_a_meaning_stands_out_from_the_paper(name: str) -> None:
    """WCAG 2, success criterion 1.4.11: graphical objects, at least 3:1."""
    assert contrast(getattr(colours, name), colours.PAPER) >= 3


def test_the_pale_surface_has_an_edge_that_stands_out() -> None:
    assert contrast(colours.EDGE, colours.WAITING) >= 3
    assert contrast(colours.EDGE, colours.PAPER) >= 3


def test_text_can_be_read_on_what_it_stands_on() -> None:
    """WCAG 2, success criterion 1.4.3: at least 4.5:1."""
    assert contrast(colours.INK, colours.PAPER) >= 4.5
    assert contrast(colours.INK, colours.WAITING) >= 4.5
    assert contrast(colours.PAPER, colours.RUNNING) >= 4.5
