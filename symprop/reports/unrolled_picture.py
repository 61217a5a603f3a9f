"""Recurrent layers drawn moment by moment: states that go forwards in time, derivatives that come back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import escape
from sympy import Integer

from symprop.algebra.equations import Loop
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import DELTA, PARAMETER, WINDOW
from symprop.algebra.trees import variables
from symprop.analysis.derivation import Derivation
from symprop.analysis.truncation import before_windows
from symprop.networks.sizes import TIME
from symprop.notation.blocks import Picture
from symprop.notation.page_blocks import PageWriter
from symprop.notation.pretty import pretty
from symprop.notation.svg import STYLE
from symprop.notation.words import Math

WIDE, TALL, APART, BETWEEN = 2.1, 1.0, 0.6, 1.5
"""Centimetres: a cell of one state, what another adds to its height, and from layer to layer."""
PITCH, WIDEST = 3.2, 16.0
"""Centimetres from moment to moment, and the widest drawing that labels at all arrows may make."""
PIXELS = 46.0
POINTS = 28.45
MOMENTS = 3
_FONT = r"\fontsize{8}{9}\selectfont"


@dataclass(frozen=True)
class Box:
    """Something with a name at a place: a state, what a layer reads, the loss; one that is not `tall` has no frame."""

    x: float
    y: float
    lines: tuple[Node, ...]
    back: tuple[Node, ...] = ()
    tall: float = 0.0


@dataclass(frozen=True)
class Arrow:
    """An arrow of one pass; what stands beside it is above or below, or at its right where it goes up or down."""

    start: tuple[float, float]
    end: tuple[float, float]
    label: Node | None
    is_back: bool = False


@dataclass(frozen=True)
class Layer:
    """A recurrent layer in both passes: its loop, and that of the backward pass."""

    forward: Loop
    backward: Loop

    @property
    def tall(self) -> float:
        """How high a cell is drawn."""
        return TALL + APART * (len(self.backward.flows) - 1)

    @property
    def recurrent(self) -> list[Variable]:
        """The matrices by which states are multiplied."""
        before = {carry.before for carry in self.forward.carries}
        read = (each for each in self.forward.equations if before & set(variables(each.expression)))
        found = dict.fromkeys(part for each in read for part in variables(each.expression) if part.role == PARAMETER)
        return [each for each in found if each.rank == 2 and each.letter != "W"]

    def delta(self, moment: int) -> tuple[Node, ...]:
        """The derivative by the layer's pre-activations at a moment."""
        found = (each.target for each in self.backward.equations if each.target.role == DELTA)
        return tuple(each.xreplace({TIME: Integer(moment)}) for each in found)

    def flows(self, moment: int) -> Iterator[Node]:
        """What flows back to a moment from the next one, unless a window begins there."""
        every = next((carry.every for carry in self.backward.carries), None)
        if every is None or moment % every:
            yield from (before_windows(flow).xreplace({TIME: Integer(moment + 1)}) for flow in self.backward.flows)


def unrolled_pictures(derivation: Derivation, writer: PageWriter, moments: int) -> Iterator[Picture]:
    """Yield a drawing of each stack of recurrent layers that is written out for so many moments."""
    for number, layers in enumerate(_stacks(derivation), start=1):
        boxes, arrows = _placed(layers, moments, writer)
        words: list[str | Math] = [f"The first {moments} moments: states go to the right, derivatives to the left"]
        for layer in layers:
            for carry, flow in zip(layer.forward.carries, layer.backward.flows, strict=False):
                back = before_windows(flow).xreplace({TIME: TIME + 1})
                words += ["; to ", Math(writer.formula(carry.after)), " flows back ", Math(writer.formula(back))]
        label = f"fig:unrolled-{number}" if number > 1 else "fig:unrolled"
        yield Picture(_tikz(boxes, arrows, writer), _svg(boxes, arrows), (*words, "."), label)


def _stacks(derivation: Derivation) -> list[list[Layer]]:
    """The recurrent layers, those together of which one reads what the one before it made."""
    backward = [each for each in derivation.backward if isinstance(each, Loop) and each.index == TIME]
    forward = [each for each in derivation.system.items if isinstance(each, Loop) and each.index == TIME]
    found: list[list[Layer]] = []
    for loop, back in zip(forward, reversed(backward), strict=False):
        reads = {rows.array for rows in loop.reads}
        if found and reads & {rows.array for rows in found[-1][-1].forward.writes}:
            found[-1].append(Layer(loop, back))
        else:
            found.append([Layer(loop, back)])
    return found


def _placed(layers: Sequence[Layer], moments: int, writer: PageWriter) -> tuple[list[Box], list[Arrow]]:
    labels = [flow for layer in layers for flow in layer.flows(1)]
    widest = max((0.8 * writer.paper.width(_inline(writer.formula(each))) / POINTS for each in labels), default=0.0)
    pitch = max(PITCH, WIDE + widest + 0.4)
    fits = pitch * moments + WIDE <= WIDEST
    pitch = pitch if fits else PITCH
    boxes: list[Box] = []
    arrows: list[Arrow] = []

    def at(variable: Node, moment: int) -> Node:
        moved: Node = variable.xreplace({TIME: Integer(moment)})
        return moved

    below = [(pitch * moment, 0.0) for moment in range(1, moments + 1)]
    row = layers[0].forward.reads[0].row
    boxes += [Box(x, y, (at(row, moment),)) for moment, (x, y) in enumerate(below, start=1)]
    y = 0.0
    for level, layer in enumerate(layers):
        y -= (layers[level - 1].tall if level else 0.5) / 2 + BETWEEN + layer.tall / 2
        states = [carry.after for carry in layer.forward.carries]
        boxes.append(Box(WIDE / 2 - 0.6, y, tuple(at(each, 0) for each in states)))
        for moment, (x, under) in enumerate(below, start=1):
            boxes.append(Box(x, y, tuple(at(each, moment) for each in states), layer.delta(moment), layer.tall))
            foot = under - (layers[level - 1].tall / 2 if level else 0.25)
            up = [each for each in layer.forward.equations if row in variables(each.expression)]
            weight = next((each for each in variables(up[0].expression) if each.letter == "W"), None) if up else None
            arrows.append(Arrow((x - 0.25, foot), (x - 0.25, y + layer.tall / 2), weight))
            if level:
                down = _written(layer.backward)
                label = None if down is None else at(down, moment)
                arrows.append(Arrow((x + 0.25, y + layer.tall / 2), (x + 0.25, foot), label, True))
            left = pitch * (moment - 1) + (WIDE / 2 if moment > 1 else WIDE / 2 + 0.3)
            matrix = layer.recurrent[0] if layer.recurrent else None
            arrows.append(Arrow((left, y - layer.tall / 2 + 0.25), (x - WIDE / 2, y - layer.tall / 2 + 0.25), matrix))
            flows = list(layer.flows(moment - 1)) if moment > 1 else []
            for place, flow in enumerate(flows):
                line = y - layer.tall / 2 + 0.6 + APART * place
                arrows.append(Arrow((x - WIDE / 2, line), (left, line), flow if fits else None, True))
        below = [(pitch * moment, y) for moment in range(1, moments + 1)]
        row = layer.forward.writes[0].row if layer.forward.writes else states[0]
    arriving = layers[-1].backward.reads[0].row if layers[-1].backward.reads else None
    for moment, (x, y) in enumerate(below, start=1):
        if layers[-1].forward.writes:
            head = y - layers[-1].tall / 2
            arrows.append(Arrow((x - 0.25, head), (x - 0.25, head - 0.8), None))
            label = None if arriving is None or arriving.role == WINDOW else at(arriving, moment)
            arrows.append(Arrow((x + 0.25, head - 0.8), (x + 0.25, head), label, True))
    return boxes, arrows


def _written(loop: Loop) -> Node | None:
    """What a step of a backward loop makes for the layer below."""
    rows = {each.row for each in loop.writes}
    return next((each.expression for each in loop.equations if each.target in rows), None)


def _tikz(boxes: Iterable[Box], arrows: Iterable[Arrow], writer: PageWriter) -> str:
    lines = [
        rf"\begin{{tikzpicture}}[x=1cm, y=-1cm, >={{Stealth[length=5pt]}}, font={_FONT},",
        rf"  cell/.style={{draw=blue!55!black, fill=blue!6, rounded corners=3pt, minimum width={WIDE}cm,",
        r"    align=center, inner sep=0pt},",
        r"  go/.style={->, semithick, blue!55!black}, back/.style={->, semithick, densely dashed, orange!70!black}]",
    ]
    for box in boxes:
        names = ",\\,".join(map(writer.formula, box.lines))
        below = "".join(rf"\\[1pt]\textcolor{{orange!70!black}}{{${writer.formula(each)}$}}" for each in box.back)
        style = "inner sep=2pt" if not box.tall else f"cell, minimum height={box.tall:.2f}cm"
        lines.append(rf"  \node[{style}] at ({box.x:.2f}, {box.y:.2f}) {{${names}${below}}};")
    for arrow in arrows:
        (x, y), (right, down) = arrow.start, arrow.end
        side = (
            "right" if x == right and arrow.is_back else "left" if x == right else "below" if arrow.is_back else "above"
        )
        label = (
            ""
            if arrow.label is None
            else rf" node[midway, {side}, inner sep=1.5pt] {{${_inline(writer.formula(arrow.label))}$}}"
        )
        lines.append(
            rf"  \draw[{'back' if arrow.is_back else 'go'}] ({x:.2f}, {y:.2f}) -- ({right:.2f}, {down:.2f}){label};"
        )
    return "\n".join([*lines, r"\end{tikzpicture}"]) + "\n"


def _inline(formula: str) -> str:
    """Return a formula with its derivatives in one line, which takes less room beside an arrow."""
    return re.sub(r"\\frac\{(\\partial \w+)\}\{((?:[^{}]|\{[^{}]*\})*)\}", r"\1/\2", formula)


def _svg(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    corners = [*(arrow.start for arrow in arrows), *(arrow.end for arrow in arrows)]
    left, top = -0.6, min(y for _, y in corners) - 0.3
    width = (max(box.x for box in boxes) + WIDE - left + 0.6) * PIXELS
    height = (max(box.y for box in boxes) - top + 0.5) * PIXELS

    def px(place: tuple[float, float]) -> tuple[float, float]:
        return (place[0] - left) * PIXELS, (place[1] - top) * PIXELS

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="symprop-figure" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" role="img">',
        "<title>The recurrent layers moment by moment, both passes</title>",
        f"<style>{STYLE}</style>",
        "<defs>",
        *(
            f'<marker id="unrolled-{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            f'orient="auto-start-reverse"><path d="M 0 1 L 9 5 L 0 9 z" style="fill: var(--{colour})"/></marker>'
            for name, colour in (("go", "edge"), ("back", "back"))
        ),
        "</defs>",
    ]
    for box in boxes:
        x, y = px((box.x, box.y))
        if box.tall:
            at = f'x="{x - WIDE / 2 * PIXELS:.1f}" y="{y - box.tall / 2 * PIXELS:.1f}"'
            parts.append(f'<rect {at} width="{WIDE * PIXELS:.1f}" height="{box.tall * PIXELS:.1f}" class="operation"/>')
        names = ", ".join(map(pretty, box.lines))
        up = 9 if box.back else 0
        parts.append(f'<text x="{x:.1f}" y="{y - up:.1f}" class="middle">{escape(names)}</text>')
        for each in box.back:
            parts.append(
                f'<text x="{x:.1f}" y="{y + 12:.1f}" class="middle" style="fill: var(--back)">'
                f"{escape(pretty(each))}</text>"
            )
    for arrow in arrows:
        (x, y), (right, down) = px(arrow.start), px(arrow.end)
        kind = "back" if arrow.is_back else "go"
        again = " again" if arrow.is_back else ""
        parts.append(
            f'<path d="M {x:.1f} {y:.1f} L {right:.1f} {down:.1f}" class="{kind}{again}" '
            f'marker-end="url(#unrolled-{kind})"/>'
        )
        if arrow.label is not None:
            beside = (
                (x + (6 if arrow.is_back else -6), (y + down) / 2)
                if x == right
                else ((x + right) / 2, y + (10 if arrow.is_back else -9))
            )
            anchor = ("" if arrow.is_back else " end") if x == right else " middle"
            place = f'x="{beside[0]:.1f}" y="{beside[1]:.1f}" class="name{anchor}"'
            parts.append(f"<text {place}>{escape(pretty(arrow.label))}</text>")
    return "\n".join([*parts, "</svg>"]) + "\n"


__all__ = ["MOMENTS", "unrolled_pictures"]
