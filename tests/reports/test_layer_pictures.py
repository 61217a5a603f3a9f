"""Attention as papers draw it: queries, keys and values enter, each head's equations stand in a frame."""

from __future__ import annotations

from symprop.networks.spec import parse_network
from symprop.reports.lanes import lanes
from symprop.reports.layer_picture import drawn
from symprop.reports.stations import CLOSE

CROSS = 'Input(T, n) >> Attention(2, memory=Input(S, n, name="memory")) >> MeanSquaredError()'


def test_three_arrows_go_to_self_attention_and_two_from_a_memory() -> None:
    ends = {}
    for text in ("Input(T, n) >> Attention(2) >> MeanSquaredError()", CROSS):
        found = lanes(parse_network(text))
        assert found is not None
        attention = next(station for station in found.stations if "attention" in station.name)
        box = [
            arrow.corners[-1] for arrow in found.arrows if abs(arrow.corners[-1][0] - attention.x) <= attention.reach
        ]
        ends[text] = sorted((x < attention.x - 1e-9, y > attention.y + 1e-9) for x, y in box)
    own, cross = ends.values()
    assert own == [(True, False), (True, False), (True, True)]  # from the left, one of them lower
    assert cross == [(False, True), (True, False), (True, True)]  # the memory stands below


def test_boxes_of_attention_are_its_equations_at_a_head() -> None:
    found = drawn(parse_network("Input(T, n) >> Attention(4, kv_heads=2, rope=True) >> MeanSquaredError()").built[0])
    shown = {station.name: station.shown for station in found.stations}
    assert list(shown) == [
        "Input",
        "queries",
        "keys",
        "values",
        "rotated",
        "scores",
        "weights",
        "means of values",
        "of all heads",
    ]
    assert shown["scores"].latex() == "s_{1,gh}" and str(shown["scores"].shape) == "(T, T)"
    (frame,) = found.frames
    assert frame.times == 4
    inside = [station.name for station in found.stations if frame.left < station.x < frame.right]
    assert "Input" not in inside and "of all heads" not in inside and "weights" in inside


def test_no_two_boxes_of_attention_lie_over_each_other() -> None:
    for text in (CROSS, "Input(T, n) >> Attention(h, rope=True, causal=True) >> MeanSquaredError()"):
        places = [(each.column, each.lane) for each in drawn(parse_network(text).built[0]).stations]
        for column, lane in places:
            assert [other for at, other in places if at == column and abs(other - lane) < CLOSE - 1e-9] == [lane]
