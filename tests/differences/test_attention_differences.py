"""What changes from one attention to another: what a person would say, and no equation that only got another number."""

from __future__ import annotations

import pytest

import symprop
from symprop.differences.changes import FORWARD, Change

NETWORK = "Input(T, n) >> {} >> MeanSquaredError()"
PLAIN = NETWORK.format("Attention(4)")


def names(changes: tuple[Change, ...], after: bool = True) -> list[str]:
    sides = [change.after if after else change.before for change in changes if change.part == FORWARD]
    return [side.left.text() for side in sides if side is not None]


@pytest.mark.parametrize(
    ("layer", "added", "changed"),
    [
        ("Attention(4, causal=True)", [], ["s1"]),
        ("Attention(4, rope=True)", ["q_rot1", "k_rot1"], ["s1"]),
        ("Attention(1)", [], ["s1"]),  # by the width of a head
    ],
)
def test_what_an_option_of_attention_changes(layer: str, added: list[str], changed: list[str]) -> None:
    found = symprop.diff(PLAIN, NETWORK.format(layer))
    assert (names(found.added), names(found.changed), names(found.removed, False)) == (added, changed, [])


def test_a_norm_after_the_sum_reads_the_sum() -> None:
    before, after = "Residual(LayerNorm() >> Attention(4))", "Residual(Attention(4)) >> LayerNorm()"
    found = symprop.diff(NETWORK.format(before), NETWORK.format(after))
    assert found.layers == ("LayerNorm() moves, from layer 1 of A to layer 2 of B",)
    assert names(found.removed, False) == names(found.added) == []
    assert names(found.changed) == ["mu1", "r1", "x_hat1"]
    page = " ".join(found.pretty().split())
    assert (
        "In B, q₁, k₁, v₁, ∂L/∂Wv₁, ∂L/∂Wk₁ and ∂L/∂Wq₁ read x in the place of u₁" in page
        and "In B, L reads u₁ in the place of h₁." in page
    )
