"""The answer to a question about a formula: its gradient, Jacobian, Hessian, or a product with one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import prod

from symprop.algebra.definitions import written_out
from symprop.algebra.equations import Step
from symprop.algebra.formula import Formula
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import Shape
from symprop.algebra.trees import loose


@dataclass(frozen=True)
class Result:
    """What was asked, the answer as a node, the steps that led there, and what follows from its structure.

    With `S` the shape of the formula and `T` that of `by[-1]`:

    - gradient: the formula is a scalar; shape `T`.
    - jacobian: shape `joined(S, T)`: rows by the elements of the formula, columns by those of `by`.
    - hessian: the formula is a scalar; `joined(T0, T1)` for `by` = (x0, x1), which are the same but for a mixed one.
    - vjp: `direction` has shape `S`; the answer `sum_i direction_i d f_i / d by` has shape `T`.
    - jvp: `direction` has shape `T`; the answer `sum_j d f / d by_j direction_j` has shape `S`.
    - hvp: the formula is a scalar, `direction` has shape `T`; the Hessian times it has shape `T`.

    The answer and its steps are written in the names that the formula gives to its parts.
    `vec` is how the elements of matrices stand along the axes of a Jacobian or a Hessian, by "rows" or by "columns";
    `symmetric` what moves in a gradient with respect to a symmetric matrix, each element alone ("free") or both of a
    pair ("pairs").
    `ledger` says which declared fact was used for what, `remarks` what follows from the structure of the answer.

    Raises:
        LookupError: the answer reads an index outside of its series.
    """

    kind: str
    formula: Formula
    by: tuple[Variable, ...]
    direction: Variable | None
    node: Node
    steps: tuple[Step, ...] = ()
    ledger: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    vec: str = "rows"
    symmetric: str = "free"

    def __post_init__(self) -> None:
        if free := loose(self.node, self.formula.node, *self.variables):
            raise LookupError(f"the {self.kind} reads {free[0]} outside of its series: a fault in a rule")

    @property
    def whole(self) -> Result:
        """The same answer with what the formula's own names stand for in their place; its steps keep the names."""
        node = written_out(self.node, self.formula.definitions)
        return replace(self, formula=self.formula.whole, node=node)

    @property
    def conventions(self) -> dict[str, str]:
        """The conventions that are not the usual ones, by their names."""
        chosen = {"vec": (self.vec, "rows"), "symmetric": (self.symmetric, "free")}
        return {name: value for name, (value, usual) in chosen.items() if value != usual}

    @property
    def axes(self) -> tuple[Node, Node]:
        """What the rows, and the columns, of a Jacobian or a Hessian belong to."""
        return self.formula.node if self.kind == "jacobian" else self.by[0], self.by[-1]

    @property
    def variables(self) -> tuple[Variable, ...]:
        """What the answer may read: the declared variables of the formula, and the direction."""
        more = () if self.direction is None or self.direction in self.formula.variables else (self.direction,)
        return self.formula.variables + more


def joined(rows: Shape, columns: Shape) -> Shape:
    """Return the shape of a derivative: one axis for each of the two, its elements in row-major order.

    Where one of the two is a scalar the derivative has the shape of the other.

    >>> joined((2, 3), (4,)), joined((), (2, 3))
    ((6, 4), (2, 3))
    """
    if not rows or not columns:
        return rows or columns
    return (prod(rows), prod(columns))
