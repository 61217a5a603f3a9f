"""What a derivation names, however it is spelled: `delta1`, `dW1`, `dL/dW1`, `∂L/∂W₁`, a Jacobian `da2/dz1`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from symprop.algebra.equations import loops_in
from symprop.algebra.indices import RowIndex
from symprop.algebra.names import adjoint_of, gradient_of
from symprop.algebra.nodes import Node, Variable
from symprop.analysis.derivation import Derivation
from symprop.errors import FormulaError, SympropError, listed, shown
from symprop.formulas.compare.in_latex import line_in_latex
from symprop.hints import closest

_SIGNS = str.maketrans({"∂": "d", "δ": "delta", **dict(zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True))})
_TOLD = ((r"\\d?frac\s*\{(.*)\}\s*\{(.*)\}", r"\1/\2"), (r"\\partial", "d"), (r"[\\_{}\s]", ""))
"""LaTeX's and Unicode's spellings of derivatives in the names of text."""
_INDEX, _SIGN = re.compile(r"\[.*?\]"), re.compile(r"([-+*])")
_BELOW = re.compile(r"\b([A-Za-z]\w*)_([a-z])\b")
_RATIO = re.compile(r"d(?P<of>[A-Za-z]\w*(\[.*?\])?)/d(?P<by>[A-Za-z]\w*(\[.*?\])?)")


@dataclass(frozen=True)
class Quantity:
    """A quantity of a derivation: its name, and what it is by the derivation."""

    name: str
    node: Node


def known_variables(derivation: Derivation) -> dict[str, Variable]:
    """Return the variables of a derivation by name: data, parameters, and the left sides of all equations."""
    system = derivation.system
    found = [*system.data, *system.parameters]
    for loop in (*system.loops, *loops_in(derivation.backward)):
        for carry in loop.carries:
            found += [carry.before, carry.after, loop.start(carry), loop.end(carry)]
        found += [each for rows in (*loop.reads, *loop.writes) for each in (rows.row, rows.array)]
    for equation in derivation.equations:
        found += [equation.target, *_read(equation.expression)]
    return {each.name: each for each in found}


def without_number(known: Mapping[str, Variable]) -> dict[Variable, Variable]:
    """Return what is meant by names without the number of the layer, where one alone is recurrent: `c[t]` for `c1[t]`.

    A name that several arrays would have, or that is one of a size, is none of them.

    >>> import symprop
    >>> known = known_variables(symprop.derive("Input(3, 2) >> RNN(2) >> Dense(2) >> MeanSquaredError()"))
    >>> print(*(f"{short.name}: {one.name}" for short, one in list(without_number(known).items())[:5]), sep=", ")
    R: R1, h[t - 1]: h1[t - 1], h[t]: h1[t], h[0]: h1[0], h[3]: h1[3]
    """
    numbered = [each for each in known.values() if each.index and not isinstance(each.index[0], RowIndex)]
    layers = {each.index[0] for each in numbered if isinstance(each.index[-1], RowIndex)}
    if len(layers) != 1:
        return {}
    sizes = {symbol.name for each in known.values() for size in each.shape for symbol in size.free_symbols}
    short = {each: each.change(index=each.index[1:]) for each in numbered}
    count = Counter(each.name for each in short.values())
    return {
        name: each
        for each, name in short.items()
        if count[name.name] == 1 and each.index[0] in layers and name.name not in {*known, *sizes}
    }


def _read(node: Node) -> Iterator[Variable]:
    if isinstance(node, Variable):
        yield node
    for operand in node.operands:
        yield from _read(operand)


def quantity(derivation: Derivation, asked: str) -> Quantity:
    """Return what a name means: an equation's right side, a derivative of the loss, or a Jacobian of two vectors.

    >>> import symprop
    >>> d = symprop.derive("Input(2) >> Dense(3) >> Tanh() >> Dense(1) >> MeanSquaredError()")
    >>> [quantity(d, each).node.text() for each in ("dL/dz2", "∂L/∂W₂", r"\\delta_2", "dz2/da1")]
    ['z2 - y', 'outer(delta2, a1)', 'z2 - y', 'W2']

    Raises:
        FormulaError: the derivation names no such thing; the nearest is told.
    """
    variables = known_variables(derivation)
    short = without_number(variables)
    variables |= {name.name: each for name, each in short.items()}
    name = with_indices(plain_name(asked), variables)
    name = variables[name].name if name in variables else name
    equations = derivation.by_name
    if name in equations:
        return Quantity(name, equations[name].expression)
    ratio, loss = _RATIO.fullmatch(name), derivation.system.loss
    lost = "L" if loss is None else loss.name
    of, by = (ratio["of"], ratio["by"]) if ratio else (lost, name.removeprefix("d"))
    if of == lost and by in variables and (ratio or name.startswith("d")):
        by = variables[by].name
        for each in (adjoint_of(variables[by]), gradient_of(variables[by])):
            if each.name in equations:
                return Quantity(each.name, equations[each.name].expression)
    if by in variables and of in variables and by != name:
        try:
            return Quantity(f"d{of}/d{by}", derivation.jacobian(of, by))
        except SympropError as problem:
            raise FormulaError(f"{shown(asked)} is no quantity of this derivation: {problem}") from None
    read = _in_latex(asked, derivation, variables, short)
    if read in equations:
        return Quantity(read, equations[read].expression)
    told = f"the derivation has no {shown(asked)}{closest(name, list(equations))}"
    raise FormulaError(f"{told}\nallowed: {listed(equations)}")


def _in_latex(
    asked: str, derivation: Derivation, variables: Mapping[str, Variable], short: Mapping[Variable, Variable]
) -> str:
    """Return the name of what LaTeX names, such as `c_t^{(1)}` or a derivative by it; "" for anything else."""
    try:
        found = line_in_latex(asked, derivation, (*dict.fromkeys(variables.values()), *short), None)
    except SympropError:  # it is no formula of what the derivation names
        return ""
    return short.get(found, found).name if isinstance(found, Variable) else ""


def with_indices(text: str, known: Container[str]) -> str:
    """Write an index below the line as one in brackets, where that is known.

    >>> with_indices("f_t * c[t - 1] + y_pred", {"f[t]", "c[t - 1]"})
    'f[t] * c[t - 1] + y_pred'
    """
    return _BELOW.sub(lambda found: name if (name := f"{found[1]}[{found[2]}]") in known else found[0], text)


def plain_name(asked: object) -> str:
    """Return a name in the spelling of text: `dL/dW1` for `\\frac{\\partial L}{\\partial W_1}`.

    >>> plain_name(r"\\frac{\\partial L}{\\partial W_1}"), plain_name("δ₁")
    ('dL/dW1', 'delta1')

    Raises:
        FormulaError: no text.
    """
    if not isinstance(asked, str):
        raise FormulaError(
            f"a quantity of a derivation is named by a text, not by what is of type {type(asked).__name__}"
        )
    name = asked.translate(_SIGNS)
    if "\\" in name:
        for pattern, told in _TOLD:
            name = re.sub(pattern, told, name)
    return _INDEX.sub(lambda index: _SIGN.sub(r" \1 ", index[0]), "".join(name.split()))
