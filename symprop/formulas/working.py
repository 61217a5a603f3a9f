"""How a question about a formula is worked out: reverse mode, forward mode, the matrix of a linear map.

First order is a `Pullback` worked out (reverse mode) or a `Pushforward` (forward mode). The Hessian is the matrix of
the pushforward of the gradient; a Hessian-vector product is that pushforward itself and never builds the matrix
(Pearlmutter, *Fast exact multiplication by the Hessian*, 1994). Declared facts hold for values, not for derivatives:
while a variable is differentiated by, its own facts are put aside, and so are those of the formula's own names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from symprop.algebra import nodes as n
from symprop.algebra.definitions import written_out
from symprop.algebra.equations import Equation, Step
from symprop.algebra.formula import Formula
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.trees import parts, replace, variables
from symprop.analysis.definitions import with_known_facts
from symprop.calculus.context import Context
from symprop.calculus.known_forms import with_known_forms
from symprop.calculus.linear_maps import applied, matrix_of
from symprop.calculus.rewriting import simplified
from symprop.calculus.tidy import tidy
from symprop.finishing.touches import finished
from symprop.formulas.ledger import ledger
from symprop.formulas.remarks import remarks
from symprop.formulas.result import Result
from symprop.formulas.through_names import Found, pulled, pushed

ONE = n.Scalar(1)


def backwards(kind: str, formula: Formula, by: Variable, along: Variable | None = None) -> Result:
    """Answer in reverse mode: the derivative with respect to `by`, times a cotangent or 1."""
    asked = _asked(kind, formula, by, along=along)
    return _worked_out(asked, *_pulled(asked.formula, ONE if along is None else along, by))


def forwards(kind: str, formula: Formula, by: Variable, along: Variable) -> Result:
    """Answer in forward mode: the derivative with respect to `by` along a tangent."""
    asked = _asked(kind, formula, by, along=along)
    return _worked_out(asked, *_pushed(asked.formula, by, along))


def matrix(kind: str, formula: Formula, by: Variable, u: Variable) -> Result:
    """Answer by the matrix of the derivative, read off what forward mode makes of a tangent `u`."""
    asked = _asked(kind, formula, by)
    return _matrix(asked, u, *_pushed(asked.formula, by, u))


def second(kind: str, formula: Formula, by: Variable, along: Variable) -> Result:
    """Answer by the derivative of the gradient along a tangent."""
    asked = _asked(kind, formula, by, along=along)
    gradient, steps = _bare_gradient(asked.formula, by)
    start, more = _pushed(gradient, _bare(by), along)
    return _worked_out(asked, start, (*steps, *more))


def second_matrix(kind: str, formula: Formula, by: Variable, second: Variable, u: Variable) -> Result:
    """Answer by the matrix of the derivative of the gradient."""
    asked = _asked(kind, formula, by, second)
    gradient, steps = _bare_gradient(asked.formula, by, second)
    if not by.rank:  # one row, in the shape of `second`
        start, more = _pulled(gradient, ONE, _bare(second))
        return _worked_out(asked, start, (*steps, *more))
    start, more = _pushed(gradient, _bare(second), u)
    return _matrix(asked, u, start, (*steps, *more))


def _asked(kind: str, formula: Formula, *by: Variable, along: Variable | None = None) -> Result:
    """A question without its answer: the formula stands in its place."""
    formula = with_known_facts(formula)
    return Result(kind, formula, by, along, formula.node)


def _bare(x: Variable) -> Variable:
    """The same variable with nothing known of it: what is known holds for its values, not for its derivative."""
    return x.change(facts=())


def _bare_gradient(formula: Formula, *by: Variable) -> tuple[Formula, tuple[Step, ...]]:
    """Return the gradient of the first variable, found without the facts of any of `by`, and the steps to it."""
    bare: dict[Node, Node] = {x: _bare(x) for x in (*by, *(each.target for each in formula.definitions))}
    definitions = tuple(Equation(_bare(each.target), replace(each.expression, bare)) for each in formula.definitions)
    plain = dataclasses.replace(formula, node=replace(formula.node, bare), definitions=definitions)
    start, before = _pulled(plain, ONE, _bare(by[0]))
    first, steps = simplified(start, context_of(plain))
    return dataclasses.replace(plain, node=first), (*before, *steps)


def context_of(formula: Formula) -> Context:
    """Return what the rules may use: the names that the formula gives to its parts."""
    plain = _without_decompositions(formula)
    known = [dataclasses.replace(each, expression=with_known_forms(each.expression)[0]) for each in plain.definitions]
    if plain is not formula:  # (K + K.T) / 2 was factored, which for its value is K
        known += [dataclasses.replace(each, expression=simplified(each.expression, Context())[0]) for each in known]
    both = [*formula.definitions, *known]
    by_value = {tidy(each.expression): each for each in reversed(both) if each.expression.operands}
    by_name = {each.target: each for each in both}
    given = (*formula.variables, *by_name)
    return Context(by_value, by_name, given)


def _pulled(formula: Formula, cotangent: Node, by: Variable) -> Found:
    return _started(
        formula,
        lambda node: n.Pullback(cotangent, node, by),
        lambda known: pulled(cotangent, known.node, by, known.definitions, context_of(known)),
    )


def _pushed(formula: Formula, by: Variable, tangent: Node) -> Found:
    return _started(
        formula,
        lambda node: n.Pushforward(node, by, tangent),
        lambda known: pushed(known.node, by, tangent, known.definitions, context_of(known)),
    )


def _started(formula: Formula, ask: Callable[[Node], Node], follow: Callable[[Formula], Found]) -> Found:
    """Return a question about a formula, and the steps to it.

    Written-out forms stand as what they are, and the chain rule goes through the formula's own names.
    """
    plain = _without_decompositions(formula)
    node, names = with_known_forms(plain.node)
    definitions = []
    for each in plain.definitions:
        expression, more = with_known_forms(each.expression)
        definitions.append(dataclasses.replace(each, expression=expression))
        names += more
    known = dataclasses.replace(formula, node=node, definitions=tuple(definitions))
    start, steps = follow(known)
    asked, first = ask(formula.whole.node), steps[0].before if steps else start
    rules = dict.fromkeys((*names, *(["chain rule"] if first != ask(known.whole.node) else [])))
    return start, (*([Step(", ".join(rules), asked, first)] if rules else []), *steps)


def _without_decompositions(formula: Formula) -> Formula:
    """Return a formula with the names of decompositions written out, where none is left then: `log(diagonal(L))` sums
    to half of a log-determinant where L is a Cholesky factor."""
    named = [each for each in formula.definitions if isinstance(each.expression, n.Decomposition)]
    if not named:
        return formula
    others = [each for each in formula.definitions if each not in named]
    written = [tidy(written_out(each.expression, named)) for each in others]
    node = tidy(written_out(formula.node, named))
    if any(isinstance(part, n.Decomposition) for each in (node, *written) for part in parts(each)):
        return formula
    rest = (dataclasses.replace(each, expression=new) for each, new in zip(others, written, strict=True))
    return dataclasses.replace(formula, node=node, definitions=tuple(rest))


def _simplified(asked: Result, start: Node) -> Found:
    """Work out a question with the facts of what it is by, which hold for values."""
    known = {_bare(x): x for x in (*asked.by, *(each.target for each in asked.formula.definitions))}
    node, steps = simplified(replace(start, known), context_of(asked.formula))
    return node, tuple(steps)


def _worked_out(asked: Result, start: Node, before: tuple[Step, ...]) -> Result:
    node, steps = _simplified(asked, start)
    node, last = finished(node)
    return _answered(asked, node, (*before, *steps, *last))


def _matrix(asked: Result, u: Variable, start: Node, before: tuple[Step, ...]) -> Result:
    """Read the matrix of a linear map off what comes out of a tangent `u`."""
    if not u.rank:  # of a number: what the map makes of 1 has the shape of the image
        return _worked_out(asked, replace(start, {u: ONE}), before)
    pushed, steps = _simplified(asked, start)
    matrix = matrix_of(pushed, u)
    zero = u not in variables(pushed)  # of which the sizes of u are no part
    read = Step("matrix of a linear map", pushed, applied(matrix, u, pushed), is_sound=zero)
    node, more = simplified(matrix, context_of(asked.formula))
    node, last = finished(node)
    if not more and not last:  # the step before ends at the image of `u`, the answer is the matrix alone
        last = (Step("the matrix itself", matrix, node),)
    return _answered(asked, node, (*before, *steps, read, *more, *last))


def _answered(asked: Result, node: Node, steps: tuple[Step, ...]) -> Result:
    found = dataclasses.replace(asked, node=node, steps=steps)
    return dataclasses.replace(found, ledger=ledger(found), remarks=remarks(found))
