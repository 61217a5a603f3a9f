"""How a sentence of a page is written: its words as they are, its formulas in one notation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sympy import Basic, Integer

from symprop.algebra.equations import Equation, Step
from symprop.algebra.nodes import Node
from symprop.algebra.printable import aligned
from symprop.algebra.shapes import Shape, shape_text
from symprop.algebra.window_sizes import Arithmetic
from symprop.notation.blocks import Grid
from symprop.notation.content import seen_steps
from symprop.notation.stacks import in_place, sides
from symprop.notation.words import Dimensions, Part, Span, Words


def told_apart(write: Callable[[Node], str], letter: str) -> Callable[[Node], str]:
    """Return what writes the loss by another letter, for where a size has its own."""

    def written(node: Node) -> str:
        found = write(node)
        if found == "L":
            return letter
        return found.replace("∂L/", f"∂{letter}/").replace(r"\partial L}", rf"\partial {letter}}}")

    return written


@dataclass(frozen=True)
class Wording:
    """How sentences with formulas are written: by what writes a node, and what writes a size."""

    formula: Callable[[Node], str]
    size: Callable[[Basic], str]
    dots: str = "..."
    arithmetic: Callable[[Arithmetic], str] = lambda worked: worked.text
    sides: Callable[[Equation], tuple[Node, Node]] = sides
    placed: Callable[[Equation], Callable[[Node], Node | None]] = in_place

    def words(self, sentence: Words) -> str:
        """Write a sentence."""
        return "".join(map(self.part, sentence))

    def part(self, part: Part) -> str:
        """Write a part of a sentence."""
        if isinstance(part, str):
            return part
        if isinstance(part, Node):
            return self.formula(part)
        if isinstance(part, Equation):
            return self.equation(part)
        if isinstance(part, Span):
            return self.span(part)
        if isinstance(part, Dimensions):
            return self.shape(part.shape)
        if isinstance(part, Arithmetic):
            return self.arithmetic(part)
        return f"{int(part):,}" if isinstance(part, Integer) else self.size(part)

    def equation(self, equation: Equation) -> str:
        """Write an equation."""
        left, right = map(self.formula, self.sides(equation))
        return f"{left} = {right}"

    def shape_of(self, equation: Equation) -> str:
        """Write the shape of an equation's left side: that of one head's array where it says this alone."""
        target = equation.target
        return self.shape(self.sides(equation)[0].shape if target.named else target.shape)

    def in_place(self, equation: Equation) -> Callable[[Node], str]:
        """Return what writes the formulas that lead to an equation, "" for those that have no place."""
        placed = self.placed(equation)
        return lambda node: "" if (found := placed(node)) is None else self.formula(found)

    def span(self, span: Span) -> str:
        """Write the numbers of a loop's blocks, in the order in which they are computed."""
        first, last = ("1", self.size(span.count))[:: -1 if span.backward else 1]
        return f"{self.size(span.index)} = {first}, {self.dots}, {last}"

    def shape(self, shape: Shape) -> str:
        """Write a shape."""
        return shape_text(shape, self.size)

    def rows(self, grid: Grid) -> list[str]:
        """Write the rows of a table, its columns aligned."""
        cells = (tuple(map(self.words, row.cells)) for row in grid.rows)
        return [line.rstrip() for line in aligned(cells)]

    def steps(
        self,
        steps: Iterable[Step],
        reasons: Callable[[Step], Iterable[str]],
        write: Callable[[Node], str] | None = None,
    ) -> Iterator[str]:
        """Write named steps: rule, reasons, before, after."""
        write, last = write or self.formula, ""
        for position, step in enumerate(seen_steps(steps, write), start=1):
            known, last = ", ".join(reasons(step)), write(step.before) or last
            yield f"{position}. {step.rule}" + (f"   because {known}" if known else "")
            yield from (f"   {last}", f" = {write(step.after)}")
            last = write(step.after)
