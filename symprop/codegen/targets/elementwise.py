"""Python source of numbers and of what is elementwise, with the parentheses that Python needs and no others."""

from __future__ import annotations

import re
import sys

import sympy
from sympy import Expr, Integer, Rational

from symprop.algebra import nodes as n
from symprop.algebra.defined import plain
from symprop.algebra.nodes import Node
from symprop.algebra.trees import walk
from symprop.calculus.coefficients import base_and_exponent
from symprop.codegen.indicators import is_indicator, opposite, signed
from symprop.codegen.targets.code import (
    ATOM,
    BOOLEAN,
    COMPARE,
    FLOAT,
    MATMUL,
    NUMBER,
    POWER,
    PRODUCT,
    SUM,
    UNARY,
    Code,
    is_decimal,
)
from symprop.codegen.targets.dialect import SOURCE, Dialect


@SOURCE.row(n.Variable)
def _(node: n.Variable, write: Dialect) -> Code:
    return Code(node.name)


@SOURCE.row(n.Scalar)
def _(node: n.Scalar, write: Dialect) -> Code:
    return write.constant(node.value)


@SOURCE.row(n.Add)
def _(node: n.Add, write: Dialect) -> Code:
    terms = sorted(node.operands, key=lambda term: signed(term)[0] < 0)  # a positive term first, where there is one
    text = ""
    for position, term in enumerate(terms):
        sign, rest = signed(term)
        if position == 0:
            text = write.number(term).within(SUM)
        else:
            text += f" {'+' if sign > 0 else '-'} {write.number(rest).within(MATMUL)}"
    return Code(text, SUM, _kind(node))


def _kind(node: Node) -> str:
    """FLOAT where an array takes part, else NUMBER."""
    arithmetic = (n.Scalar, n.Add, n.Multiply, n.Power)
    return NUMBER if all(isinstance(part, arithmetic) for part in walk(node)) else FLOAT


@SOURCE.row(n.Multiply)
def _(node: n.Multiply, write: Dialect) -> Code:
    scalar, above, below = _factors(node, write)
    booleans = [code for code in above if code.kind == BOOLEAN]
    floats = [code for code in above if code.kind != BOOLEAN]
    if booleans and not floats:  # a number times booleans would be float64
        if scalar == 1 and not below:
            text = " * ".join(code.within(UNARY) for code in booleans)
            return Code(text, PRODUCT if len(booleans) > 1 else ATOM, BOOLEAN)
        floats, booleans = [write.numeric(booleans[0])], booleans[1:]
    negative = scalar.could_extract_minus_sign()
    multiplier, divisor = _scale(-scalar if negative else scalar, write)
    over = [*([] if multiplier is None else [multiplier]), *floats, *booleans] or [Code("1", kind=NUMBER)]
    under = [*([] if divisor is None else [divisor]), *below]
    first = over[0].within(ATOM if negative and over[0].binds == POWER else UNARY)  # -(x**2), as `ruff format` has it
    text = " * ".join([f"-{first}" if negative else first, *(code.within(UNARY) for code in over[1:])])
    text += "".join(f" / {code.within(UNARY)}" for code in under)
    return Code(text, PRODUCT if len(over) + len(under) > 1 else UNARY, _kind(node))


def _factors(node: Node, write: Dialect) -> tuple[Expr, list[Code], list[Code]]:
    """Return the constant factor, and the code of what stands above and below the line."""
    scalar: Expr = Integer(1)
    above: list[Code] = []
    below: list[Code] = []
    for factor in node.operands:
        if factor.number is not None:
            scalar *= factor.number
        elif base_and_exponent(factor)[1] == -1:
            below.append(write.number(factor.operands[0]))
        else:
            above.append(write(factor))
    return scalar, above, below


def _scale(scalar: Expr, write: Dialect) -> tuple[Code | None, Code | None]:
    """Return a positive constant factor as a multiplier and a divisor, each None where it is 1."""
    if scalar == 1:
        return None, None
    above, below = sympy.fraction(sympy.together(scalar))
    if not scalar.free_symbols and (is_decimal(scalar) or not scalar.is_Rational):
        above, below = scalar, Integer(1)
    return None if above == 1 else write.constant(above), None if below == 1 else write.constant(below)


@SOURCE.row(n.Power)
def _(node: n.Power, write: Dialect) -> Code:
    base, exponent = write.number(node.operands[0]), node.exponent
    if not exponent.is_Integer and (code := _closed_code(node, write)) is not None:
        return code
    if exponent == -1:
        return Code(f"1 / {base.within(UNARY)}", PRODUCT, base.kind)
    if exponent == Rational(1, 2):
        return Code(f"{write.name('sqrt')}({base.text})", ATOM, base.kind)
    if exponent == Rational(-1, 2):
        return Code(f"1 / {write.name('sqrt')}({base.text})", PRODUCT, base.kind)
    power = write.constant(exponent).within(UNARY)  # x ** (-1 / 3)
    return Code(_power(base, power), POWER, base.kind)


def _power(base: Code, power: str) -> str:
    """Return a power, with spaces where one of the two is no name or number, as `ruff format` has it."""
    simple = re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", base.text) and re.fullmatch(r"-?[\w.]+", power)
    return f"{base.within(ATOM)}{'**' if simple else ' ** '}{power}"


@SOURCE.row(n.Map)
def _(node: n.Map, write: Dialect) -> Code:
    if (code := _closed_code(node, write)) is not None:
        return code
    codes = [write.number(operand) for operand in node.operands]
    kind = FLOAT if any(code.kind == FLOAT for code in codes) else NUMBER
    if node.function.name == "power":
        return Code(_power(codes[0], codes[1].within(UNARY)), POWER, kind)
    return Code(f"{write.function(node.function.name)}({', '.join(code.text for code in codes)})", ATOM, kind)


def _closed_code(node: Node, write: Dialect) -> Code | None:
    """The number that a formula of numbers is: a function of NumPy's would make a float64 of what it multiplies."""
    value = _closed(node)
    value = None if value is None else plain(value)
    finite = value is not None and value.is_real and not value.free_symbols and abs(value) < sys.float_info.max
    return write.constant(value) if finite and value is not None else None


def _closed(node: Node) -> Expr | None:
    """The value of a formula of numbers and functions alone."""
    if node.number is not None:
        return node.number
    values = [value for operand in node.operands if (value := _closed(operand)) is not None]
    if len(values) < len(node.operands) or not isinstance(node, (n.Map, n.Power)):
        return None
    return node.function.of(*values) if isinstance(node, n.Map) else values[0] ** node.exponent


@SOURCE.row(n.Compare)
def _(node: n.Compare, write: Dialect) -> Code:
    left, right = (write.number(operand) for operand in node.operands)
    if left.kind == right.kind == NUMBER:  # two Python numbers would make a bool, which has no dtype
        left = Code(f"DTYPE({left.text})")
    return Code(f"{left.within(SUM)} {node.relation} {right.within(SUM)}", COMPARE, BOOLEAN)


@SOURCE.row(n.Where)
def _(node: n.Where, write: Dialect) -> Code:
    test, yes, no = condition(write, node.operands[0]), *(write.number(operand) for operand in node.operands[1:])
    if node.operands[2] == n.Scalar(0) and isinstance(node.operands[0], n.Compare) and yes.kind == FLOAT:
        relation, (left, right) = node.operands[0].relation, node.operands[0].operands
        if relation in (">", ">=") and right == n.Scalar(0) and left == node.operands[1]:
            return Code(f"{write.name('maximum')}({yes.text}, 0)")
    branches = [code.text for code in (yes, no)]
    if yes.kind == no.kind == NUMBER:  # two Python numbers would make an array of float64
        branches = [f"DTYPE({branch})" for branch in branches]
    return Code(f"{write.name('where')}({', '.join([test.text, *branches])})")


def condition(write: Dialect, node: Node) -> Code:
    """Return booleans that say where `node` is not 0."""
    if not is_indicator(node):
        return Code(f"{write.number(node).within(SUM)} != 0", COMPARE, BOOLEAN)
    if isinstance(node, n.Multiply):
        return Code(" & ".join(condition(write, operand).within(ATOM) for operand in node.operands), COMPARE, BOOLEAN)
    inverse = opposite(node)
    if inverse is None:
        return write(node)
    neither = [opposite(part) for part in inverse.operands] if isinstance(inverse, n.Multiply) else [None]
    if None not in neither:  # 1 - (1 - c) * (1 - d): c or d
        return Code(" | ".join(condition(write, part).within(ATOM) for part in neither if part), COMPARE, BOOLEAN)
    return Code(f"~{condition(write, inverse).within(ATOM)}", ATOM, BOOLEAN)
