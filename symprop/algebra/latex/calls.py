r"""A letter before a bracket: the call of a function, `\sigma(z)`, or a product, `a(b + c)`; told by what is known."""

from __future__ import annotations

import ast
from dataclasses import replace

from symprop.algebra import nodes as n
from symprop.algebra.inference import fits
from symprop.algebra.latex.elaboration import Elaboration
from symprop.algebra.latex.functions import applied, between_squares, by_trial
from symprop.algebra.latex.powers import raised
from symprop.algebra.latex.products import as_number
from symprop.algebra.latex.trees import Tex, plain
from symprop.algebra.latex.values import Value, called, constant, located
from symprop.algebra.latex.words import CALLED, TRANSPOSED
from symprop.errors import ReadingError, ShapeError

VECTORS = {
    **{"U": "svd({}, full_matrices=False)[0]", "V": "svd({}, full_matrices=False)[2].T", "Q": "eigh({})[1]"},
    **{"u": "svd({}, full_matrices=False)[0][:, {}]", "v": "svd({}, full_matrices=False)[2][{}]"},
    **{"q": "eigh({})[1][:, {}]"},
}
"""Vectors that take a matrix apart, as our pages call them: all, and one by its number from 1 or by its end."""
UNSAID = frozenset({"f", "g", "h", "F", "G", "phi", "varphi", "p", "q", "u", "Phi"})
"""Letters that functions have that nobody told."""


def calls(e: Elaboration, parts: list[Tex], between: list[str]) -> tuple[list[Tex | Value], list[str]]:
    """Return the factors of a product with the calls and indicators among them read."""
    found: list[Tex | Value] = []
    signs: list[str] = []
    place = 0
    while place < len(parts):
        part = parts[place]
        if place:
            signs.append(between[place - 1])
        behind = parts[place + 1] if place + 1 < len(parts) and not between[place] else None
        value = _call(e, part, behind) if behind is not None and behind.kind == "group" else None
        found.append(part if value is None else value)
        place += 1 if value is None else 2
    return found, signs


def _call(e: Elaboration, part: Tex, behind: Tex) -> Value | None:
    """Return the value of a call; None where two factors stand side by side."""
    if part.words and part.text in ("1", "I") and part.bare and behind.parts[0].kind == "relation":
        return raised(e, as_number(e.value(behind.parts[0])).at(part.start, behind.end), behind.above)
    if part.kind != "name" or behind.text != "(" or e.names.find(part) is not None or part.text in e.indices:
        return None
    text = part.text
    whole, at = replace(part, kind="apply", end=behind.end), (part.start, behind.end)
    if text == "psi" and part.above and plain(part.above[0]) in ("(1)", "(2)", "(3)"):
        order = Tex("number", part.start, part.start + 1, text=plain(part.above[0])[1])
        found = applied(e, replace(whole, above=part.above[1:]), "polygamma", [order, *behind.parts])
    elif text == "sigma" and not part.below and not e.names.sigma:
        told = "two readings: the network has several activations, which one is \\sigma? write its name"
        e.refuse(told, *at, ReadingError)
    elif text in CALLED and not part.below:
        name = e.names.sigma if text == "sigma" else CALLED[text]
        found = applied(e, whole, name, list(behind.parts))
    elif text == "L" and plain(part.below) in ("expm", "logm", "sqrtm"):
        found = _frechet(e, whole, behind)
    elif text in VECTORS and (plain(part.below) in ("", "min", "max") or plain(part.below).isdigit()):
        found = _vectors(e, whole, behind)
    elif text in ("lambda", "sigma") and plain(part.below) in ("max", "min"):
        found = _extreme(e, whole, behind)
    else:
        _check_told(e, part, behind)
        return None
    return raised(e, found.at(part.start, behind.end), behind.above)


def _frechet(e: Elaboration, part: Tex, behind: Tex) -> Value:
    """Return `L_expm(A, E)`, the derivative of a matrix function in a direction, or `L_expm(A, E, B)` between two."""
    values = [e.value(each) for each in behind.parts]
    name, at = plain(part.below), (part.start, behind.end)
    if not 2 <= len(values) <= 3 or any(value.kind != "m" or value.labels for value in values):
        e.refuse(f"L_{name} is of two matrices or three, L_{{{name}}}(A, E); {e.shapes(values)}", *at, ShapeError)
    left, middle, right = values[0], values[1], values[-1] if len(values) == 3 else values[0]
    between_squares(e, (left, right, middle))
    called_by = f"zz_frechet_{name}"
    e.functions[called_by] = lambda left, middle, right: n.DividedDifference(left, middle, right, name)
    made = called(called_by, left.tree, middle.tree, right.tree)
    return middle.made(located(made, *at), middle.shape)


def _extreme(e: Elaboration, part: Tex, behind: Tex) -> Value:
    r"""Return `\lambda_{\max}(A)` of a symmetric matrix, or `\sigma_{\max}(A)`."""
    value, which = e.value(behind.parts[0]), plain(part.below)
    if value.kind != "m" or value.labels:
        at = part.start, behind.end
        e.refuse(f"\\{part.text}_\\{which} is of one matrix; {e.shapes((value,))}", *at, ShapeError)
    if part.text == "sigma":
        made = called("norm", value.tree, constant(2 if which == "max" else -2))
    else:
        made = called(which, called("eigvalsh", value.tree))
    return Value(located(made, part.start, behind.end), (), part.start, behind.end)


def _vectors(e: Elaboration, part: Tex, behind: Tex) -> Value:
    """Return `U(A)`, or `u_1(A)`, the singular vectors of a matrix, or its eigenvectors."""
    value, which = e.value(behind.parts[0]), plain(part.below)
    place = int(which) - 1 if which.isdigit() else -1
    if part.text.islower() != bool(which):
        _check_told(e, part, behind)
    text = VECTORS[part.text].format(f"{fits.OPERAND}0", place)
    made = ast.parse(text, mode="eval").body
    for each in list(ast.walk(made)):
        if isinstance(each, ast.Call):
            each.args = [value.tree]
        if isinstance(each, ast.expr) and each is not value.tree:
            each.col_offset, each.end_col_offset = part.start + 1, behind.end + 1
    return by_trial(e, text, [value], made, Tex("", part.start, behind.end))


def _check_told(e: Elaboration, part: Tex, behind: Tex) -> None:
    """Refuse a letter that may be a function that nobody told; what is transposed is an array."""
    if (part.text in UNSAID or part.above) and not any(plain(group) in TRANSPOSED for group in part.above):
        name, inside = e.latex[part.start : part.end], e.latex[behind.start : behind.end]
        told = f"two readings: a function {name} of {inside}, or a product {name} \\cdot {inside}"
        told = f"{told}; declare {name}, or write out the function"
        e.refuse(told, part.start, behind.end, ReadingError)
