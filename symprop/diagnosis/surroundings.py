"""What a person could have written in an equation: the variables that are there, numbers, functions."""

from __future__ import annotations

from functools import cache

from sympy import Expr, Integer, Rational

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import variables, walk
from symprop.diagnosis.accounts import Account
from symprop.diagnosis.axes import Axes
from symprop.diagnosis.table import Place

FAR = 0.3
"""How much more far-fetched a variable is that no equation joins to the right one."""


class Surroundings:
    """What stands around the equations of an account."""

    def __init__(self, account: Account, axes: Axes) -> None:
        self.account, self.axes = account, axes
        loss = account.equations[account.forward - 1].target
        read = dict.fromkeys(
            part for each in account.equations for part in (*variables(each.expression), each.target) if part != loss
        )
        self.variables = list(read)
        self.definitions = {each.target: each for each in account.equations}
        found = (part for each in account.equations for part in walk(each.expression) if isinstance(part, n.Map))
        self.functions = list(dict.fromkeys(part.function for part in found if len(part.function.parameters) == 1))
        self.of_equation = cache(self._of_equation)

    def place(self, equation: Equation, above: Node | None) -> Place:
        """Return where a node of an equation stands."""
        others, numbers = self.of_equation(equation)
        return Place(equation, above, others, numbers, self.definitions, self.near, self.axes, self.functions)

    def _of_equation(self, equation: Equation) -> tuple[list[Variable], list[Expr]]:
        """Return the variables that can be read where an equation stands, and numbers that could be factors."""
        later = self.account.reach[equation.name]
        others = [each for each in self.variables if each.name not in later]
        sizes = dict.fromkeys(size for each in variables(equation.expression) for size in each.shape if size != 1)
        numbers = (Integer(2), Rational(1, 2), *(number for size in sizes for number in (size, 1 / size)))
        return others, list(dict.fromkeys(numbers))

    def near(self, one: Variable, other: Variable) -> float:
        """Return how far-fetched it is to take one variable for another: not where one is made of the other."""
        if one.letter == other.letter and one.is_gradient == other.is_gradient:
            return 0.0
        pair = {one, other}
        joined = (pair & set(variables(self.definitions[each].expression)) for each in pair if each in self.definitions)
        return 0.0 if any(joined) else FAR
