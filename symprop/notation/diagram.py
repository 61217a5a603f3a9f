"""The figure of a derivation: the forward pass downwards on the left, the backward pass upwards on the right.

Nodes and edges are read off the equations. A forward node is an equation, a backward node an adjoint; an arrow of the
backward pass carries the contribution that flows along it, which the pullback rules work out. An arrow past other
nodes, a skip connection, is drawn as an arc beside its column. Beside each adjoint stand the gradients that it gives.

A symbolic number of blocks is one general block in a frame, what it reads (`a[l - 1]`) first: solid arrows enter and
leave where the first and the last block do, dashed ones say that one block follows the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import sympy

from symprop.algebra import nodes as n
from symprop.algebra.equations import Carry, Equation, Loop, equations_in, loops_in
from symprop.algebra.names import adjoint_of, gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import STATISTIC
from symprop.algebra.trees import variables
from symprop.analysis.derivation import Derivation
from symprop.calculus.rewriting import simplified
from symprop.calculus.rules import Context, context
from symprop.errors import LimitError, SpecError, shown
from symprop.hints import closest
from symprop.notation.choices import PLAIN, Notation
from symprop.notation.conventions import loss_clashes
from symprop.notation.diagram_rows import Row, connect, is_skip_sum, rows_of
from symprop.notation.drawing import Arrow, Box, Drawing, Frame
from symprop.notation.latex import Tex, latex
from symprop.notation.pretty import Unicode, pretty, with_layers_above
from symprop.notation.stacks import sides
from symprop.notation.svg import svg
from symprop.notation.tex_boxes import width as tex_width
from symprop.notation.tikz import tikz

LONGEST = 200  # rows; more would not be read
LONGEST_LABEL = 40
WIDEST_BOX = 170.0  # points; of a wider equation its left side is shown

Label = tuple[str, str]
"""The same formula in Unicode and in LaTeX."""


def diagram(
    derivation: Derivation,
    format: str = "svg",
    first: str | None = None,
    last: str | None = None,
    notation: Notation = PLAIN,
) -> str:
    """Draw the derivation, or the part between two variables, as "svg" or as "tikz".

    >>> import symprop
    >>> found = diagram(symprop.derive("Input(2) >> Dense(1) >> MeanSquaredError()"))
    >>> found.startswith("<?xml")
    True

    Raises:
        SpecError: an unknown format, or a name that no forward equation defines.
        LimitError: more than 200 equations; draw a part of them.
    """
    if format not in ("svg", "tikz"):
        raise SpecError(f"unknown format {shown(format)}\nallowed: svg, tikz")
    if not isinstance(derivation, Derivation):
        raise SpecError(f"a derivation is drawn, not {shown(derivation)}\nallowed: diagram(symprop.derive(network))")
    drawing = drawn(derivation, first, last, notation)
    return svg(drawing) if format == "svg" else tikz(drawing)


def drawn(derivation: Derivation, first: str | None, last: str | None, notation: Notation) -> Drawing:
    """Return what is drawn of a derivation, before SVG and TikZ."""
    return _Plan(derivation, first, last, notation).drawing()


class _Plan:
    """Which nodes and arrows there are; `drawing` gives them to the renderers."""

    def __init__(self, derivation: Derivation, first: str | None, last: str | None, notation: Notation) -> None:
        self.derivation = derivation
        self.rules: Context = context(derivation.system)
        self.defined = {equation.name for equation in equations_in(derivation.backward)}
        self.rows = self._rows(first, last)
        self.from_name = first is not None
        self.curled = loss_clashes(derivation)
        self.notation = replace(notation, loss=r"\mathcal{L}") if self.curled and notation.loss == "L" else notation
        self.tex = Tex(self.notation)
        self.parameters = {parameter.name for parameter in derivation.system.parameters}
        self.active = self._active()

    def _rows(self, first: str | None, last: str | None) -> list[Row]:
        system = self.derivation.system
        rows, further = [Row(variable, None) for variable in system.inputs[:1]], list(system.inputs[1:])
        for item in system.items:
            read = {name for equation in equations_in((item,)) for name in variables(equation.expression)}
            read |= {rows.array for loop in loops_in((item,)) for rows in loop.reads}
            rows += [Row(variable, None) for variable in further if variable in read]  # above what reads it first
            further = [variable for variable in further if variable not in read]
            rows += rows_of((item,), ())
        names = [row.variable.name for row in rows]
        for name in (first, last):
            if name is not None and name not in names:
                raise SpecError(f"no forward equation defines {shown(name)}{closest(name, names)}")
        start = names.index(first) if first is not None else 0
        rows = rows[start : len(rows) if last is None else names.index(last) + 1]
        if len(rows) > LONGEST:
            raise LimitError(
                f"{len(rows):,} equations are too many for one figure\nallowed: {LONGEST}; name first and last"
            )
        if not rows:
            raise SpecError(f"{shown(last)} stands before {shown(first)}")
        if first is not None:
            rows[0] = Row(rows[0].variable, None)
        connect(rows)
        return rows

    def _active(self) -> set[int]:
        """Rows whose adjoints flow: they reach the last row, and a parameter or the first row stands above them."""
        rows = self.rows
        reaching = {len(rows) - 1}
        for place in range(len(rows) - 1, -1, -1):
            if any(reader in reaching for reader, _ in rows[place].readers):
                reaching.add(place)
        parameters = self.parameters
        wanted = () if parameters else self.derivation.system.wanted
        depending = {place for place, row in enumerate(rows) if row.variable in wanted and row.equation is None}
        depending |= {0} if self.from_name else set()
        turns = 1 + max(len(row.loops) for row in rows)
        for _ in range(turns):  # what enters a block depends on what leaves it, by way of the block before
            for place, row in enumerate(rows):
                names = {variable.name for variable in variables(row.equation.expression)} if row.equation else set()
                again = row.enters and any(self.rows[at].loop is row.loop for at in depending)
                if again or names & parameters or any(above in depending for above, _ in row.reads):
                    depending.add(place)
        return reaching & depending

    def adjoint(self, place: int) -> Variable:
        """The name of a row's adjoint: the derivation's own, else the derivative written out."""
        variable = self.rows[place].variable
        adjoint = adjoint_of(variable)
        return adjoint if adjoint.name in self.defined else gradient_of(variable)

    def shown_adjoint(self, place: int) -> bool:
        """Whether an adjoint has a node: it is named, or several arrows meet, or the drawing begins or ends there."""
        if place not in self.active or self.rows[place].variable.role == STATISTIC:
            return False
        if place == len(self.rows) - 1 or (place == 0 and self.from_name):
            return True
        row = self.rows[place]
        if row.enters or row.left or any(name != row.variable for _, name in row.readers):
            return True
        equation = row.equation
        feeds = equation is not None and any(v.name in self.parameters for v in variables(equation.expression))
        return feeds or self.adjoint(place).name in self.defined or len(self._flows(place)) > 1

    def _flows(self, place: int) -> list[tuple[int, Variable]]:
        """The readers that give back; statistics do so with what is normalised by them."""
        given = [(reader, name) for reader, name in self.rows[place].readers if reader in self.active]
        return [(reader, name) for reader, name in given if self.rows[reader].variable.role != STATISTIC]

    def label(self, node: Node) -> Label:
        """Write a formula in both notations, the loss with curls where a size has its letter."""
        node = with_layers_above(node) if self.derivation.system.loops else node
        written = latex(node, self.notation)
        if not self.curled:
            return pretty(node), written
        if node == self.derivation.system.loss:
            return "ℒ", written
        if node == gradient_of(self.rows[-1].variable) and self.is_loss(len(self.rows) - 1):
            return "∂ℒ/∂ℒ", written
        return pretty(node).replace("∂L/", "∂ℒ/"), written

    def is_loss(self, place: int) -> bool:
        loss = self.derivation.system.loss
        return loss is not None and self.rows[place].variable == loss

    def flow(self, reader: int, name: Variable) -> tuple[int, Node]:
        """Return where the flow from a reader starts and what flows on to `name`, not yet worked out."""
        row = self.rows[reader]
        if row.carry is not None:  # the first block gives it to what stands before the loop
            return reader, gradient_of(row.loops[-1].start(row.carry))
        if row.equation is None:
            raise SpecError(f"{shown(row.variable.name)} reads nothing")
        if self.shown_adjoint(reader):
            start: Node = n.Scalar(1) if self.is_loss(reader) else self.adjoint(reader)
            origin = reader
        else:
            (below, own), *_ = self._flows(reader)
            origin, start = self.flow(below, own)
        return origin, start if row.equation.expression == name else n.Pullback(start, row.equation.expression, name)

    def drawing(self) -> Drawing:
        """Return boxes and arrows, by row and column."""
        drawing = Drawing(len(self.rows))
        arrows: list[Arrow] = []
        for place, row in enumerate(self.rows):
            if row.equation is None:
                name = row.variable.name
                drawing.boxes.append(Box("forward", place, self.label(row.variable), kind="variable", name=name))
            else:
                kind = "sum" if is_skip_sum(row.equation) else "operation"
                drawing.boxes.append(self._box("forward", place, row.equation, kind))
            for above, name in dict(reversed(row.reads)).items():
                arrows.append(Arrow("forward", above, place, self._border(above, place, name)))
            for loop, carry in row.left:
                for entry in self._entries(loop, carry):
                    arrows.append(Arrow("forward", place, entry, self._next(loop, 1), again=True))
                    if {place, entry} <= self.active:
                        arrows.append(Arrow("backward", entry, place, self._next(loop, -1), again=True))
        drawing.arrows += _once(arrows)
        for place in range(len(self.rows)):
            if self.shown_adjoint(place):
                self._backward(drawing, place)
        self._gradients(drawing)
        self._frames(drawing)
        return drawing

    def _box(self, column: str, place: int, equation: Equation, kind: str, position: int = 0) -> Box:
        left, right = map(self.label, sides(equation))
        whole = (f"{left[0]} = {right[0]}", f"{left[1]} = {right[1]}")
        both = whole if tex_width(whole[1]) <= WIDEST_BOX else left
        return Box(column, place, both, self.derivation.numbers.get(equation.name), kind, position, equation.name, left)

    def _backward(self, drawing: Drawing, place: int) -> None:
        adjoint = self.adjoint(place)
        name = self.label(adjoint)
        if self.is_loss(place):
            name = (f"{name[0]} = 1", f"{name[1]} = 1")
        number = self.derivation.numbers.get(adjoint.name)
        drawing.boxes.append(Box("backward", place, name, number, "adjoint", name=adjoint.name))
        for reader, read in self._flows(place):
            origin, start = self.flow(reader, read)
            label, where = self.carried(place, reader, start), self._border(place, reader, read)
            if where[0] and label[0]:
                label = (f"{label[0]}   ({where[0]})", rf"{label[1]} \quad ({where[1]})")
            drawing.arrows.append(Arrow("backward", origin, place, label if label[0] else where, brief=where))

    def carried(self, place: int, reader: int, start: Node) -> Label:
        """What an arrow brings to a row, where that is short; through a norm it comes by its statistics too."""
        equation, adjoint = self.rows[reader].equation, self.adjoint(place).name
        node = simplified(start, self.rules)[0]
        if equation is not None and any(each.role == STATISTIC for each in variables(equation.expression)):
            if len(self._flows(place)) > 1 or adjoint not in self.defined:
                return "", ""
            node = self.derivation.equation(adjoint).expression
        label = self.label(sides(Equation(self.adjoint(place), node))[1])
        is_short = len(label[0]) <= LONGEST_LABEL and r"\begin" not in label[1]
        return label if is_short else ("", "")

    def _entries(self, loop: Loop, carry: Carry) -> list[int]:
        """The row where what a loop carries enters it, if it is drawn."""
        return [place for place, row in enumerate(self.rows) if row.carry is carry and row.loop is loop]

    def _border(self, above: int, below: int, name: Variable) -> Label:
        """Say for which block, or of which row, an arrow into or out of a loop holds; nothing where it crosses none."""
        upper, lower = self.rows[above], self.rows[below]
        left = [loop for loop, _ in upper.left if not any(loop is other for other in lower.loops)]
        made = [upper.loop for rows in upper.written if rows.array == name]
        taken = [loop for loop in lower.loops if any(rows.row == name for rows in loop.reads)]
        if loop := next(iter((*made, *taken)), None):
            index = loop.index
            return ("", "") if upper.loop and lower.loop else (f"row {index}", rf"\text{{row }} {index}")
        ends = [(loop.index, loop.count) for loop in reversed(left)]
        if not ends and lower.loop is not None and lower.enters and lower.loop is not upper.loop:
            ends = [(lower.loop.index, sympy.Integer(1))]
        unicode, tex = (
            ", ".join(f"{w(index).text} = {w(end).text}" for index, end in ends)
            for w in (Unicode().number, self.tex.number)
        )
        return unicode, tex

    def _next(self, loop: Loop, step: int) -> Label:
        """Write the step from one block to the next: `l -> l + 1`."""
        index = loop.index
        unicode, tex = ((w(index).text, w(index + step).text) for w in (Unicode().number, self.tex.number))
        return f"{unicode[0]} → {unicode[1]}", rf"{tex[0]} \to {tex[1]}"

    def _gradients(self, drawing: Drawing) -> None:
        """Put the gradients of a row's parameters beside its adjoint."""
        given: set[str] = set()
        known = {equation.name: equation for equation in equations_in(self.derivation.backward)}
        for place, row in enumerate(self.rows):
            if row.equation is None or not self.shown_adjoint(place):
                continue
            position = 0
            for variable in variables(row.equation.expression):
                equation = known.get(gradient_of(variable).name)
                if variable.name in self.parameters - given and equation is not None:
                    given.add(variable.name)
                    drawing.boxes.append(self._box("gradient", place, equation, "gradient", position))
                    position += 1

    def _frames(self, drawing: Drawing) -> None:
        framed = {id(loop): (loop, depth) for row in self.rows for depth, loop in enumerate(row.loops)}
        for loop, depth in framed.values():
            inside = [place for place, row in enumerate(self.rows) if any(loop is other for other in row.loops)]
            unicode, tex = Unicode().number, self.tex.number
            drawing.frames.append(
                Frame(
                    inside[0],
                    inside[-1],
                    (
                        f"{unicode(loop.index).text} = 1, …, {unicode(loop.count).text}",
                        rf"{tex(loop.index).text} = 1, \dots, {tex(loop.count).text}",
                    ),
                    depth,
                )
            )


def _once(arrows: Iterable[Arrow]) -> Iterator[Arrow]:
    """Let one of the arrows that say the same do so where there is little room."""
    said: set[tuple[str, Label]] = set()
    for arrow in arrows:
        key = arrow.column, arrow.label
        yield replace(arrow, brief=("", "")) if key in said else arrow
        said.add(key)
