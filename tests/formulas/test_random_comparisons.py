"""A random pair that was compared without end; more of them are asked by `trust/comparisons.py`."""

from __future__ import annotations

from symprop import compare
from tests.needed import needed_of
from tests.random_comparisons import WHERE, differing_pair

ENDLESS = 2048
"""A pair in which laws of choices stood in each other without end."""


def test_laws_of_choices_do_not_stand_in_each_other_without_end() -> None:
    pair = differing_pair(ENDLESS)
    assert compare(*pair, needed_of(WHERE, *pair)).equal is not True
