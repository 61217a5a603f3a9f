"""NumPy source of each kind of node, with the parentheses that Python needs and no others.

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
from symprop.algebra.shapes import shape_text
from symprop.algebra.table import Table
from symprop.algebra.trees import multiplied, walk, zeros
from symprop.codegen.code import (
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
    number,
)
from symprop.notation.precedence import is_element

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


def _operand(node: Node) -> Code:
    return _numeric(NUMPY(node))


@NUMPY.row(n.Variable)
def _(node: n.Variable) -> Code:
    return Code(node.name)


@NUMPY.row(n.Scalar)
def _(node: n.Scalar) -> Code:
    return number(node.value)


@NUMPY.row(n.Fill)
def _(node: n.Fill) -> Code:
    shape = shape_text(node.shape, lambda size: number(size).text)
    if node.value in (0, 1):
        return Code(f"np.{'ones' if node.value == 1 else 'zeros'}({shape}, DTYPE)")
    return Code(f"np.full({shape}, {number(node.value).text}, DTYPE)")


@NUMPY.row(n.Identity)
def _(node: n.Identity) -> Code:
    return Code(f"np.eye({number(node.shape[0]).text}, dtype=DTYPE)")


@NUMPY.row(n.Add)
def _(node: n.Add) -> Code:
    terms = sorted(node.operands, key=lambda term: _sign(term)[0] < 0)  # a positive term first, where there is one
    text = ""
    for position, term in enumerate(terms):
        sign, rest = _sign(term)
        if position == 0:
            text = _operand(term).within(SUM)
        else:
            text += f" {'+' if sign > 0 else '-'} {_operand(rest).within(PRODUCT)}"
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
        elif isinstance(factor, n.Power) and factor.exponent == -1:
            below.append(_operand(factor.operands[0]))
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
    base, exponent = _operand(node.operands[0]), node.exponent
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


@NUMPY.row(n.MatMul)
def _(node: n.MatMul) -> Code:
    left, right = (_operand(operand) for operand in node.operands)
    first = f"({left.text})" if left.binds == PRODUCT else left.within(MATMUL)
    return Code(f"{first} @ {right.within(UNARY)}", MATMUL)


@NUMPY.row(n.Outer)
def _(node: n.Outer) -> Code:
    left, right = (_operand(operand) for operand in node.operands)
    return Code(f"np.outer({left.text}, {right.text})")


@NUMPY.row(n.Transpose)
def _(node: n.Transpose) -> Code:
    operand = _operand(node.operands[0])
    if node.axes == tuple(range(len(node.axes))):
        return operand
    if node.axes == tuple(reversed(range(len(node.axes)))):
        return Code(f"{operand.within(ATOM)}.T")
    return Code(f"{operand.within(ATOM)}.transpose({', '.join(map(str, node.axes))})")


@NUMPY.row(n.Sum)
def _(node: n.Sum) -> Code:
    operand = node.operands[0]
    if isinstance(operand, n.Slice) and is_element(node):
        place = ", ".join([*[":"] * operand.axis, number(operand.start).text])
        return Code(f"{_operand(operand.operands[0]).within(ATOM)}[{place}]")
    if isinstance(operand, n.Diagonal) and not node.keepdims:
        return Code(f"np.trace({_operand(operand.operands[0]).text})")
    return _reduction("sum", node.operands[0], node.axes, node.keepdims)


@NUMPY.row(n.Product)
def _(node: n.Product) -> Code:
    return _reduction("prod", node.operands[0], node.axes, node.keepdims)


@NUMPY.row(n.Extreme)
def _(node: n.Extreme) -> Code:
    return _reduction(node.which, node.operands[0], node.axes, node.keepdims)


@NUMPY.row(n.BlockSum)
def _(node: n.BlockSum) -> Code:
    zero = NUMPY(zeros(*node.shape)).text if node.rank else "DTYPE(0)"  # an empty sum has its shape too
    blocks = f"{_operand(node.operands[0]).text} for {node.index} in range(1, {number(node.count + 1).text})"
    return Code(f"np.sum([{zero}, *({blocks})], axis=0)")


@NUMPY.row(n.Inverse)
def _(node: n.Inverse) -> Code:
    return Code(f"np.linalg.inv({_operand(node.operands[0]).text})")


@NUMPY.row(n.Determinant)
def _(node: n.Determinant) -> Code:
    return Code(f"np.linalg.det({_operand(node.operands[0]).text})")


@NUMPY.row(n.LogDeterminant)
def _(node: n.LogDeterminant) -> Code:
    return Code(f"np.linalg.slogdet({_operand(node.operands[0]).text})[1]")


@NUMPY.row(n.MatrixPower)
def _(node: n.MatrixPower) -> Code:
    base, exponent = node.plain
    return Code(f"np.linalg.matrix_power({_operand(base).text}, {number(exponent).text})")


@NUMPY.row(n.Kron)
def _(node: n.Kron) -> Code:
    return Code(f"np.kron({', '.join(_operand(operand).text for operand in node.operands)})")


@NUMPY.row(n.Commutation)
def _(node: n.Commutation) -> Code:
    rows, columns = (number(size) for size in node.args)  # the rows of an identity in the order of the transpose
    count = number(node.shape[0]).text
    order = f"np.arange({count}).reshape({rows.text}, {columns.text}).T.ravel()"
    return Code(f"np.eye({count}, dtype=DTYPE)[{order}]")


@NUMPY.row(n.Concatenate)
def _(node: n.Concatenate) -> Code:
    parts = ", ".join(_operand(operand).text for operand in node.operands)
    return Code(f"np.concatenate(({parts}{',' if len(node.operands) == 1 else ''}), axis={node.axis})")


@NUMPY.row(n.Slice)
def _(node: n.Slice) -> Code:
    first = "" if node.start == 0 else number(node.start).text
    last = "" if node.stop == node.operands[0].shape[node.axis] else number(node.stop).text
    simple = all(re.fullmatch(r"-?\w*", end) for end in (first, last))
    span = f"{first}:{last}" if simple else f"{first} : {last}".strip()  # as `ruff format` has it
    place = ", ".join([*[":"] * node.axis, span])
    return Code(f"{_operand(node.operands[0]).within(ATOM)}[{place}]")


def _reduction(name: str, node: Node, axes: tuple[int, ...], keepdims: bool) -> Code:
    """Return a reduction as a method of a name (the faster call), or as a function of anything longer."""
    operand = _operand(node)
    arguments = []
    if len(axes) < node.rank or keepdims:
        arguments.append(f"axis={axes[0] if len(axes) == 1 else axes}")
    if keepdims:
        arguments.append("keepdims=True")
    if operand.text.isidentifier():
        return Code(f"{operand.text}.{name}({', '.join(arguments)})")
    return Code(f"np.{name}({', '.join([operand.text, *arguments])})")


@NUMPY.row(n.Expand)
def _(node: n.Expand) -> Code:
    operand = _operand(node.operands[0])
    rank = node.rank
    if node.axis == rank - 1 and rank > 1:
        place = "..., None" if rank > 2 else ":, None"
    else:
        place = ", ".join([":"] * node.axis + ["None"])
    return Code(f"{operand.within(ATOM)}[{place}]")


@NUMPY.row(n.Reshape)
def _(node: n.Reshape) -> Code:
    operand = _operand(node.operands[0])
    return Code(f"{operand.within(ATOM)}.reshape({', '.join(number(size).text for size in node.shape) or '()'})")


@NUMPY.row(n.Diag, n.Diagonal)
def _(node: Node) -> Code:
    return Code(f"np.diag({_operand(node.operands[0]).text})")


@NUMPY.row(n.Take)
def _(node: n.Take) -> Code:
    table, ids = (NUMPY(operand) for operand in node.operands)
    return Code(f"{table.within(ATOM)}[{ids.text}]")


@NUMPY.row(n.ScatterAdd)
def _(node: n.ScatterAdd) -> Code:
    values, ids = (_operand(operand) for operand in node.operands)
    return Code(f"scatter_add({values.text}, {ids.text}, {number(node.size).text})")


@NUMPY.row(n.OneHot)
def _(node: n.OneHot) -> Code:
    return Code(f"np.eye({number(node.size).text}, dtype=DTYPE)[{NUMPY(node.operands[0]).text}]")


@NUMPY.row(n.Map)
def _(node: n.Map) -> Code:
    codes = [_operand(operand) for operand in node.operands]
    kind = FLOAT if any(code.kind == FLOAT for code in codes) else NUMBER
    if node.function.name == "power":
        return Code(_power(codes[0], codes[1].within(UNARY)), POWER, kind)
    return Code(f"{FUNCTION_NAMES[node.function.name]}({', '.join(code.text for code in codes)})", ATOM, kind)


@NUMPY.row(n.Compare)
def _(node: n.Compare) -> Code:
    left, right = (_operand(operand) for operand in node.operands)
    if left.kind == right.kind == NUMBER:  # two Python numbers would make a bool, which has no dtype
        left = Code(f"DTYPE({left.text})")
    return Code(f"{left.within(SUM)} {node.relation} {right.within(SUM)}", COMPARE, BOOLEAN)


@NUMPY.row(n.Where)
def _(node: n.Where) -> Code:
    condition, yes, no = _condition(node.operands[0]), *(_operand(operand) for operand in node.operands[1:])
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


def opposite(node: Node) -> Node | None:
    """Return `c` where `node` is `1 - c`, else None."""
    if not isinstance(node, n.Add) or len(node.operands) != 2 or n.Scalar(1) not in node.operands:
        return None
    sign, rest = _sign(next(operand for operand in node.operands if operand != n.Scalar(1)))
    return rest if sign < 0 else None


def _condition(node: Node) -> Code:
    """Return booleans that say where `node` is not 0."""
    if not is_indicator(node):
        return Code(f"{_operand(node).within(SUM)} != 0", COMPARE, BOOLEAN)
    if isinstance(node, n.Multiply):
        return Code(" & ".join(_condition(operand).within(ATOM) for operand in node.operands), COMPARE, BOOLEAN)
    inverse = opposite(node)
    if inverse is None:
        return NUMPY(node)
    neither = [opposite(part) for part in inverse.operands] if isinstance(inverse, n.Multiply) else [None]
    if None not in neither:  # 1 - (1 - c) * (1 - d): c or d
        return Code(" | ".join(_condition(part).within(ATOM) for part in neither if part), COMPARE, BOOLEAN)
    return Code(f"~{_condition(inverse).within(ATOM)}", ATOM, BOOLEAN)


@NUMPY.row(n.Softmax, n.LogSumExp)
def _(node: Node) -> Code:
    raise LookupError(f"{type(node).__name__} is written out by the pass that keeps it from overflowing")
