"""Numbers with a name: the hyperparameters of layers and losses, such as `eps = 1e-5` of a norm.

In a formula a hyperparameter is a constant, as pi is: SymPy keeps it as it stands (`sqrt(eps)`, `eps + 1`), knows its
sign and its value, and differentiates it to 0. Pages and code write its name, and say its value once; evaluations take
the value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import sympy
from sympy import Expr, Integer

from symprop.algebra.alike import asked_once
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.sizes import as_expression
from symprop.algebra.trees import walk


class NamedNumber(sympy.NumberSymbol):
    """A real number that formulas write by its name; `mark` above 1 tells apart equal names of different values.

    >>> eps = NamedNumber("eps", sympy.Rational(1, 100000))
    >>> sympy.sqrt(eps) + 1, eps.is_positive, float(eps)
    (sqrt(eps) + 1, True, 1e-05)
    """

    __slots__ = ("label", "mark", "value")
    is_real = True
    is_finite = True

    def __new__(cls, label: str, value: Expr, mark: int = 1) -> Self:
        number: Self = Expr.__new__(cls)
        number.label, number.value, number.mark = label, value, mark
        return number

    @property
    def name(self) -> str:
        """The name in NumPy notation and in code: `eps`, or `eps_2` for a second value."""
        return f"{self.label}_{self.mark}" if self.mark > 1 else self.label

    @property
    def variable(self) -> Variable:
        """The name as a variable, for those who write it."""
        return variable(self.label).change(mark=self.mark)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self.label, self.value, self.mark

    def __getstate__(self) -> None:
        return None

    def _hashable_content(self) -> tuple[Any, ...]:
        return self.label, self.value, self.mark

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NamedNumber):
            return False
        return self is other or self._hashable_content() == other._hashable_content()

    def __hash__(self) -> int:
        return hash((type(self).__name__, *self._hashable_content()))

    def _as_mpf_val(self, prec: int) -> Any:
        return self.value._eval_evalf(prec)._mpf_

    def __float__(self) -> float:
        return float(self.value)

    def _eval_is_zero(self) -> bool:
        return bool(self.value.is_zero)

    def _eval_is_extended_positive(self) -> bool:
        return bool(self.value.is_positive)

    def _eval_is_extended_negative(self) -> bool:
        return bool(self.value.is_negative)

    def _sympystr(self, printer: Any) -> str:
        return self.name


def named_numbers(nodes: Iterable[Node]) -> tuple[NamedNumber, ...]:
    """Return the named numbers in formulas, each once, in order of appearance.

    >>> from symprop.algebra import variable
    >>> eps = NamedNumber("eps", Integer(1) / 100000)
    >>> named_numbers([variable("x", (3,)) * (eps + 1)])
    (eps,)
    """
    return tuple(dict.fromkeys(each for node in nodes for each in _named_in(node)))


@asked_once
def _named_in(node: Node) -> tuple[NamedNumber, ...]:
    found: list[NamedNumber] = []
    for part in walk(node):
        for argument in part.args:
            if not isinstance(argument, (Node, Integer)) and argument.has(NamedNumber):
                found += sorted(argument.atoms(NamedNumber), key=lambda each: each.name)
    return tuple(found)


def unnamed(value: Any) -> Expr:
    """Return a number with values in the place of names.

    >>> unnamed(2 * NamedNumber("d", Integer(3)))
    6
    """
    expression = as_expression(value)
    return expression.xreplace({each: each.value for each in expression.atoms(NamedNumber)})
