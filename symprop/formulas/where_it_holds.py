"""Where a derivative does not exist, and what stands there: a row for each kind of which that is true."""

from __future__ import annotations

from sympy import Integer

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table
from symprop.algebra.trees import terms_of
from symprop.analysis.definiteness import nonnegative
from symprop.calculus.context import Context
from symprop.calculus.known_facts import positive

WHERE = Table("where the derivative does not exist")


@WHERE.row(n.Product)
def _(node: n.Product) -> str:
    return f"holds where no element of {node.operands[0].text()} is 0"


@WHERE.row(n.Determinant, n.LogDeterminant)
def _(node: Node) -> str:
    return f"holds where {node.operands[0].text()} has an inverse"


@WHERE.row(n.PseudoInverse)
def _(node: n.PseudoInverse) -> str:
    return f"holds where the rank of {node.operands[0].text()} stays the same nearby, as full rank does"


@WHERE.row(n.MatrixFunction)
def _(node: n.MatrixFunction) -> str | None:
    matrix = node.operands[0].text()
    return None if node.name == "expm" else f"holds where {matrix} has no eigenvalue that is 0 or a negative number"


@WHERE.row(n.Sylvester)
def _(node: n.Sylvester) -> str:
    left, right = (operand.text() for operand in node.operands[:2])
    return f"holds where no eigenvalue of {left} is that of {right} with the other sign"


@WHERE.row(n.Cholesky)
def _(node: n.Cholesky) -> str:
    return f"holds where {node.operands[0].text()} is positive definite; of its symmetric part"


@WHERE.row(n.MatrixNorm)
def _(node: n.MatrixNorm) -> str:
    matrix = node.operands[0].text()
    if node.which == "nuc":
        return f"holds where {matrix} has full rank"
    return f"holds where the {'largest' if node.which == '2' else 'smallest'} singular value of {matrix} is simple"


@WHERE.row(n.Eigh)
def _(node: n.Eigh) -> str:
    return f"holds where the eigenvalues of {node.operands[0].text()} are simple"


@WHERE.row(n.Svd)
def _(node: n.Svd) -> str:
    return f"holds where the singular values of {node.operands[0].text()} are simple and not 0"


@WHERE.row(n.Extreme)
def _(node: n.Extreme) -> str:
    share = "the first has" if node.is_first else "they share"
    return f"where several elements are the {node.which}, {share} the derivative"


@WHERE.row(n.Map)
def _(node: n.Map) -> str | None:
    if node.function.is_extremum and any(operand.constant is not None for operand in node.operands):
        return f"where both are equal, the derivative of {node.function_name} is taken as 0"
    return _KINKS.get(node.function_name)


@WHERE.row(n.Power)
def _(node: n.Power) -> str | None:
    root = not node.rank and node.exponent.is_Rational and node.exponent.q != 1
    given = node.operands[0]
    return (
        f"holds where {n.Power(given, abs(node.exponent)).text()} is not 0" if root and not _above_zero(given) else None
    )


def _above_zero(node: Node) -> bool:
    """Whether a scalar is shown to be above 0: a sum of what is at least 0 with something positive."""
    terms = terms_of(node)
    above = ((term.number or Integer(0)).is_positive or positive(term, Context()) for term in terms)
    return all(map(nonnegative, terms)) and any(above)


_KINKS = {
    "abs": "the derivative of abs at 0 is taken as 0",
    "relu": "the derivative of relu at 0 is taken as 0",
    "leaky_relu": "the derivative of leaky_relu at 0 is taken as its slope below 0",
    "sign": "the derivative of sign is 0, its jump at 0 left out",
    "maximum": "where both are equal, the second of maximum has the derivative",
    "minimum": "where both are equal, the second of minimum has the derivative",
    "power": "the derivative with respect to the exponent holds where the base is above 0",
}
"""Where the derivative of an elementwise function does not exist, what is taken for it."""
