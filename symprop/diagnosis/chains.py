"""The chain of intermediate equations that a person would write for a formula: `S = Q @ K.T`, `P = softmax(S)`, ...

A formula's own names stay. Beside them the operands and the results of what is not linear get names, and what stands
more than once; in a fine chain every operation does, but for what only moves or scales.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.formula import Formula
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import numbers_apart, variables, walk

SHORTEST = 4
"""A part of fewer nodes is as short as a name."""

LETTERS: dict[type[Node], str] = {n.Softmax: "P", n.Map: "a", n.Power: "r", n.Sum: "s", n.MatMul: "t", n.LogSumExp: "l"}
"""What the result of an operation is called, where it is not `v`."""

OPERAND_LETTERS: dict[type[Node], str] = {n.Softmax: "S", n.Map: "z"}

_LINEAR = (n.Leaf, n.Add, n.Linear, n.Concatenate, n.Compare, n.Where)


def chain(formula: Formula, fine: bool = False) -> tuple[tuple[Equation, ...], Node]:
    """Return the equations of the parts of a formula, in order, and its value in their names.

    >>> from symprop.algebra.formula import formula
    >>> f = formula("softmax(Q @ K.T / sqrt(d)) @ V", Q="n d", K="m d", V="m p")
    >>> equations, value = chain(f)
    >>> [each.text() for each in equations], value.text()
    (['S = Q @ K.T / sqrt(d)', 'P = softmax(S, axis=1)', 'f = P @ V'], 'f')
    """
    taken = [each.name for each in (*formula.variables, *(named.target for named in formula.definitions))]
    naming = _Naming(formula, taken, fine)
    for each in formula.definitions:
        expression = naming.visited(each.expression)
        naming.known[each.expression] = each.target
        naming.equations.append(Equation(each.target, expression))
    value = naming.visited(formula.node)
    if value.operands:
        taken_names = naming.taken
        name = formula.name if formula.name not in taken_names else f"{formula.name}_"
        naming.equations.append(Equation(variable(name, value.shape), value))
        value = naming.equations[-1].target
    return tuple(naming.equations), value


class _Naming:
    """The names given so far, and the equations that say what they stand for."""

    def __init__(self, formula: Formula, taken: Iterable[str], fine: bool) -> None:
        roots = (*(each.expression for each in formula.definitions), formula.node)
        self.often = Counter(part for root in roots for part in walk(root))
        self.taken, self.fine = set(taken), fine
        self.known: dict[Node, Variable] = {}
        self.equations: list[Equation] = []

    def visited(self, node: Node) -> Node:
        """Return an operation over the names of its operands."""
        return node.with_operands([self.part(operand, node) for operand in node.operands]) if node.operands else node

    def part(self, node: Node, above: Node) -> Node:
        """Return what stands for an operand: its name, or itself over names."""
        if node in self.known:
            return self.known[node]
        if not node.operands or not variables(node):
            return node
        if isinstance(node, (n.Transpose, n.Expand)):
            return node.with_operands([self.part(node.operands[0], node)])
        if is_scaled(node) and isinstance(above, (n.Add, n.Multiply)):
            return self.visited(node) if not self.fine else node.with_operands(self.named_in(node))
        if is_scaled(above) or not self.deserves(node, above):
            return self.visited(node)
        expression = self.visited(node)
        return self.named(node, above, expression)

    def named_in(self, scaled: Node) -> list[Node]:
        """Return the factors of a number times an array, the array by its name."""
        return [self.part(each, each) if each.number is None else each for each in scaled.operands]

    def deserves(self, node: Node, above: Node) -> bool:
        """Whether an operand gets a name."""
        if isinstance(node, n.Power) and (isinstance(above, n.Power) or is_whole_power(node)):
            return self.fine and not isinstance(above, n.Power)
        curved = not isinstance(node, _LINEAR) or not isinstance(above, _LINEAR)
        return self.fine or curved or (self.often[node] > 1 and node.weight >= SHORTEST)

    def named(self, node: Node, above: Node, expression: Node) -> Variable:
        """Enter an equation for a part, and return its name."""
        letter = OPERAND_LETTERS.get(type(above)) or LETTERS.get(type(node), "v")
        numbers = ("", *range(2, len(self.taken) + 3))
        name = next(f"{letter}{number}" for number in numbers if f"{letter}{number}" not in self.taken)
        self.taken.add(name)
        self.known[node] = target = variable(name, node.shape)
        self.equations.append(Equation(target, expression))
        return target


def is_scaled(node: Node) -> bool:
    """Whether a node is one array times numbers."""
    return isinstance(node, n.Multiply) and len(numbers_apart(node.operands)[1]) == 1


def is_whole_power(node: n.Power) -> bool:
    """Whether a node is a square or the like, as a person writes in place."""
    return bool(node.exponent.is_integer and node.exponent.is_positive)
