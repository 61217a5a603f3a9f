"""What is shown of samples: signs, symmetry, costs, bounds; random points and counts contradict what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import sympy
from samples import IDS, A, B, M, P, c, column

from symprop.algebra import nodes as n
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.names import variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.scalar import scalar_body
from symprop.algebra.symmetry import is_symmetric
from symprop.algebra.trees import variables
from symprop.analysis.definiteness import definite, nonnegative, semidefinite
from symprop.analysis.flops import Operations, operations
from symprop.analysis.vanishing import BOUND, norm
from symprop.calculus.symmetric import symmetric
from symprop.calculus.vanishing_sums import REACHED
from symprop.verify.evaluate import complex_value
from trust.counting import Tally, counted
from trust.mutant_questions import Question, evaluated, same_numbers
from trust.mutant_samples import numeric, samples, values_of
from trust.sum_values import value

Array = Any
S3 = variable("S3", (3, 3))


def _least(node: Node) -> float:
    """Return the least element at random points of either sign."""
    return min(float(np.min(value(node, values_of(node, signs), {}), initial=np.inf)) for signs in range(9))


def _eigenvalues(node: Node) -> float:
    least = np.inf
    for signs in range(9):
        matrix = value(node, values_of(node, signs), {})
        if not same_numbers(matrix, matrix.T):
            return -np.inf
        least = min(least, float(np.linalg.eigvalsh(matrix)[0]))
    return least


def _turned(node: Node) -> float:
    matrices = [value(node, values_of(node, signs), {}) for signs in range(3)]
    return 0.0 if all(same_numbers(each, each.T) for each in matrices) else -np.inf


def shown(
    what: str, tell: Callable[[Node], Any], true: Callable[[Node], float], strict: bool = False
) -> Callable[[], Iterator[Question]]:
    """Return what yields what is shown of samples; a claim is wrong where a random point contradicts it."""

    def questions() -> Iterator[Question]:
        for node, at in samples():
            if what != "at least 0" and not (node.rank == 2 and at.shape[0] == at.shape[1] > 1):
                continue

            def seen(told: bool, node: Node = node) -> bool:
                return told and not (true(node) > 1e-12 if strict else true(node) >= -1e-12)

            yield Question(
                f"{what}: {node.text()}", lambda node=node: tell(node) not in (None, False), seen, equal=evaluated
            )

    return questions


of_signs = shown("at least 0", nonnegative, _least)
of_semidefinite = shown("semidefinite", semidefinite, _eigenvalues)
of_definite = shown("definite", definite, _eigenvalues, strict=True)
of_symmetric = shown("symmetric", symmetric, _turned)
of_forms = shown("its own transpose", is_symmetric, _turned)


# ---------------------------------------------------------------- costs and bounds


def of_costs() -> Iterator[Question]:
    """Yield the operations of samples, which numbers count that take part in them."""
    for node, _ in samples():
        arrays = {
            name: each if name in IDS else np.full(np.shape(each), Tally(), dtype=object)
            for name, each in values_of(node).items()
        }

        def seen(told: Operations, node: Node = node, arrays: dict[str, Any] = arrays) -> bool:
            return any(getattr(told, part) != count for part, count in counted(node.text(), arrays).items())

        yield Question(f"cost of {node.text()}", lambda node=node: operations(node), seen)


LOOSE = 1e-6
"""A sample that stays so much below a bound does not reach it."""
SCALES = (0.0, 0.1, 1.0, 4.0, 40.0)


def _largest_norm(node: Node, position: int) -> float:
    """Return the largest norm of a Jacobian that is met: near 0, far out, with two elements alike."""
    leaf = node.operands[position]
    found = 0.0
    for scale in SCALES:
        for same in (False, True):
            at = dict(values_of(node, 1))
            at[leaf.name] = scale * np.asarray(at[leaf.name])
            if same and at[leaf.name].ndim:
                at[leaf.name][...] = -scale
                at[leaf.name][..., :2] = scale
            held = {each.name: values_of(node)[each.name] for each in variables(node) if each.name in IDS}
            columns = []
            for place in np.ndindex(np.shape(at[leaf.name])):
                moved = np.array(at[leaf.name], dtype=complex)
                moved[place] += 1e-30j
                columns.append(np.imag(complex_value(node, {**at, **held, leaf.name: moved})).ravel() / 1e-30)
            norms = np.linalg.norm(np.stack(columns, axis=1), 2)
            found = max(found, float(norms) if np.isfinite(norms) else 0.0)
    return found


def of_bounds() -> Iterator[Question]:
    """Yield bounds of samples of one node, which the norm of a Jacobian must not pass."""
    for node, _ in samples():
        for position, leaf in enumerate(node.operands):
            if (
                not isinstance(leaf, Variable)
                or leaf.name in IDS
                or sum(leaf in variables(each) for each in node.operands) > 1
            ):
                continue

            def ask(node: Node = node, position: int = position) -> Any:
                return BOUND(node, position)

            def seen(told: Any, node: Node = node, position: int = position) -> bool:
                arrays = {norm(each): values_of(node, 1)[each.name] for each in variables(node) if each.rank < 3}
                norms = {each: np.linalg.norm(np.atleast_1d(array), 2) for each, array in arrays.items()}
                return _largest_norm(node, position) > float(told.subs(norms)) * (1 + 1e-9)

            def equal(told: Any, right: Any, node: Node = node, position: int = position) -> bool:
                arrays = {norm(each): values_of(node, 1)[each.name] for each in variables(node) if each.rank < 3}
                norms = {each: np.linalg.norm(np.atleast_1d(array), 2) for each, array in arrays.items()}
                # a lower bound is one too, where the sample does not reach the right one
                return _largest_norm(node, position) < float(right.subs(norms)) * (1 - LOOSE)

            yield Question(f"bound of {node.text()} by {leaf.name}", ask, seen, equal=equal)


def of_centred_sums() -> Iterator[Question]:
    """Yield what must sum to 0 so that a sum over axes of a sample is 0; a variable is centred so."""
    centred = (A.T, n.Reshape(P, (4, 3)), n.Sum(P, 1), n.Sum(P, 0), A @ B, B @ A, M @ S3, n.Multiply(A, column), 3 * A)
    for node in centred:
        for axis in range(node.rank):

            def seen(told: Any, node: Node = node, axis: int = axis) -> bool:
                part, axes = told
                if not axes or not isinstance(part, Variable):
                    return False  # nothing is said
                values = dict(values_of(node))
                values[part.name] = values[part.name] - np.mean(values[part.name], axis=axes, keepdims=True)
                return not np.allclose(np.sum(value(node, values, {}), axis=axis), 0, 0, 1e-9)

            def ask(node: Node = node, axis: int = axis) -> Any:
                return REACHED(node, (axis,))

            yield Question(f"sum of {node.text()} along {axis}", ask, seen, equal=evaluated)


def of_bodies() -> Iterator[Question]:
    """Yield elementwise formulas of one number as SymPy has them."""
    known = (function for name, function in FUNCTIONS.items() if name != "polygamma")
    scalars: list[Node] = [function(*(c for _ in function.parameters)) for function in known]
    scalars += [c + c**2 + 1, c * (c + 2), c ** sympy.Rational(1, 2), n.Where(n.Compare(">", c, 2 * c), c, c**2)]
    scalars += [n.Where(n.Compare(relation, c, 2 * c), c, 3 * c) for relation in ("<", ">=", "<=", "==", "!=")]
    for node in scalars:
        true, at = value(node, values_of(node), {}), float(values_of(node)["c"])

        def ask(node: Node = node, at: float = at) -> Array:
            body = scalar_body(node)
            return np.array(float(body.subs(dict.fromkeys(body.free_symbols, at))))

        yield numeric("body", node, ask, true)
