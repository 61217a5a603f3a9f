"""Remarks on an answer that follow from its structure: what it does not read, its sign, its blocks, where it holds."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Expr

from symprop.algebra import nodes as n
from symprop.algebra.definitions import reaching
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import same, shape_text
from symprop.algebra.symmetry import is_symmetric
from symprop.algebra.table import Table
from symprop.algebra.trees import is_element, is_zero, ones, replace, unordered, variables, walk
from symprop.analysis.definiteness import blocks, core, definite, semidefinite, semidefinite_negative
from symprop.calculus.chains import links
from symprop.calculus.coefficients import coefficient_and_rest, scalars_and_rest
from symprop.calculus.context import Context
from symprop.calculus.rewriting import simplified
from symprop.calculus.tidy import tidy
from symprop.formulas.result import Result
from symprop.formulas.where_it_holds import WHERE
from symprop.hints import option


def remarks(result: Result) -> tuple[str, ...]:
    """Return what a reader should know of the answer.

    >>> from symprop.algebra.formula import formula
    >>> from symprop.formulas.questions import hessian
    >>> hessian(formula("sum(exp(x))", x="n"), "x").remarks
    ('diagonal', 'positive definite')
    """
    return tuple(
        dict.fromkeys((*_structure(result), *_layout(result), *_where_it_holds(result), *_notation(result.node)))
    )


def _structure(result: Result) -> Iterator[str]:
    node = result.node
    if is_zero(node):
        yield f"zero, {_why_zero(result)}"
        return
    whole = result.whole
    read = {each.name for each in variables(whole.node)}
    gone = [each.name for each in variables(whole.formula.node) if each.name not in read]
    if gone and result.kind in ("gradient", "jacobian", "hessian"):
        yield f"does not depend on {', '.join(gone)}"
    if node.rank != 2:
        return
    if isinstance(scalars_and_rest(node)[2], n.Outer):
        yield "rank one"
    yield from _blocks(node)
    if same(*node.shape):
        yield from _symmetry(node)


def _is_diagonal(node: Node) -> bool:
    return isinstance(scalars_and_rest(node)[2], (n.Diag, n.Identity))


def _blocks(node: Node) -> Iterator[str]:
    if _is_diagonal(node):
        yield "diagonal"
    yield from _middle(node)
    found = core(node)
    if found is not None and 1 not in found[2].shape:
        side, identity, small = found
        copies = f"{identity.shape[0]} copies of {small.text()}, of shape {shape_text(small.shape)}"
        yield f"block diagonal: {copies}" if side == "left" else f"interleaved: {copies}"


def _middle(node: Node) -> Iterator[str]:
    """Say what stands in the middle of `B.T @ M @ B`: all that varies from one point to another."""
    bare = coefficient_and_rest(node)[1]
    parts = links(bare) if bare is not None else []
    half = len(parts) // 2
    if len(parts) < 3 or len(parts) % 2 == 0 or tidy(n.Transpose(parts[half - 1])) != parts[half + 1]:
        return
    middle = parts[half]
    count = middle.operands[0].shape[0] if isinstance(middle, n.Kron) else _rows_of(middle)
    over = f", block diagonal over {count} rows" if count is not None and blocks(middle, count) else ""
    yield f"core: {middle.text()}, of shape {shape_text(middle.shape)}{over}"


def _rows_of(middle: Node) -> Expr | None:
    """The number of blocks of a sum that holds `kron(eye(m), C)`."""
    for part in walk(middle):
        match part:
            case n.Kron(operands=(n.Identity() as identity, _)):
                return identity.shape[0]
    return None


def _symmetry(node: Node) -> Iterator[str]:
    signs = {
        "positive definite": definite,
        "positive semidefinite": semidefinite,
        "negative semidefinite": semidefinite_negative,
    }
    sign = next((name for name, shown in signs.items() if shown(node)), "")
    if not _is_diagonal(node) and (sign or _equals_transpose(node)):
        yield "symmetric"
    if sign:
        yield sign


def _equals_transpose(node: Node) -> bool:
    turned, plain = (simplified(each, Context())[0] for each in (n.Transpose(node), node))
    return unordered(turned) == unordered(plain)


def _why_zero(result: Result) -> str:
    by = result.by[-1]
    if by not in variables(result.formula.whole.node):
        return f"because the formula does not depend on {by.name}"
    if any(step.rule == "shift of a softmax" for step in result.steps):
        return "because softmax is shift-invariant"
    reasons: dict[str, None] = {}
    for step in result.steps:
        if is_zero(step.after) and not is_zero(step.before):
            said = [fact for fact in step.facts if isinstance(fact, str)]
            reasons.update(dict.fromkeys(said or ["its terms cancel"]))
            break
    return f"because {' and '.join(reasons) or 'nothing of it varies'}"


def _layout(result: Result) -> Iterator[str]:
    """Say in which order the elements of matrices stand along the axes of a derivative."""
    if result.kind in ("gradient", "hessian") and any(map(is_symmetric, result.by)):
        yield from _of_symmetric(result)
    if result.kind not in ("jacobian", "hessian"):
        return
    if result.vec != "vech" and not (result.node.rank == 2 and all(each.rank for each in result.axes)):
        return  # in the shape of the variable
    for what, part in zip(("rows", "columns"), result.axes, strict=True):
        if part.rank > 1:
            name = part.name if isinstance(part, n.Variable) else "the formula"
            by_columns = result.vec == "vech" and (what, result.kind) == ("rows", "jacobian")
            order = ORDERS["columns" if by_columns else result.vec]
            yield f"{what}: the elements of {name} {shape_text(part.shape)} {order}"


ORDERS = {
    "rows": "in row-major order",
    "columns": "column by column, as vec of Magnus and Neudecker",
    "vech": "on and below the diagonal, column by column, as vech of Magnus and Neudecker",
}
"""In which order the elements of a matrix stand along an axis."""


def _of_symmetric(result: Result) -> Iterator[str]:
    """Say what moves in a derivative with respect to a symmetric matrix."""
    name = next(each.name for each in result.by if is_symmetric(each))
    if result.vec == "vech":
        yield f"{name}[i, j] and {name}[j, i] move as one; D[n] takes vech of a symmetric matrix to its vec"
    elif result.symmetric == "pairs":
        yield f"{name}[i, j] and {name}[j, i] move as one: G + G.T - diag(diagonal(G)) for the G of free elements"
    elif result.kind == "gradient":
        pairs = f"{option('symmetric', 'pairs')} moves {name}[i, j] and {name}[j, i] as one"
        yield f"each element of {name} moves alone; {pairs}"
    else:
        yield f"each element of {name} moves alone"


def _where_it_holds(result: Result) -> Iterator[str]:
    """Say where a derivative does not exist, and what stands there."""
    definitions = result.formula.definitions
    moving = {*result.by, *(each.target for each in reaching(result.by, definitions))}
    formulas = (*(each.expression for each in definitions), result.formula.node)
    for part in (part for formula in formulas for part in walk(tidy(formula))):  # norm(x)**2 has no root
        if moving.isdisjoint(variables(part)):
            continue
        said = WHERE(part) if type(part) in WHERE else None
        if said:
            yield said


def _notation(node: Node) -> Iterator[str]:
    """Say what stands in an answer that formulas of one's own do not have."""
    vectors = {part: part.operands[0] for part in walk(node) if is_element(part)}
    alone = {part: one for part, one in vectors.items() if isinstance(one.operands[0], n.Spectral)}
    for one in alone.values():
        if isinstance(one, n.Slice) and isinstance(one.operands[0], n.Spectral):
            yield from _vector(one.operands[0], one)
    for part in walk(replace(node, {part: ones(*part.shape) for part in alone})):
        if type(part) in NOTATION:
            said = NOTATION(part)
            if said:
                yield said


def _vector(vectors: n.Spectral, one: n.Slice) -> Iterator[str]:
    """Say which vectors are meant by `u₁(A)` and `q₁(A)`."""
    if not vectors.letters[vectors.part]:
        return
    matrix, first = vectors.operands[0].pretty(), one.start == 0
    place = "" if first or not one.start.is_number else f"number {one.start + 1} of its values"
    if isinstance(vectors, n.Eigh):
        which = place or f"its {'smallest' if first else 'largest'} eigenvalue"
        name = f"q_{one.start + 1 if one.start.is_number else 'max'}({matrix})"
        yield f"{name} is the unit eigenvector of {matrix} for {which}"
        return
    which = place or f"its {'largest' if first else 'smallest'} singular value"
    end = one.start + 1 if one.start.is_number else "min"
    yield f"u_{end}({matrix}) and v_{end}({matrix}) are the singular vectors of {matrix} for {which}"


NOTATION = Table("what a part of an answer is")


@NOTATION.row(n.DividedDifference)
def _(node: n.DividedDifference) -> str:
    called, block = f"L_{node.name}", f"the upper right block of {node.name}([[A, E], [0, B]])"
    if not node.is_frechet:
        return f"{called}(A, E, B) is {block}; {called}(A, E), where B is A, the Fréchet derivative at A along E"
    return f"{called}(A, E) is the Fréchet derivative of {node.name} at A along E, {block.replace('B', 'A')}"


@NOTATION.row(n.Sylvester)
def _(node: n.Sylvester) -> str:
    return "sylvester(A, B, Q) is the X with A @ X + X @ B = Q"


@NOTATION.row(n.Spectral)
def _(node: n.Spectral) -> str | None:
    matrix = node.operands[0].pretty()
    if not node.letters[node.part]:
        return None
    if isinstance(node, n.Eigh):
        return f"Q({matrix}) has the unit eigenvectors of {matrix} as columns, by ascending eigenvalues"
    return (
        f"U({matrix}) and V({matrix}) have the singular vectors of {matrix} as columns, by descending singular values"
    )
