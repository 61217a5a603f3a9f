r"""Formulas as LaTeX for amsmath: `\left(W_2^{\top} \delta_2\right) \odot \left(1 - a_1 \odot a_1\right)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

import sympy
from sympy import Basic, Expr
from sympy.printing.latex import LatexPrinter

from symprop.algebra import nodes as n
from symprop.algebra.indices import placed
from symprop.algebra.named_numbers import NamedNumber
from symprop.algebra.nodes import Node
from symprop.algebra.roles import GRADIENT, LOSS, PARAMETER
from symprop.algebra.sizes import size_text
from symprop.algebra.table import Table
from symprop.notation import mathematics
from symprop.notation.choices import PLAIN, TRANSPOSES, Notation
from symprop.notation.latex_letters import escaped, letter, script_of
from symprop.notation.on_paper import on_paper
from symprop.notation.precedence import ATOM, POWER, PRODUCT, SUM, SUMMATION, Piece, render
from symprop.notation.stacks import stacked
from symprop.notation.style import Style, accented, function_name, lettered, qualified, scientific
from symprop.notation.untold import with_sizes

_RELATIONS = {">": ">", ">=": r"\ge", "<": "<", "<=": r"\le", "==": "=", "!=": r"\ne"}
OPERATORS = {
    "sigmoid": r"\sigma", "exp": r"\exp", "log": r"\log", "tanh": r"\tanh", "sin": r"\sin", "cos": r"\cos",
    "tan": r"\tan", "sinh": r"\sinh", "cosh": r"\cosh", "arcsin": r"\arcsin", "arccos": r"\arccos",
    "arctan": r"\arctan", "maximum": r"\max", "minimum": r"\min", "max": r"\max", "min": r"\min", "det": r"\det",
    "prod": r"\prod", "trace": r"\operatorname{tr}", "gammaln": r"\log\Gamma", "digamma": r"\psi",
    **{f"polygamma{k}": rf"\psi^{{({k})}}" for k in (1, 2, 3)},
    "relu": r"\operatorname{ReLU}", "silu": r"\operatorname{SiLU}", "gelu": r"\operatorname{GELU}",
    "elu": r"\operatorname{ELU}", "leaky_relu": r"\operatorname{LeakyReLU}", "one_hot": r"\operatorname{onehot}",
    "first_max": r"\operatorname{firstmax}", "first_min": r"\operatorname{firstmin}",
}  # fmt: skip
_TALL = re.compile(r"\\(?:frac|sum|left|sqrt|begin)")


def latex(node: Node, notation: Notation = PLAIN) -> str:
    r"""Return `node` as LaTeX, without dollar signs, in the notation that an author chose.

    >>> from symprop.algebra import variable
    >>> W, delta, a = variable("W2", (3, 4)), variable("delta2", (3,)), variable("a1", (4,))
    >>> print(latex((W.T @ delta) * (1 - a**2)))
    \left(W_2^{\top} \delta_2\right) \odot \left(1 - a_1 \odot a_1\right)
    """
    return render(latex_table(notation), with_sizes(stacked(on_paper(node)))).text


@cache
def latex_table(notation: Notation) -> Table:
    """Return the printer of one notation."""
    return mathematics.table("latex", Tex(notation))


def _places(labels: Sequence[str]) -> str:
    """Places below a name: `ij`, and with commas where one is no letter, `:,i`."""
    between = "" if all(len(label) == 1 and label != ":" for label in labels) else ","
    return between.join(map(_lettered, labels))


def _lettered(label: object) -> str:
    return lettered(str(label), lambda number: f"_{{{number}}}")


_WORD_FIRST, _WORD_LAST = re.compile(r"\\mathrm\{\w{2}"), re.compile(r"\\mathrm\{\w{2,}\}$")


ENCLOSED = {"N": (r"\left\|", r"\right\|^2"), "C": (r"\operatorname{clip}\{", r"\}")}
"""What stands around a variable whose sign is written so; around any other the sign and braces."""


class Tex(Style):
    """Mathematics in LaTeX with amsmath."""

    minus, hadamard, divided, one = "-", r" \odot ", r" \oslash ", r"\mathbf{1}"
    kronecker, log, pseudoinverse = r" \otimes ", r"\log", "+"

    def __init__(self, notation: Notation = PLAIN) -> None:
        self.notation = notation
        self.transposed = TRANSPOSES[notation.transpose]
        self.mark = r"\star" if notation.transpose == "prime" else r"\prime"
        self.numbers = _Numbers({"full_prec": False})
        self.numbers.notation = notation
        self.numbers.named = lambda number: self.variable(number.variable)

    def between(self, before: str, after: str) -> str:
        r"""Return a thin space beside a word, `\mathrm{momentum} \, \mu_1`."""
        return r" \, " if _WORD_LAST.search(before) or _WORD_FIRST.match(after) else " "

    def letter(self, base: str, rank: int) -> str:
        """Write the letter of an array: as the author chose it, bold where arrays of its rank are."""
        chosen = self.notation.symbol(base)
        if chosen is not None and chosen.startswith((r"\math", r"\bold")):
            return chosen
        written = chosen or letter(base)
        if not (self.notation.bold == "arrays" and rank) and not (self.notation.bold == "vectors" and rank == 1):
            return written
        return rf"\boldsymbol{{{written}}}" if "\\" in written else rf"\mathbf{{{written}}}"

    def variable(
        self, node: n.Variable, elements: Sequence[Basic] = (), above: str = "", places: str = "", rank: int = 0
    ) -> str:
        if node.is_tangent:
            moving = self.variable(node.of_tangent, elements, "", places, rank)
            sign = node.sign.rstrip("_")
            before, after = ENCLOSED.get(sign, (rf"\mathcal{{{sign}}}\{{", r"\}"))
            if r"\frac" in moving and after == r"\}":  # braces as tall as what they enclose
                before, after = before.replace(r"\{", r"\left\{"), r"\right\}"
            return f"{before}{moving}{after}{f'^{{{above}}}' * bool(above)}"
        chosen = self.notation.symbol(node.letter) is not None
        accent, base, rest = ("", node.letter, "") if chosen else accented(node.letter)
        base, whose = (base, "") if chosen else qualified(base)
        whose, rest = (whose, rest) if node.role in (PARAMETER, GRADIENT) else ("", rest or whose)
        below = [rf"\mathrm{{{escaped(rest)}}}"] if rest else []
        layer = ""
        layers, rows = placed(node.index)
        others = (*layers[1:], *rows)
        if layers:
            first = self.script(layers[0])
            general = bool(others) or not layers[0].is_Integer
            if self.notation.layer_index == "super" or (general and self.notation.layer_index == "mixed"):
                layer = f"({first})"
            else:
                below.append(first)
        below += map(self.script, others)
        if elements:
            below.append("".join(self.number(index).text if index.is_Symbol else str(index) for index in elements))
        if places:
            below.append(places)
        rank = rank if elements or places else node.rank
        shown_letter = self.notation.loss if node.role == LOSS else self.letter(base, rank)
        stem = rf"\{accent}{{{shown_letter}}}" if accent else shown_letter
        name = stem + (f"_{script_of(','.join(below))}" if below else "")
        marked = self.mark * (node.mark - 1) if node.mark <= 4 else rf"{self.mark}({node.mark})"
        raised = rf"{whose}{marked}\,{layer}{above}" if whose and layer else whose + marked + layer + above
        name += f"^{{{raised}}}" if raised else ""
        if not node.is_gradient:
            return name
        as_fraction = rf"\frac{{\partial {self.notation.loss}}}{{\partial {name}}}"
        return rf"\nabla {name}" if self.notation.gradient == "nabla" else as_fraction

    def script(self, index: Basic) -> str:
        """Write an index above or below a letter."""
        return self.number(index).text.replace(" ", "")

    def part(self, node: n.Variable, labels: Sequence[str], rank: int) -> str:
        return self.variable(node, places=_places(labels), rank=rank)

    def stack(self, inside: str, labels: Sequence[str]) -> str:
        return rf"\left\{{{inside}\right\}}_{{{_places(labels)}}}"

    def blocks(self, blocks: Sequence[str], beside: bool) -> str:
        between = " & " if beside else r" \\ "
        return rf"\begin{{bmatrix}} {between.join(blocks)} \end{{bmatrix}}"

    def arranged(self, inside: str, shape: Sequence[Expr]) -> str:
        sizes = r" \times ".join(self.number(size).text for size in shape)
        return rf"\operatorname{{mat}}_{{{sizes}}}\left({inside}\right)"

    def number(self, value: Basic) -> Piece:
        if isinstance(value, sympy.Integer):
            return Piece(size_text(value), SUM if value.is_negative else ATOM)
        if (powers := scientific(value)) is not None:
            raised = f"10^{{{powers[1]}}}"
            return Piece(rf"{powers[0]} \cdot {raised}" if powers[0] else raised, PRODUCT if powers[0] else POWER)
        text = self.numbers.doprint(value)
        if isinstance(value, sympy.Add) or value.could_extract_minus_sign():
            return Piece(text, SUM)
        if isinstance(value, sympy.Mul) or (isinstance(value, sympy.Rational) and not value.is_Integer):
            return Piece(text, PRODUCT if isinstance(value, sympy.Mul) else POWER)
        return Piece(text, POWER if isinstance(value, sympy.Pow) else ATOM)

    def group(self, text: str) -> str:
        low = self.notation.gradient == "nabla" and not _TALL.search(text)
        return f"({text})" if low else rf"\left({text}\right)"

    def call(self, name: str, arguments: Sequence[Piece]) -> Piece:
        if name == "abs":
            return Piece(rf"\left|{arguments[0].text}\right|", ATOM)
        name, number = function_name(name)
        operator = self.notation.symbol(name) or OPERATORS.get(name) or rf"\operatorname{{{escaped(name)}}}"
        if number:
            operator += rf"_{{{OPERATORS.get(number, number)}}}"
        inside = ", ".join(piece.text for piece in arguments)
        if _TALL.search(inside):
            return Piece(rf"{operator}{{\left({inside}\right)}}", ATOM)
        return Piece(f"{operator}({inside})", ATOM)

    def fraction(self, top: Piece, bottom: Piece) -> Piece:
        return Piece(rf"\frac{{{top.text}}}{{{bottom.text}}}", POWER)

    def power(self, base: str, exponent: Expr, elementwise: bool) -> Piece:
        fraction = isinstance(exponent, sympy.Rational) and not exponent.is_Integer
        raised = str(exponent) if fraction else self.number(exponent).text
        raised = f"({raised})" if elementwise and isinstance(exponent, sympy.Add) else raised
        return Piece(self.superscript(base, rf"\odot {raised}" if elementwise else raised), POWER)

    def superscript(self, base: str, above: str) -> str:
        # A base with a superscript of its own would be a double superscript, which TeX refuses.
        return f"{{{base}}}^{{{above}}}" if "^" in base else f"{base}^{{{above}}}"

    def subscript(self, base: str, below: str) -> str:
        return f"{base}_{{{below}}}"

    def root(self, inside: str) -> Piece:
        return Piece(rf"\sqrt{{{inside}}}", POWER)

    def raised(self, base: str, exponent: Piece, elementwise: bool) -> Piece:
        return Piece(self.superscript(base, rf"\odot {exponent.text}" if elementwise else exponent.text), POWER)

    def inverse(self, base: str, turned: bool) -> str:
        if turned and self.notation.transpose == "prime":
            return self.superscript(self.superscript(base, "-1"), r"\prime")
        return self.superscript(base, f"-{self.transposed}" if turned else "-1")

    def of_sizes(self, letter: str, sizes: Sequence[Expr]) -> str:
        return f"{letter}_{{{','.join(self.number(size).text for size in sizes)}}}"

    def norm(self, inside: str, matrix: bool) -> Piece:
        return Piece(rf"\left\|{inside}\right\|{'_F' if matrix else ''}", ATOM)

    def squared_norm(self, inside: str, matrix: bool) -> Piece:
        return Piece(rf"\left\|{inside}\right\|{'_F' if matrix else ''}^2", POWER)

    def norm_of(self, inside: str, which: str) -> Piece:
        if which == "-2":
            return Piece(rf"\sigma_{{\min}}\left({inside}\right)", ATOM)
        return Piece(rf"\left\|{inside}\right\|_{'2' if which == '2' else '*'}", ATOM)

    def summation(self, indices: Sequence[Expr], inside: str, which: str = "sum") -> Piece:
        below = ",".join(map(_lettered, indices))
        sign = rf"\operatorname{{{which}}}" if which.startswith("arg") else rf"\{which}"
        return Piece(rf"{sign}_{{{below}}} {inside}" if below else rf"{sign} {inside}", SUMMATION)

    def series(self, index: Expr, count: Expr, inside: str) -> Piece:
        return Piece(rf"\sum_{{{_lettered(index)}=1}}^{{{self.number(count).text}}} {inside}", SUMMATION)

    def indicator(self, condition: str) -> Piece:
        return Piece(rf"\mathbf{{1}}[{condition}]", ATOM)

    def relation(self, relation: str) -> str:
        return _RELATIONS[relation]

    def where(self, condition: str, yes: str, no: str, goes_on: bool) -> Piece:
        begin, end = r"\begin{cases} ", r" \end{cases}"
        goes_on = goes_on and no.startswith(begin) and no.endswith(end)
        rest = no.removeprefix(begin).removesuffix(end) if goes_on else rf"{no} & \text{{elsewhere}}"
        return Piece(rf"{begin}{yes} & \text{{where }} {condition} \\ {rest}{end}", PRODUCT)

    def along(self, axes: Sequence[int]) -> str:
        return rf"\text{{{'axis' if len(axes) == 1 else 'axes'} }}{', '.join(map(str, axes))}"

    def constant(self, kind: str, shape: Sequence[Expr]) -> str:
        if kind == "1":
            return rf"\mathbf{{1}} \mathbf{{1}}^{{{self.transposed}}}" if len(shape) == 2 else r"\mathbf{1}"
        return "I" if kind == "I" else rf"\mathbf{{{kind}}}"

    def derivative(self, top: str, bottom: str) -> Piece:
        return Piece(rf"\frac{{\partial {top}}}{{\partial {bottom}}}", POWER)


class _Numbers(LatexPrinter):
    """SymPy's LaTeX, with sizes such as `n0` written `n_0`, in the letters that the author chose."""

    notation = PLAIN
    named: Callable[[NamedNumber], str]

    def _print_NamedNumber(self, expression: NamedNumber) -> str:
        return self.named(expression)

    def _as_ordered_terms(self, expression: Expr, order: str | None = None) -> list[Expr]:
        """What is taken away stands behind what it is taken from: `t - i`."""
        terms: list[Expr] = super()._as_ordered_terms(expression, order)
        first = terms[0].could_extract_minus_sign()
        return sorted(terms, key=lambda term: bool(term.could_extract_minus_sign())) if first else terms

    def _print_Symbol(self, expression: sympy.Symbol, style: str = "plain") -> str:
        chosen = self.notation.symbol(expression.name)
        if chosen is not None and expression.name != "L":  # which is the loss
            return chosen
        stem = expression.name.rstrip("0123456789")
        digits = expression.name[len(stem) :]
        return letter(stem) + (f"_{script_of(digits)}" if digits else "") if stem else escaped(expression.name)

    def _print_AppliedUndef(self, expression: Expr, exp: str = "") -> str:
        """A size that varies with the layer: `n(l)` is `n_{l}`; SymPy hands over the exponent `exp` of its power."""
        written = f"{letter(type(expression).__name__)}_{{{self._print(expression.args[0])}}}"
        return f"{written}^{{{exp}}}" if exp else written

    def _print_sigmoid(self, expression: Expr) -> str:
        return rf"\sigma\left({self._print(expression.args[0])}\right)"


LATEX = latex_table(PLAIN)
