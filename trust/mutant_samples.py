"""Samples of every kind, of which each table is asked alone, with another way to the numbers.

What a row makes of a node is compared with the value of the node, or with what NumPy, a reader of LaTeX or SymPy's
matrices make of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import mpmath
import numpy as np
import sympy
from latex_meaning import Meaning
from latex_reader import name_of
from samples import IDS, SAMPLES, M, N, P, Q, R, S, near, u, v

from symprop.algebra import nodes as n
from symprop.algebra.batching import Batch, batched, batched_variable
from symprop.algebra.elements import elements
from symprop.algebra.means import Mean
from symprop.algebra.names import variable
from symprop.algebra.nodes import SHAPE, Node, Variable
from symprop.algebra.trees import variables, walk
from symprop.codegen.kinds import Copy, FirstTrue, Inner, Lines, LogSoftmax, Repeated, Solve, meaning
from symprop.formulas.interchange.writing import to_sympy
from symprop.verify.arithmetic import Precise
from symprop.verify.evaluate import Evaluator, complex_value, stacked, unstacked
from symprop.verify.moved import Moving
from tests.drawn_calls import numpy_words
from trust.mutant_questions import Question, evaluated, same_numbers
from trust.sum_values import random_values, value

Array = Any
DIGITS = 30


@cache
def values_of(node: Node, signs: int = 0) -> dict[str, Any]:
    """Return random arrays for a sample: above 0, or of signs that are drawn."""
    values = random_values({}, 0, node)
    if signs:
        source = np.random.default_rng(signs)
        values = {name: source.choice([-1, 1], np.shape(each)) * each for name, each in values.items()}
    return values | {name: np.asarray(each) for name, each in IDS.items() if name in values}


u_, v_, R_ = variable("u_", (2, 1)), variable("v_", (2, 1)), variable("R_", (2, 3))
MORE: tuple[Node, ...] = (
    *(n.Scalar(-3), n.Fill(-2, (2, 3)), n.Fill(-1, (2, 2)), -1 * n.Identity(2), n.Identity(3) @ n.Identity(3)),
    *(S * N, S**2, S**3, S + N, N - N.T, n.Outer(u, v), n.Outer(v, v), n.Diag(u), n.Kron(S, N), N @ S @ N.T, S.T @ N),
    *(n.Where(n.Compare(">", S, N), S, N), n.Sum(S, 0), n.Reshape(S, (4,)), n.Pad(u, 0, [(1, 0)], -1)),
    *(n.Cholesky(near @ near.T), n.Eigh(M + M.T, 0), n.Eigh(N @ N.T, 0), n.Inverse(near), n.MatrixPower(near, 3)),
    *(n.Inverse(N), n.Inverse(M), n.Determinant(N), n.LogDeterminant(N), n.LogDeterminant(M), n.MatrixPower(N, -1)),
    *(
        u + (n.Fill(1, (3,)) @ n.Fill(1, (3,))) * v,
        n.Kron(n.Identity(2), n.Identity(3) @ n.Identity(3)) @ n.Fill(1, (6,)),
    ),
    *(P + n.Sum(P, 1, True), n.Extreme(P + Q.permuted((0, 2, 1)), 1), n.Softmax(P @ Q, -1) @ P, u @ (P * R)),
)
"""More samples: what is not shown to be above 0, symmetric or definite; what is printed by its elements."""


def samples() -> Iterator[tuple[Node, Array]]:
    """Yield samples with their values."""
    for node in (*(each for nodes in SAMPLES.values() for each in nodes), *MORE):
        yield node, value(node, values_of(node), {})


def numeric(what: str, node: Node, ask: Callable[[], Any], true: Array) -> Question:
    """Return a question for numbers that are known."""
    return Question(f"{what} of {node.text()}", ask, lambda told: not same_numbers(told, true), same_numbers)


def of_values() -> Iterator[Question]:
    """Yield values of samples, which NumPy works out from their text."""
    for node, _ in samples():
        values = values_of(node)
        with np.errstate(all="ignore"):
            try:
                true = eval(node.text(), {**numpy_words(), **values})
            except Exception:  # what has no text that NumPy reads
                continue
        yield numeric("value", node, lambda node=node: np.real(complex_value(node, values_of(node))), true)
    for node, same in ((n.Pullback(v, S @ u, u), v @ S), (n.Pushforward(N @ u, u, v), N @ v)):
        true = value(same, values_of(node), {})
        yield numeric("value", node, lambda node=node: np.real(complex_value(node, values_of(node))), true)


def of_moved_values() -> Iterator[Question]:
    """Yield values of samples where one coordinate has moved, in a stack; each is worked out alone."""
    for node, _ in samples():
        by = next(
            (each for each in variables(node) if each.name not in IDS and "index" not in each.facts_by_kind), None
        )
        if by is None:
            continue
        at = np.asarray(values_of(node)[by.name])

        def ask(node: Node = node, by: Variable = by) -> Array:
            with mpmath.workdps(DIGITS):
                of = Evaluator(Precise(), stacked(values_of(node), Precise()))
                exact = unstacked(of(by))
                stack = Moving(of, by, exact, 0, exact.ravel()[:, None] + 0.25)
                return stack.numbers(stack(node)).astype(float)

        each = []
        for place in range(at.size + 1):
            moved = at.copy().ravel()
            moved[place - 1 : place] += 0.25
            each.append(value(node, {**values_of(node), by.name: moved.reshape(at.shape)}, {}))
        yield numeric("moved values", node, ask, np.stack(each))


def of_shapes() -> Iterator[Question]:
    """Yield shapes of samples."""
    for node, true in samples():
        yield _shape(node, true)
    for node, true in programs():
        yield _shape(node, true)


def _shape(node: Node, true: Array) -> Question:
    what = type(node).__name__
    return Question(f"shape of {what} {node.operands}", lambda: tuple(SHAPE(node)), lambda told: told != np.shape(true))


def of_elements() -> Iterator[Question]:
    """Yield the elements of samples as SymPy scalars."""
    for node, true in samples():
        if isinstance(node, n.Decomposition) or true.size > 12:
            continue
        known = {
            f"{name}[{','.join(map(str, place))}]" if place else name: number
            for name, each in values_of(node).items()
            for place, number in np.ndenumerate(each)
        }

        def ask(node: Node = node, known: dict[str, float] = known) -> Array:
            ids = {name: each for name, each in values_of(node).items() if name in IDS}
            found = elements(node, ids)
            numbers = [each.subs({s: known[s.name] for s in each.free_symbols}).evalf() for each in found.ravel()]
            return np.array(numbers, dtype=float).reshape(found.shape)

        yield numeric("elements", node, ask, true)


def of_batches() -> Iterator[Question]:
    """Yield samples for a batch, in rows and in columns: the values of its examples, beside each other."""
    for node, _ in samples():
        arrays, source = list(variables(node)), np.random.default_rng(2)
        for rows in (True, False) if arrays else ():
            batch = Batch({}, sympy.Integer(3), rows)
            mapping = {each: batched_variable(each, batch) for each in (arrays[:1] if rows else arrays)}
            fixed, examples = values_of(node), []
            for shift in range(3):
                moved = {each.name: _moved(fixed[each.name], each, shift, source) for each in mapping}
                examples.append({**fixed, **moved})
            axis = 0 if rows else -1
            own = {each.name: np.stack([one[each.name] for one in examples], axis) for each in mapping}
            true = np.stack([value(node, one, {}) for one in examples], axis)

            given = {**fixed, **own}

            def ask(node: Node = node, batch: Batch = batch, mapping: Any = mapping, given: Any = given) -> Array:
                return value(batched(node, mapping, batch.size, "rows" if batch.rows else "columns"), given, {})

            yield numeric("batch in rows" if rows else "batch in columns", node, ask, true)


def _moved(at: Array, of: Variable, shift: int, source: np.random.Generator) -> Array:
    """Return the values of another example; ids are those of it in another order."""
    return np.roll(at, shift) if "index" in of.facts_by_kind else at + source.uniform(0, 0.1, np.shape(at))


def of_texts() -> Iterator[Question]:
    """Yield texts of samples, which NumPy reads."""
    for node, true in samples():

        def seen(told: str, node: Node = node, true: Array = true) -> bool:
            with np.errstate(all="ignore"):
                return not same_numbers(eval(told, {**numpy_words(), **values_of(node)}), true)

        yield Question(f"text of {node.text()}", node.text, seen, equal=evaluated)


def of_latex() -> Iterator[Question]:
    """Yield LaTeX of samples, which a reader that is not symprop's evaluates."""
    for node, true in samples():

        def seen(told: str, node: Node = node, true: Array = true) -> bool:
            arrays = {name_of(each.latex()): np.asarray(values_of(node)[each.name]) for each in variables(node)}
            arrays |= {name_of(each.latex()): value(each, {}, {}) for each in walk(node) if isinstance(each, n.Known)}
            with np.errstate(all="ignore"):
                return not same_numbers(Meaning(arrays, vec="columns").evaluate(told, true.shape), true)

        yield Question(f"LaTeX of {node.text()}", node.latex, seen, equal=evaluated)


def of_sympy() -> Iterator[Question]:
    """Yield samples as SymPy's matrix expressions, at numbers."""
    for node, true in samples():
        if node.rank > 2 or any(each.rank > 2 for each in variables(node)):
            continue

        def ask(node: Node = node) -> Array:
            found = to_sympy(node)
            put = {}
            for each in variables(node):
                symbol, number = to_sympy(each), np.asarray(values_of(node)[each.name])
                put[symbol] = sympy.Float(number) if not each.rank else sympy.ImmutableMatrix(number)
            whole = found.subs(put).doit()
            whole = whole.as_explicit() if hasattr(whole, "as_explicit") else whole
            return np.array(
                sympy.Matrix([whole] if not hasattr(whole, "shape") else whole).evalf().tolist(), dtype=float
            )

        yield numeric("SymPy", node, ask, true.reshape((*true.shape, 1, 1)[:2] if true.ndim < 2 else true.shape))


def programs() -> Iterator[tuple[Node, Array]]:
    """Yield kinds that only programs hold, with what NumPy makes of them."""
    a, b, x = _arrays()
    shares = np.exp(a)
    yield from (
        (Solve(N, S), np.linalg.solve(b, a)),
        (Solve(N, u), np.linalg.solve(b, x)),
        (Solve(N.T, S), np.linalg.solve(b.T, a)),
        (Inner(S, N), np.sum(a * b)),
        (Repeated(S, 3), np.kron(np.eye(3), a)),
        (Repeated(S, 3, 1), np.kron(a, np.eye(3))),
        (Copy(S), a),
        (Lines(u, (3, 2)), np.broadcast_to(x, (3, 2))),
        (LogSoftmax(S, 1), a - np.log(shares.sum(axis=1, keepdims=True))),
        (LogSoftmax(S, 0), a - np.log(shares.sum(axis=0, keepdims=True))),
        (FirstTrue(n.Compare(">=", S, N * 0), (1,)), np.array([[1.0, 0], [1, 0]])),
        (Mean(S, 0), a.mean(axis=0)),
        (Mean(S, None), a.mean()),
    )


def of_programs() -> Iterator[Question]:
    """Yield the meanings of kinds that only programs hold."""
    a, b, x = _arrays()
    given = {"S": a, "N": b, "u": x}
    for node, true in programs():
        what = f"meaning of {type(node).__name__}"
        wrong = lambda told, true=true: not same_numbers(told, true)  # noqa: E731
        yield Question(what, lambda node=node: value(meaning(node), given, {}), wrong, same_numbers)


def _arrays() -> tuple[Array, Array, Array]:
    values = values_of(S + N + u)
    return values["S"], values["N"], values["u"]
