"""Formulas in Unicode, for eyes: `δ₁ = (W₂ᵀ δ₂) ⊙ (1 − a₁ ⊙ a₁)`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

import sympy
from sympy import Basic, Expr, Integer, Symbol
from sympy.core.function import AppliedUndef

from symprop.algebra import nodes as n
from symprop.algebra.indices import placed
from symprop.algebra.named_numbers import NamedNumber
from symprop.algebra.nodes import Node
from symprop.algebra.shapes import Shape, shape_text
from symprop.algebra.sizes import size_text
from symprop.notation import mathematics, numbers
from symprop.notation.on_paper import on_paper
from symprop.notation.precedence import ATOM, COMPARE, POWER, PRODUCT, SUM, SUMMATION, Piece, render
from symprop.notation.stacks import stacked
from symprop.notation.style import Style, accented, function_name, lettered, scientific
from symprop.notation.untold import with_sizes

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "iota": "ι", "kappa": "κ", "lambda": "λ", "lamda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "eps": "ε",
    "lam": "λ", "lmbda": "λ", "varepsilon": "ε", "vartheta": "ϑ", "varphi": "φ",
    "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ",
    "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
_SUPERSCRIPTS = dict(
    zip(
        "0123456789+-=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVW",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ",
        strict=True,
    )
)
_SUBSCRIPTS = dict(zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_VULGAR = {(1, 2): "½", (1, 3): "⅓", (2, 3): "⅔", (1, 4): "¼", (3, 4): "¾", (1, 5): "⅕", (1, 6): "⅙", (1, 8): "⅛"}
_RELATIONS = {">": ">", ">=": "≥", "<": "<", "<=": "≤", "==": "=", "!=": "≠"}
_FUNCTIONS = {
    "sigmoid": "σ", "relu": "ReLU", "silu": "SiLU", "gelu": "GELU", "elu": "ELU", "leaky_relu": "LeakyReLU",
    "maximum": "max", "minimum": "min", "one_hot": "onehot", "first_max": "firstmax", "first_min": "firstmin",
    "trace": "tr", "gammaln": "logΓ", "digamma": "ψ", **{f"polygamma{k}": f"ψ⁽{'⁰¹²³'[k]}⁾" for k in (1, 2, 3)},
}  # fmt: skip


def superscript(text: str) -> str:
    """Return `text` raised, or after a caret where Unicode lacks a character.

    >>> superscript("(l+1)"), superscript("q")
    ('⁽ˡ⁺¹⁾', '^(q)')
    """
    compact = text.replace(" ", "").replace("−", "-")
    if all(character in _SUPERSCRIPTS for character in compact):
        return "".join(_SUPERSCRIPTS[character] for character in compact)
    return f"^{compact}" if compact.startswith("(") else f"^({compact})"


def subscript(text: str) -> str:
    """Return `text` lowered, or after an underscore where Unicode lacks a character."""
    if all(character in _SUBSCRIPTS for character in text):
        return "".join(_SUBSCRIPTS[character] for character in text)
    return f"_{text}"


def pretty(node: Node) -> str:
    """Return `node` in Unicode.

    >>> from symprop.algebra import variable
    >>> W, delta, a = variable("W2", (3, 4)), variable("delta2", (3,)), variable("a1", (4,))
    >>> pretty((W.T @ delta) * (1 - a**2))
    '(W₂ᵀ δ₂) ⊙ (1 − a₁ ⊙ a₁)'
    """
    return render(PRETTY, with_sizes(stacked(on_paper(node)))).text


def with_layers_above(node: Node) -> Node:
    """Return a formula, to be printed, whose layers have their numbers where a general layer has its letter.

    >>> from symprop.algebra import variable
    >>> pretty(variable("W1", (3, 4)) @ variable("x", (4,))), pretty(with_layers_above(variable("W1", (3, 4))))
    ('W₁ x', 'W⁽¹⁾')
    """
    if isinstance(node, n.Variable):
        is_numbered = node.index and node.index[0].is_Integer
        return node.change(index=(Symbol(str(node.index[0])), *node.index[1:])) if is_numbered else node
    if not node.operands:
        return node
    return node.func(*(with_layers_above(part) if isinstance(part, n.Node) else part for part in node.args))


_ACCENTS = {"dot": "\u0307", "bar": "\u0304", "hat": "\u0302", "tilde": "\u0303"}
"""Combining characters: `dot_z1` is `ż₁`."""


ENCLOSED = {"N": ("‖", "‖²"), "C": ("clip{", "}")}
"""What stands around a variable whose sign is written so; around any other the sign and braces."""


class Unicode(Style):
    """Mathematics in one line of Unicode."""

    minus, hadamard, divided, one, transposed = "−", " ⊙ ", " ⊘ ", "𝟏", "ᵀ"
    kronecker, log, pseudoinverse = " ⊗ ", "log", "⁺"

    def variable(self, node: n.Variable, elements: Sequence[Basic] = (), above: str = "") -> str:
        if node.is_tangent:
            sign = node.sign.rstrip("_")
            before, after = ENCLOSED.get(sign, (f"{sign}{{", "}"))
            return f"{before}{self.variable(node.of_tangent, elements)}{after}{above}"
        accent, base, rest = accented(node.letter)
        name = GREEK.get(base, base) + (subscript(rest) if rest else "")
        if accent:
            name = unicodedata.normalize("NFC", name[0] + _ACCENTS[accent]) + name[1:]
        below, layer, later = "", "", ""
        layers, rows = placed(node.index)
        others = (*layers[1:], *rows)
        if layers:
            general = bool(others) or not layers[0].is_Integer  # W₁, but a⁽ˡ⁾ and h⁽ˡ⁾ₜ
            below = "" if general else subscript(size_text(layers[0]))
            layer = superscript(f"({layers[0]})".replace("*", "")) if general else ""
        later = ",".join(subscript(size_text(index).replace(" ", "")) for index in others)
        mark = "′" * (node.mark - 1) if node.mark <= 4 else f"′⁽{superscript(str(node.mark))}⁾"
        comma = "," if (below or later) and elements else ""
        name = f"{name}{below}{mark}{layer}{later}{above}{comma}{''.join(subscript(str(index)) for index in elements)}"
        return f"∂L/∂{name}" if node.is_gradient else name

    def part(self, node: n.Variable, labels: Sequence[str], rank: int) -> str:
        lowered = _places(labels)
        comma = "," if node.index and lowered and not lowered.startswith("[") else ""
        return f"{self.variable(node)}{comma}{lowered}"

    def stack(self, inside: str, labels: Sequence[str]) -> str:
        return f"{{{inside}}}{_places(labels)}"

    def blocks(self, blocks: Sequence[str], beside: bool) -> str:
        return f"[{(' | ' if beside else ' ; ').join(blocks)}]"

    def arranged(self, inside: str, shape: Sequence[Expr]) -> str:
        return f"mat[{' × '.join(self.number(size).text for size in shape)}]({inside})"

    def number(self, value: Basic) -> Piece:
        if isinstance(value, sympy.Symbol):
            return Piece(symbol(value.name), ATOM)
        if isinstance(value, sympy.Integer):
            piece = numbers.number(value)
            return Piece(piece.text.replace("-", "−"), piece.level)
        value = _named(value)
        piece = numbers.number(value)
        for size in sorted(value.free_symbols, key=str):
            piece = Piece(_renamed(piece.text, str(size), symbol(str(size))), piece.level)
        for named in sorted(value.atoms(NamedNumber), key=str):
            piece = Piece(_renamed(piece.text, named.name, self.variable(named.variable)), piece.level)
        text = _renamed(_renamed(_RAISED.sub(_raised, piece.text), "pi", "π"), "inf", "∞")
        text = re.sub(r"sqrt\(([\w′]+)\)", r"√\1", text).replace("sqrt(", "√(")
        if (powers := scientific(value)) is not None:
            raised = f"10{superscript(powers[1])}"
            return Piece(f"{powers[0]}·{raised}" if powers[0] else raised, PRODUCT if powers[0] else POWER)
        return Piece(text.replace("-", "−").replace("*", " "), piece.level)

    def group(self, text: str) -> str:
        return f"({text})"

    def call(self, name: str, arguments: Sequence[Piece]) -> Piece:
        if name == "abs":
            return Piece(f"|{arguments[0].text}|", ATOM)
        name, number = function_name(name)
        written = f"{_FUNCTIONS.get(name, name)}{'.'.join(map(subscript, number.split('.'))) if number else ''}"
        level = SUM if len(arguments) > 1 else COMPARE  # a choice has commas of its own
        return Piece(f"{written}({', '.join(self.wrap(piece, level) for piece in arguments)})", ATOM)

    def fraction(self, top: Piece, bottom: Piece) -> Piece:
        if top.text.isdecimal() and bottom.text.isdecimal() and (int(top.text), int(bottom.text)) in _VULGAR:
            return Piece(_VULGAR[int(top.text), int(bottom.text)], ATOM)
        spaced = " " in top.text or " " in bottom.text
        above = self.group(top.text) if top.level == SUMMATION else self.wrap(top, PRODUCT)
        return Piece(f"{above}{' / ' if spaced else '/'}{self.wrap(bottom, POWER)}", PRODUCT)

    def power(self, base: str, exponent: Expr, elementwise: bool) -> Piece:
        vulgar = isinstance(exponent, sympy.Rational) and _VULGAR.get((exponent.p, exponent.q))
        raised = f"^{vulgar}" if vulgar else superscript(self.number(exponent).text)
        return Piece(f"{base}{'⊙' if elementwise else ''}{raised}", POWER)

    def superscript(self, base: str, above: str) -> str:
        return base + above

    def subscript(self, base: str, below: str) -> str:
        return base + subscript(below.replace(" ", "").replace("−", "-"))

    def root(self, inside: str) -> Piece:
        return Piece(f"√({inside})", POWER)  # in parentheses before a power: `√(x)²` may be read either way

    def raised(self, base: str, exponent: Piece, elementwise: bool) -> Piece:
        return Piece(f"{base}{'⊙' if elementwise else ''}^{self.wrap(exponent, ATOM)}", POWER)

    def inverse(self, base: str, turned: bool) -> str:
        return f"{base}⁻{'ᵀ' if turned else '¹'}"

    def of_sizes(self, letter: str, sizes: Sequence[Expr]) -> str:
        return f"{letter}[{', '.join(self.number(size).text for size in sizes)}]"

    def norm(self, inside: str, matrix: bool) -> Piece:
        return Piece(f"‖{inside}‖", ATOM)

    def squared_norm(self, inside: str, matrix: bool) -> Piece:
        return Piece(f"‖{inside}‖²", POWER)

    def norm_of(self, inside: str, which: str) -> Piece:
        return Piece(f"σₘᵢₙ({inside})" if which == "-2" else f"‖{inside}‖{'₂' if which == '2' else '⁎'}", ATOM)

    def summation(self, indices: Sequence[Expr], inside: str, which: str = "sum") -> Piece:
        sign, below = "Σ" if which == "sum" else which, "".join(subscript(str(index)) for index in indices)
        below = f"_{','.join(map(str, indices))}" if "_" in below else below
        return Piece(f"{sign}{below} {inside}", SUMMATION)

    def series(self, index: Expr, count: Expr, inside: str) -> Piece:
        return Piece(f"{_over(index, Integer(1), count)} {inside}", SUMMATION)

    def indicator(self, condition: str) -> Piece:
        return Piece(f"1[{condition}]", ATOM)

    def relation(self, relation: str) -> str:
        return _RELATIONS[relation]

    def where(self, condition: str, yes: str, no: str, goes_on: bool) -> Piece:
        return Piece(f"{yes} if {condition}, else {no}", COMPARE)

    def along(self, axes: Sequence[int]) -> str:
        return f"{'axis' if len(axes) == 1 else 'axes'} {', '.join(map(str, axes))}"

    def constant(self, kind: str, shape: Sequence[Expr]) -> str:
        if kind == "1" and len(shape) == 2:
            return "𝟏 𝟏ᵀ"
        return {"1": "𝟏", "e": "𝐞"}.get(kind, kind)

    def derivative(self, top: str, bottom: str) -> Piece:
        return Piece(f"∂{top}/∂{bottom}", POWER)


def _places(labels: Sequence[str]) -> str:
    """Places below a name, `ᵢⱼ` and `₍ᵢ₎`, or in brackets where not all of them are places: `[:, i]`."""
    lowered = [subscript(label) for label in labels]
    numbered = [lettered(label, subscript) for label in labels]
    apart = any("_" in each for each in lowered) or numbered != list(labels)  # i₁ is no i and 1
    return f"[{', '.join(numbered)}]".replace("-", "−") if apart else "".join(lowered)


def _named(value: Basic) -> Basic:
    """Return `value` with sizes that vary with the layer as names, `n(l)` as `nₗ`, and sums over them as `Σₗ ...`."""
    sizes = {size: sympy.Symbol(_lowered(type(size).__name__, size.args[0])) for size in value.atoms(AppliedUndef)}
    totals = {}
    for total in value.atoms(sympy.Sum):
        index, first, last = total.limits[0]
        inside = Unicode().number(total.function.xreplace(sizes)).text
        totals[total] = sympy.Symbol(f"{_over(index, first, last)} {inside}")
    return value.xreplace(totals).xreplace(sizes)


def _over(index: Basic, first: Basic, last: Basic) -> str:
    """Write a sum with its range on the line, `Σ[t=1…T]`: raised, T would be a transpose sign."""
    here, start, end = (Unicode().number(part).text for part in (index, first, last))
    return f"Σ[{here}={start}…{end}]"


def _lowered(base: str, index: Basic) -> str:
    return base + subscript(str(index).replace(" ", ""))


def symbol(name: str) -> str:
    """Return the name of a size with its digits lowered: `n0` is `n₀`."""
    stem = name.rstrip("0123456789")
    return GREEK.get(stem, stem) + subscript(name[len(stem) :]) if stem else name


_RAISED = re.compile(r"\*\*(\([^()]*\)|[\w′]+)")


def _raised(power: re.Match[str]) -> str:
    """Return a power of Python as one of mathematics: `**4` is `⁴`, `**(3/2)` is `^(3/2)`."""
    exponent = power[1]
    bare = exponent[1:-1] if exponent.startswith("(") and "/" not in exponent else exponent
    return superscript(bare)


def _renamed(text: str, old: str, new: str) -> str:
    return re.sub(rf"\b{re.escape(old)}\b", new, text)


def pretty_shape(shape: Shape) -> str:
    """Return a shape with its names as formulas have them.

    >>> from sympy import Function, Symbol
    >>> pretty_shape((Symbol("n1"), Function("n")(Symbol("l"))))
    '(n₁, nₗ)'
    """
    return shape_text(shape, lambda size: Unicode().number(size).text)


PRETTY = mathematics.table("pretty", Unicode())
