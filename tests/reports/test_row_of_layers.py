"""The row of layers: branches in lanes, signs of what joins them, and nothing drawn over something else."""

from __future__ import annotations

import itertools

import pytest

from symprop import parse_network
from symprop.reports.lanes import Lanes, lanes

BRANCHES = (
    "Input(3) >> Highway(Dense(3) >> Tanh()) >> GLU(2) >> Sum(Dense(2) >> Tanh(), Dense(2), ())"
    " >> Concatenate((), Dense(2) >> ReLU()) >> MeanSquaredError()",
    'Input(3) >> Dense(4) >> Multiply((), Input(5, name="side") >> Dense(4) >> Sigmoid()) >> MeanSquaredError()',
    "Input(n) >> Repeat(Sum(Dense(n) >> Tanh(), Residual(Dense(n) >> Sigmoid()), Concatenate(Dense(k), Dense(k) >> "
    "ReLU()) >> Dense(n), ()), L) >> SwiGLU(k) >> MeanSquaredError()",
    "Input(3) >> Sum((), Multiply(Residual(Residual(Dense(3))), Highway(Dense(3) >> ReLU() >> Dense(3)))) >> "
    "Concatenate(Tanh(), Sigmoid()) >> MeanSquaredError()",
    "Input(3) >> Repeat(Residual(GLU(3) >> Dense(3)), 3) >> Residual(Dense(4), projection=True) >> MeanSquaredError()",
    'Input(8, 8, 3) >> Conv2D(4, 3, padding="same") >> BatchNorm() >> Repeat(Residual(Conv2D(4, 3, padding=1) >> '
    'ReLU() >> Conv2D(4, 3, padding="same")) >> ReLU(), 3) >> GlobalAveragePool() >> Dense(2) >> SoftmaxCrossEntropy()',
    "Input(3) >> Sum((), ()) >> Repeat(Residual(Residual(Dense(3)) >> Residual(Tanh())), 2) >> MeanSquaredError()",
)
Sides = tuple[float, float, float, float]


def drawing(text: str) -> Lanes:
    """Return what is drawn of a network, which is not too wide."""
    found = lanes(parse_network(text))
    assert found is not None
    return found


def into(part: Sides, box: Sides, margin: float) -> bool:
    """Whether a rectangle, or a line, comes into a box by more than a margin."""
    left, right, up, down = box
    across = part[0] < right - margin and part[1] > left + margin
    return across and part[2] < down - margin and part[3] > up + margin


@pytest.mark.parametrize("text", BRANCHES)
def test_nothing_is_drawn_over_something_else(text: str) -> None:
    """Boxes keep apart, and arrows go to their edges and never into them."""
    found = drawing(text)
    boxes = [(s.x - s.reach, s.x + s.reach, s.y - s.half, s.y + s.half) for s in found.stations]
    parts = [
        (min(a, c), max(a, c), min(b, d), max(b, d))
        for arrow in found.arrows
        for (a, b), (c, d) in itertools.pairwise(arrow.corners)
    ]
    assert all(left == right or up == down for left, right, up, down in parts)  # straight, across or down
    assert not [one for one, other in itertools.combinations(boxes, 2) if into(one, other, -0.1)]
    # sums of lengths in centimetres are rounded at the 15th digit
    assert not [(part, box) for part in parts for box in boxes if into(part, box, 1e-9)]


@pytest.mark.parametrize("text", BRANCHES)
def test_every_layer_reads_what_the_equations_say(text: str) -> None:
    """Each station has as many arrows that end at it as its layer reads branches; an input has none."""
    network, found = parse_network(text), drawing(text)
    adding = [built for built in network.built if built.output != built.value and not built.holds_alone]
    reads = {built.output.name: len(built.joins) for built in adding}
    reads |= {each.name: 0 for each in network.inputs}
    for station in found.stations:
        near = [
            arrow
            for arrow in found.arrows
            if abs(arrow.corners[-1][0] - station.x) <= station.reach + 1e-9  # rounding, as above
            and abs(arrow.corners[-1][1] - station.y) <= station.half + 1e-9
        ]
        assert len(near) == reads[station.output.name], station.output.name


def test_an_arc_keeps_away_from_the_arrow_that_comes_from_the_line_above() -> None:
    found = drawing(f"Input(4) {'>> Residual(Dense(4) >> Tanh()) ' * 4} >> MeanSquaredError()")
    tops = {y for arrow in found.arrows if arrow.is_arc for _, y in arrow.corners}
    between = {y for arrow in found.arrows if len(arrow.corners) == 6 for _, y in arrow.corners[2:4]}
    assert between and min(abs(top - level) for top in tops for level in between) > 0.3


def test_branches_stand_in_lanes_with_the_sign_of_what_joins_them() -> None:
    found = drawing(BRANCHES[0])
    joins = [(each.name or each.sign[0], each.output.name) for each in found.stations if each.is_join]
    assert joins == [("Highway", "a2"), ("⊙", "a4"), ("+", "a6"), ("‖", "a7")]
    place = {each.output.name: each for each in found.stations}
    assert place["z1"].column == place["z2"].column and place["z1"].y < place["z2"].y


def test_boxes_say_what_papers_write() -> None:
    found = drawing(
        "Input(40, 28, 4) >> Conv2D(16, (3, 5), stride=2, dilation=2, groups=2) >> GroupNorm(4) >> MaxPool2D(2, 1) >> "
        "AveragePool2D((1, 2)) >> ConvTranspose2D(4, 2, stride=2) >> UpSample2D(2) >> GlobalAveragePool()"
    )
    assert [station.name for station in found.stations[1:]] == [
        "3 × 5 conv, 16, /2, dilation 2, 2 groups",
        "GN, 4 groups",
        "max pool 2 × 2",
        "average pool 1 × 2, /1 × 2",
        "2 × 2 transposed conv, 4, ×2",
        "upsample ×2",
        "global average pool",
    ]
    assert drawing('Input(9, 4) >> Conv1D(4, 3, padding="causal", depthwise=True)').stations[1].name == (
        "depthwise causal conv 3, 4"
    )


def test_blocks_that_are_alike_are_drawn_once_in_a_frame_that_lies_around_them() -> None:
    for text, times in ((BRANCHES[5], "3"), (BRANCHES[2], "L")):
        found = drawing(text)
        assert [str(frame.times) for frame in found.frames if frame.times is not None] == [times]
        boxes = [(s.x - s.reach, s.x + s.reach, s.y - s.half, s.y + s.half) for s in found.stations]
        for f in found.frames:
            frame = f.left, f.right, f.top, f.bottom
            inside = [box for box in boxes if into(box, frame, 0)]
            assert inside and all(f.left < b[0] and b[1] < f.right and f.top < b[2] and b[3] < f.bottom for b in inside)
    assert not drawing("Input(9, 9, 1) >> Repeat(Conv2D(4, 2), 3)").frames  # each makes the image smaller


def test_branches_longer_than_a_line_are_left_to_the_table() -> None:
    row = " >> ".join(["Dense(3)"] * 8)
    assert lanes(parse_network(f"Input(3) >> Sum({row}, {row})")) is None
    assert lanes(parse_network(f"Input(3) >> Residual({row})")) is not None
