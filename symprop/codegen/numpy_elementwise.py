"""NumPy source of numbers and of what is elementwise, with the parentheses that Python needs and no others.

Each row returns a `Code`: the text, how tightly it binds, and what kind of values it has. The kind keeps the dtype:
a Python number beside an array of float32 stays float32 (NEP 50), but a comparison is an array of booleans, and a
boolean beside a number would become float64. So booleans multiply arrays directly, and stand as numbers anywhere else
only after `.astype(DTYPE)`.
"""

from __future__ import annotations

import re

import sympy
from sympy import Expr, Integer, Rational

from symprop.algebra import nodes as n
from symprop.algebra.nodes import Node
from symprop.algebra.table import Table, for_kinds
from symprop.algebra.trees import multiplied, walk
from symprop.calculus.coefficients import base_and_exponent
from symprop.codegen.code import (
    ATOM,
    BOOLEAN,
    COMPARE,
    FLOAT,
    NUMBER,
    POWER,
    PRODUCT,
    SUM,
    UNARY,
    Code,
    is_decimal,
    number,
)

FUNCTION_NAMES = {
    name: f"np.{name}"
    for name in (
        *("exp", "log", "log1p", "expm1", "abs", "sign", "sin", "cos", "tan", "arcsin", "arccos", "arctan"),
        *("sinh", "cosh", "tanh", "maximum", "minimum"),
    )
} | {name: name for name in ("sigmoid", "softplus", "erf", "power")}
"""How NumPy, or a helper, calls an elementwise function."""


NUMPY = Table("NumPy source")


def numpy_source(node: Node) -> str:
    """Return NumPy source of an array of DTYPE for `node`.

    >>> from symprop.algebra import variable
    >>> a, W, y = variable("a1", (5, 3)), variable("W2", (2, 3)), variable("y", (5, 2))
    >>> numpy_source((a @ W.T) * (1 - y * y))
    '(a1 @ W2.T) * (1 - y * y)'
    """
    return _numeric(NUMPY(node)).text


def _numeric(code: Code) -> Code:
    """Return `code` as numbers: booleans are converted."""
    return Code(f"{code.within(ATOM)}.astype(DTYPE)") if code.kind == BOOLEAN else code


def operand_code(node: Node) -> Code:
    """Return the source of a node as numbers, with how tightly it binds."""
    return _numeric(NUMPY(node))


@NUMPY.row(n.Variable)
def _(node: n.Variable) -> Code:
    return Code(node.name)


@NUMPY.row(n.Scalar)
def _(node: n.Scalar) -> Code:
    return number(node.value)


@NUMPY.row(n.Add)
def _(node: n.Add) -> Code:
    terms = sorted(node.operands, key=lambda term: _sign(term)[0] < 0)  # a positive term first, where there is one
    text = ""
    for position, term in enumerate(terms):
        sign, rest = _sign(term)
        if position == 0:
            text = operand_code(term).within(SUM)
        else:
            text += f" {'+' if sign > 0 else '-'} {operand_code(rest).within(PRODUCT)}"
    return Code(text, SUM, _kind(node))


def _sign(term: Node) -> tuple[int, Node]:
    """Return the sign of `term` and the term without it."""
    lead = term.operands[0] if isinstance(term, n.Multiply) else term
    if isinstance(lead, n.Scalar) and lead.value.could_extract_minus_sign():
        return -1, n.negative(term) if lead is term else _product([n.Scalar(-lead.value), *term.operands[1:]])
    return 1, term


def _product(factors: list[Node]) -> Node:
    kept = [factor for factor in factors if not (isinstance(factor, n.Scalar) and factor.value == 1)]
    return multiplied(kept or [n.Scalar(1)])


def _kind(node: Node) -> str:
    """FLOAT where an array takes part, else NUMBER."""
    arithmetic = (n.Scalar, n.Add, n.Multiply, n.Power)
    return NUMBER if all(isinstance(part, arithmetic) for part in walk(node)) else FLOAT


@NUMPY.row(n.Multiply)
def _(node: n.Multiply) -> Code:
    scalar, above, below = _factors(node)
    booleans = [code for code in above if code.kind == BOOLEAN]
    floats = [code for code in above if code.kind != BOOLEAN]
    if booleans and not floats:  # a number times booleans would be float64
        if scalar == 1 and not below:
            text = " * ".join(code.within(UNARY) for code in booleans)
            return Code(text, PRODUCT if len(booleans) > 1 else ATOM, BOOLEAN)
        floats, booleans = [_numeric(booleans[0])], booleans[1:]
    negative = scalar.could_extract_minus_sign()
    multiplier, divisor = _scale(-scalar if negative else scalar)
    over = [*([] if multiplier is None else [multiplier]), *floats, *booleans] or [Code("1", kind=NUMBER)]
    under = [*([] if divisor is None else [divisor]), *below]
    first = over[0].within(ATOM if negative and over[0].binds == POWER else UNARY)  # -(x**2), as `ruff format` has it
    text = " * ".join([f"-{first}" if negative else first, *(code.within(UNARY) for code in over[1:])])
    text += "".join(f" / {code.within(UNARY)}" for code in under)
    return Code(text, PRODUCT if len(over) + len(under) > 1 else UNARY, _kind(node))


def _factors(node: Node) -> tuple[Expr, list[Code], list[Code]]:
    """Return the constant factor, and the code of what stands above and below the line."""
    scalar: Expr = Integer(1)
    above: list[Code] = []
    below: list[Code] = []
    for factor in node.operands:
        if isinstance(factor, n.Scalar):
            scalar *= factor.value
        elif base_and_exponent(factor)[1] == -1:
            below.append(operand_code(factor.operands[0]))
        else:
            above.append(NUMPY(factor))
    return scalar, above, below


def _scale(scalar: Expr) -> tuple[Code | None, Code | None]:
    """Return a positive constant factor as a multiplier and a divisor, each None where it is 1."""
    if scalar == 1:
        return None, None
    above, below = sympy.fraction(sympy.together(scalar))
    if not scalar.free_symbols and (is_decimal(scalar) or not scalar.is_Rational):
        above, below = scalar, Integer(1)
    return None if above == 1 else number(above), None if below == 1 else number(below)


@NUMPY.row(n.Power)
def _(node: n.Power) -> Code:
    base, exponent = operand_code(node.operands[0]), node.exponent
    if exponent == -1:
        return Code(f"1 / {base.within(UNARY)}", PRODUCT, base.kind)
    if exponent == Rational(1, 2):
        return Code(f"np.sqrt({base.text})", ATOM, base.kind)
    if exponent == Rational(-1, 2):
        return Code(f"1 / np.sqrt({base.text})", PRODUCT, base.kind)
    power = number(exponent).within(UNARY)  # x ** (-1 / 3)
    return Code(_power(base, power), POWER, base.kind)


def _power(base: Code, power: str) -> str:
    """Return a power, with spaces where one of the two is no name or number, as `ruff format` has it."""
    simple = re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", base.text) and re.fullmatch(r"-?[\w.]+", power)
    return f"{base.within(ATOM)}{'**' if simple else ' ** '}{power}"


@NUMPY.row(n.Map)
def _(node: n.Map) -> Code:
    codes = [operand_code(operand) for operand in node.operands]
    kind = FLOAT if any(code.kind == FLOAT for code in codes) else NUMBER
    if node.function.name == "power":
        return Code(_power(codes[0], codes[1].within(UNARY)), POWER, kind)
    return Code(f"{FUNCTION_NAMES[node.function.name]}({', '.join(code.text for code in codes)})", ATOM, kind)


@NUMPY.row(n.Compare)
def _(node: n.Compare) -> Code:
    left, right = (operand_code(operand) for operand in node.operands)
    if left.kind == right.kind == NUMBER:  # two Python numbers would make a bool, which has no dtype
        left = Code(f"DTYPE({left.text})")
    return Code(f"{left.within(SUM)} {node.relation} {right.within(SUM)}", COMPARE, BOOLEAN)


@NUMPY.row(n.Where)
def _(node: n.Where) -> Code:
    condition, yes, no = _condition(node.operands[0]), *(operand_code(operand) for operand in node.operands[1:])
    if node.operands[2] == n.Scalar(0) and isinstance(node.operands[0], n.Compare) and yes.kind == FLOAT:
        relation, (left, right) = node.operands[0].relation, node.operands[0].operands
        if relation in (">", ">=") and right == n.Scalar(0) and left == node.operands[1]:
            return Code(f"np.maximum({yes.text}, 0)")
    branches = [code.text for code in (yes, no)]
    if yes.kind == no.kind == NUMBER:  # two Python numbers would make an array of float64
        branches = [f"DTYPE({branch})" for branch in branches]
    return Code(f"np.where({', '.join([condition.text, *branches])})")


def is_indicator(node: Node) -> bool:
    """Whether `node` is a comparison, or several of them joined: a product is `and`, one minus it is `not`."""
    if isinstance(node, n.Multiply):
        return all(map(is_indicator, node.operands))
    return isinstance(node, n.Compare) or (opposite(node) is not None and is_indicator(opposite(node) or node))


@for_kinds(n.Add)
def opposite(node: n.Add) -> Node | None:
    """Return `c` where `node` is `1 - c`, else None."""
    if len(node.operands) != 2 or n.Scalar(1) not in node.operands:
        return None
    sign, rest = _sign(next(operand for operand in node.operands if operand != n.Scalar(1)))
    return rest if sign < 0 else None


def _condition(node: Node) -> Code:
    """Return booleans that say where `node` is not 0."""
    if not is_indicator(node):
        return Code(f"{operand_code(node).within(SUM)} != 0", COMPARE, BOOLEAN)
    if isinstance(node, n.Multiply):
        return Code(" & ".join(_condition(operand).within(ATOM) for operand in node.operands), COMPARE, BOOLEAN)
    inverse = opposite(node)
    if inverse is None:
        return NUMPY(node)
    neither = [opposite(part) for part in inverse.operands] if isinstance(inverse, n.Multiply) else [None]
    if None not in neither:  # 1 - (1 - c) * (1 - d): c or d
        return Code(" | ".join(_condition(part).within(ATOM) for part in neither if part), COMPARE, BOOLEAN)
    return Code(f"~{_condition(inverse).within(ATOM)}", ATOM, BOOLEAN)
