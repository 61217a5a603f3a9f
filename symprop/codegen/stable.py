"""Stable forms: the same values, without overflow and without lost digits.

The forms are those of every numerical text, e.g. N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed.
(2002), chapter 1; Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions (2021).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy

from symprop.algebra import nodes as n
from symprop.algebra import trees
from symprop.algebra.functions import FUNCTIONS
from symprop.algebra.kinds.patterns import Common
from symprop.algebra.lifting import lift
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.table import for_kinds
from symprop.algebra.trees import terms_of, variables
from symprop.calculus.coefficients import base_and_exponent, coefficient_and_rest
from symprop.calculus.exponentials import argument, complement, is_map, minus_one
from symprop.calculus.known_forms import KnownForm, known_form, recogniser
from symprop.calculus.tidy import tidy
from symprop.codegen.program import Emit, Names, Program, Statement, Why, each_rewritten, rewritten
from symprop.codegen.shifted_exponentials import as_shifted_log, as_shifted_quotient

CALLED = (
    *("exp", "log", "log1p", "expm1", "abs", "sign", "sin", "cos", "tan", "arcsin", "arccos", "arctan"),
    *("sinh", "cosh", "tanh", "maximum", "minimum", "power", "sigmoid", "softplus", "erf"),
    *("gammaln", "digamma", "polygamma"),
)
"""Elementwise functions that code calls: every library has them, or a helper does."""

Rule = Callable[[Node], Node | None]


def everywhere(node: Node, rule: Rule) -> Node:
    """Return `node` with `rule` applied from the leaves up; where it returns None, the node stays."""
    operands = tuple(everywhere(operand, rule) for operand in node.operands)
    new = node if operands == node.operands else node.with_operands(operands)
    changed = rule(new)
    return new if changed is None else changed


def by_rule(program: Program, rule: Rule) -> Program:
    """Return `program` with a rule applied to every part, which looks at this part alone."""
    return each_rewritten(program, lambda node: everywhere(node, rule))


def held_roots(program: Program) -> Program:
    """Write a fractional power as a whole power of the root of the same base that is computed first: `r**3`."""
    first: dict[Node, sympy.Expr] = {}

    @for_kinds(n.Power)
    def rule(node: n.Power) -> Node | None:
        if node.exponent.is_Integer is not False or node.exponent.free_symbols:
            return None
        base, exponent = node.operands[0], node.exponent
        if isinstance(base, n.Expand):  # the root of fewer numbers
            inner = n.Power(base.operands[0], exponent)
            return n.Expand(rule(inner) or inner, base.axis)
        times = exponent / first.setdefault(base, exponent)
        return n.Power(n.Power(base, first[base]), times) if times.is_Integer and times != 1 else None

    return rewritten(program, lambda each, emit: each.with_expression(everywhere(each.expression, rule)), n.Power)


def write_out(program: Program) -> Program:
    """Write elementwise functions that NumPy does not have as formulas, from their scalar bodies."""

    @for_kinds(n.Map)
    def rule(node: n.Map) -> Node | None:
        if any(is_map(node, name) for name in CALLED):
            return None
        return lift(node.function.body, dict(zip(node.function.parameters, node.operands, strict=True)))

    return by_rule(program, rule)


def stable_exponentials(program: Program) -> Program:
    """Use sigmoid, softplus, expm1 and log1p where the written form loses digits or overflows."""
    definitions = program.definitions()
    idle: set[Common] = set()  # nothing is changed in what looks so

    def change(statement: Statement, emit: Emit) -> Statement:
        if statement.pattern[0] in idle:
            return statement
        whys: list[Why] = []

        def said(found: tuple[KnownForm, Node] | None) -> Node | None:
            if found is None:
                return None
            form, known = found
            whys.append(Why(f"stays finite: {form.identity}", variables(known)))
            return known

        def known(node: Node) -> Node:
            flattened = flat(node)
            return said(known_form(_through_names(flattened, definitions))) or flattened

        def stable(node: Node) -> Node:
            flattened = flat(node)
            found = said(stable_form(_through_names(flattened, definitions)))
            return _without_minus(found or _expm1(flattened) or _log1p(flattened) or flattened)

        expression = everywhere(everywhere(statement.expression, known), stable)
        reads_names = any(is_map(part, "log") for part in trees.walk(expression))
        if expression is statement.expression and not (whys or reads_names):
            idle.add(statement.pattern[0])
        return statement.with_expression(expression).because(*whys)

    return rewritten(program, change)


def flat(node: Node) -> Node:
    """Return a product of products as one, and a power of a product as a product."""
    outer = isinstance(node, (n.Multiply, n.Power))
    nested = outer and any(isinstance(operand, n.Multiply) for operand in node.operands)
    return tidy(node) if nested else node


def _through_names(node: Node, definitions: Mapping[str, Node]) -> Node:
    """Return a logarithm with the sigmoids that it reads by name written out; any other node as it is."""
    if not is_map(node, "log"):
        return node
    defined = {read: definitions.get(read.name) for read in variables(node)}
    return trees.replace(node, {read: each for read, each in defined.items() if each and is_map(each, "sigmoid")})


@for_kinds(n.Map)
def as_log_cosh(node: Node) -> Node | None:
    """Return `log(c cosh(t))` as `|t| + log1p(expm1(-2 |t|) / 2) + log(c)`, for c above 0, else None."""
    c, inside = coefficient_and_rest(argument(node, "log") or node)
    t = argument(inside, "cosh") if is_map(node, "log") and c.is_positive else None
    if t is None:
        return None
    size = FUNCTIONS["abs"](t)
    half = n.Scalar(sympy.Rational(1, 2)) * FUNCTIONS["expm1"](-2 * size)
    return tidy(n.Add(size, FUNCTIONS["log1p"](half), n.Scalar(sympy.log(c))))


@for_kinds(n.Power)
def as_inverse_cosh(node: Node) -> Node | None:
    """Return powers of `1 / cosh(t)` as those of `2 exp(-|t|) sigmoid(2 |t|)`, else None."""
    base, exponent = base_and_exponent(node)
    t = argument(base, "cosh") if exponent.is_negative else None
    if t is None:
        return None
    size = FUNCTIONS["abs"](t)
    inverse = 2 * FUNCTIONS["exp"](n.negative(size)) * FUNCTIONS["sigmoid"](2 * size)
    return tidy(inverse**-exponent)


@for_kinds(n.Power)
def as_difference_of_squares(node: Node) -> Node | None:
    """Return a root of `1 - t**2`, or its inverse, as that of `(1 - t) (1 + t)`, else None."""
    base, exponent = base_and_exponent(node)
    square = complement(base) if exponent.is_Integer is False or exponent.is_negative else None
    t, two = base_and_exponent(square) if square is not None else (node, 1)
    return n.Power(n.Multiply(1 - t, 1 + t), exponent) if two == 2 else None


STABLE_FORMS: tuple[KnownForm, ...] = (
    KnownForm("log cosh", "log(cosh(t)) = |t| + log1p(expm1(-2 |t|) / 2)", as_log_cosh),
    KnownForm("log of a sum", "log(r + exp(t)) = m + log(r exp(-m) + exp(t - m)), m = max(t, 0)", as_shifted_log),
    KnownForm("quotient", "exp(t) / (r + exp(t)) = exp(t - m) / (r exp(-m) + exp(t - m))", as_shifted_quotient),
    KnownForm("difference of squares", "1 - t**2 = (1 - t) (1 + t)", as_difference_of_squares),
    KnownForm("1 / cosh", "1 / cosh(t) = 2 exp(-|t|) sigmoid(2 |t|)", as_inverse_cosh),
)
"""Forms that only code needs: a reader knows the left side better, a computer the right one."""

stable_form = recogniser(STABLE_FORMS)


def _log1p(node: Node) -> Node | None:
    """log(1 + t) -> log1p(t)."""
    rest = minus_one(argument(node, "log"))
    return None if rest is None else FUNCTIONS["log1p"](rest)


def _without_minus(node: Node) -> Node:
    """-(-a - b) -> a + b, in a sum or alone."""
    coefficient, rest = coefficient_and_rest(node)
    if rest is None or not _is_negative(node):
        return node
    inside = rest.operands[0] if isinstance(rest, n.Sum) else rest
    terms = terms_of(inside)
    if len(terms) < 2 or not all(map(_is_negative, terms)):
        return node
    flipped = n.Add(*map(n.negative, terms))
    return tidy(n.Scalar(-coefficient) * (flipped if inside is rest else rest.with_operands([flipped])))


def _is_negative(term: Node) -> bool:
    return coefficient_and_rest(term)[0].could_extract_minus_sign()


def _expm1(node: Node) -> Node | None:
    """c exp(t) - c -> c expm1(t), within a sum."""
    terms = list(terms_of(node))
    for term in terms:
        coefficient, rest = coefficient_and_rest(term)
        t = argument(rest, "exp")
        if t is not None and n.Scalar(-coefficient) in terms:
            terms.remove(term)
            terms.remove(n.Scalar(-coefficient))
            terms.append(tidy(coefficient * FUNCTIONS["expm1"](t)))
            return trees.added(terms)
    return None


def shifted_softmax(program: Program) -> Program:
    """Write softmax, its logarithm and log-sum-exp from logits shifted by their maximum, shared by all readers."""
    definitions = program.definitions()
    names = Names(program.names)
    made: dict[tuple[Node, int], tuple[Variable, Variable, Variable, Variable]] = {}

    def parts(logits: Node, axis: int, emit: Emit) -> tuple[Variable, Variable, Variable, Variable]:
        """Return the maximum, the shifted logits, their exponentials and the sum of those."""
        key = logits, axis
        if key not in made:
            if not isinstance(logits, Variable):
                first = names.new("logits", logits)
                emit(Statement(first, logits))
                logits = first
            largest = n.Extreme(logits, axis, True)
            top = names.new("top", largest)
            shifted = names.new("shifted", logits)
            exps = names.new("exps", logits)
            total = names.new("total", top)
            emit(Statement(top, largest))
            why = Why("shifted by the largest logit, so that exp cannot overflow")
            emit(Statement(shifted, logits - top, whys=(why,)))
            emit(Statement(exps, FUNCTIONS["exp"](shifted)))
            emit(Statement(total, n.Sum(exps, axis, True)))
            made[key] = top, shifted, exps, total
        return made[key]

    def change(statement: Statement, emit: Emit) -> Statement:
        whys: list[Why] = []

        def visit(node: Node) -> Node:
            inside = argument(node, "log")
            if isinstance(inside, Variable):
                inside = definitions.get(inside.name, inside)
            if isinstance(inside, n.Softmax):  # log(softmax(z)) -> z - max - log(sum(exp(z - max)))
                _, shifted, _, total = parts(visit(inside.operands[0]), inside.axis, emit)
                why = "log(softmax) from the shifted logits: finite where softmax itself rounds to 0"
                whys.append(Why(why, (shifted, total)))
                return shifted - FUNCTIONS["log"](total)
            operands = tuple(visit(operand) for operand in node.operands)
            node = node if operands == node.operands else node.with_operands(operands)
            if isinstance(node, n.Softmax):
                _, _, exps, total = parts(node.operands[0], node.axis, emit)
                return exps / total
            if isinstance(node, n.LogSumExp):
                top, _, _, total = parts(node.operands[0], node.axis, emit)
                result = top + FUNCTIONS["log"](total)
                return result if node.keepdims else n.Reshape(result, node.shape)
            return node

        return statement.with_expression(visit(statement.expression)).because(*whys)

    return rewritten(program, change, n.Softmax, n.LogSumExp, n.Map)
