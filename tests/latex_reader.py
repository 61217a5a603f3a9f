r"""A reader of formulas in LaTeX that shares no code with symprop: what mathematics takes a formula for, as a tree.

pylatexenc gives the tokens. No library gives more: SymPy's `parse_latex` reads `W_2^{\top} \delta_2` as a power with
the exponent `top`, and `a \odot b` as a product of `a`, `b` and a variable `odot`; latex2sympy2 knows neither sign.

Products bind as usual: side by side before `\odot`, `\oslash`, `\otimes`, these before `+`; a sum sign reaches to the
next `+` or `-`. Bold letters are the letters; `^{\top}`, `^{\mathsf{T}}` and `^{T}` transpose, and so does `^{\prime}`
with `prime="transpose"`. What the tree means stands in `latex_meaning.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from latex_names import BOLD, INDEX, NameReader, Tree
from latex_tokens import Token, Unreadable, tokens

FUNCTIONS = {
    "exp", "log", "tanh", "sin", "cos", "tan", "sinh", "cosh", "arcsin", "arccos", "arctan", "max", "min", "det",
    "prod",
}  # fmt: skip
RELATIONS = {"<": "<", ">": ">", "=": "==", "ge": ">=", "le": "<=", "ne": "!=", "geq": ">=", "leq": "<=", "neq": "!="}
PRODUCTS = {"odot", "oslash", "otimes"}
CLOSING = {"(": ")", "|": "|", "‖": "‖", "{": "}"}


def read(latex: str, names: Sequence[str] = (), prime: str = "mark") -> Tree:
    r"""Return the tree of a formula; `names` are the arrays that it may hold, in the form that `name_of` returns.

    >>> read(r"W_2^{\top} \delta_2").kind, read(r"\mathbf{a} + 1").parts[0].text
    ('product', 'a')

    Raises:
        Unreadable: outside the subset, or ambiguous.
    """
    reader = Reader(tokens(latex), frozenset(names), prime)
    tree = reader.sum()
    if reader.here is not None:
        raise Unreadable(f"{reader.here.text} after the end of a formula")
    return tree


def name_of(latex: str, prime: str = "mark") -> str:
    r"""Return a name without its looks: `\mathbf{W}_{2}` is `W_2`, `\frac{\partial L}{\partial W_2}` is `dL/dW_2`.

    >>> name_of(r"\boldsymbol{\delta}_{1}^{(l)}"), name_of(r"\frac{\partial L}{\partial W_2}")
    ('delta_1^(l)', 'dL/dW_2')
    """
    tree = read(latex, (), prime)
    if tree.kind != "name":
        raise Unreadable(f"{latex} is no name")
    return tree.text


def at_places(left: str, right: str, name: str) -> str:
    r"""Return the right side of an equation with the places that its left side, which has this name, says.

    >>> at_places("S_{i}", "Q_{i} K_{i}", "S")
    '\\left\\{Q_{i} K_{i}\\right\\}_{i}'
    """
    reader = Reader(tokens(left), frozenset({name, name.rpartition("/d")[2]}), "mark", bound=list("ijklprsuvaehogt"))
    labels = reader.sum().words
    plain = all(len(label) == 1 and label != ":" for label in labels)
    return rf"\left\{{{right}\right\}}_{{{('' if plain else ',').join(labels)}}}" if labels else right


class Reader(NameReader):
    """Reads formulas, each method one kind of phrase."""

    def sum(self) -> Tree:
        terms = [self.signed()]
        while self.sees("+", "-"):
            terms.append(self.signed())
        return terms[0] if len(terms) == 1 else Tree("sum", tuple(terms))

    def signed(self) -> Tree:
        negative = False
        while self.sees("+", "-"):
            negative ^= self.take().text == "-"
        term = self.term()
        return Tree("negative", (term,)) if negative else term

    def term(self) -> Tree:
        found = self.side_by_side()
        signs: list[str] = []
        while self.here is not None and self.here.kind == "macro" and self.here.text in PRODUCTS:
            signs.append(self.take().text)
            if "oslash" in signs[:-1] or {"otimes"} < set(signs):
                raise Unreadable(f"{' and '.join(signs)} without parentheses")
            found = Tree(signs[-1], (found, self.side_by_side()))
        return found

    def side_by_side(self) -> Tree:
        found = self.item()
        while self.starts_item() or self.sees("\\cdot"):
            if self.sees("\\cdot"):
                self.take()
            found = Tree("product", (found, self.item()))
        return found

    def starts_item(self) -> bool:
        here = self.here
        if here is None:
            return False
        if here.kind == "macro":
            return here.text not in PRODUCTS | {"cdot", "text", "times"} and here.text not in RELATIONS
        return here.kind in ("letter", "digit", "open", "begin", "{")

    def item(self) -> Tree:
        base = self.base()
        while self.sees("^", "open"):
            if self.sees("open"):
                if self.here != Token("open", "["):
                    break
                base = self.selection(base)
            else:
                base = self.raised(base)
        return base

    def raised(self, base: Tree) -> Tree:
        self.take("^")
        inner = self.argument()
        negative = inner.tokens[:1] == [Token("-", "-")]
        sign = [token.text for token in inner.tokens[negative:]]
        turned = [["top"], ["T"], ["mathsf", "{", "T", "}"], *([["prime"]] if self.prime == "transpose" else [])]
        if sign in turned:
            return Tree("transpose", (Tree("inverse", (base,)) if negative else base,))
        if inner.sees("\\odot"):
            inner.take()
            return Tree("elementwise power", (base, inner.all()))
        exponent = inner.all()
        if exponent.kind == "negative" and exponent.parts[0].text == "1":
            return Tree("inverse", (base,))
        return Tree("power", (base, exponent))

    def all(self) -> Tree:
        tree = self.sum()
        if self.here is not None:
            raise Unreadable(f"{self.here.text} after the end of a group")
        return tree

    def selection(self, base: Tree) -> Tree:
        """Read `E[x]`, `x[1:3]`, `X[:, 0]`."""
        self.take("open", "[")
        places: list[Tree] = []
        while True:
            first = Tree("open end") if self.sees(":") else self.sum()
            if self.sees(":"):
                self.take()
                last = Tree("open end") if self.sees(",", "close") else self.sum()
                places.append(Tree("range", (first, last)))
            else:
                places.append(first)
            if not self.sees(","):
                break
            self.take()
        self.take("close", "]")
        return Tree("selection", (base, *places))

    def base(self) -> Tree:
        here = self.take()
        if here.kind == "digit":
            return self.number(here.text)
        if here == Token("open", "{"):
            return self.stack()
        if here.kind == "open" and here.text in CLOSING:
            return self.bracketed(here.text)
        if here.kind == "{":
            self.position -= 1
            return self.argument().all()
        if here.kind == "begin" and here.text in ("cases", "bmatrix"):
            return self.cases() if here.text == "cases" else self.blocks()
        if here.kind == "letter":
            return self.name(here.text)
        if here.kind != "macro":
            raise Unreadable(f"{here.text} where a formula is due")
        return self.macro(here.text)

    def number(self, digits: str) -> Tree:
        while self.sees("digit", "."):
            digits += self.take().text
        return Tree("number", text=digits)

    def bracketed(self, opening: str) -> Tree:
        inside = self.sum()
        self.take("close", CLOSING[opening])
        if opening == "|":
            return Tree("call", (inside,), "abs")
        if opening == "‖":
            if self.sees("_"):
                self.take()
                self.argument()  # F: the root of the sum of squares of a matrix too
            return Tree("norm", (inside,))
        return Tree("group", (inside,))

    def stack(self) -> Tree:
        """Read an array by what stands at each of its places, whose letters stand behind it."""
        start, depth = self.position, 1
        while depth:
            here = self.take()
            depth += (here == Token("open", "{")) - (here == Token("close", "}"))
        inside = self.tokens[start : self.position - 1]
        self.take("_")
        written = self.script()
        labels = tuple(written.split(",") if re.search("[,(_]", written) else written)
        letters = re.findall(INDEX, written)
        body = type(self)(inside, self.names, self.prime, bound=[*self.bound, *letters]).all()
        return Tree("stack", (body,), words=labels)

    def blocks(self) -> Tree:
        """Read blocks beside each other or below each other."""
        parts, signs = [self.sum()], []
        while not self.sees("end"):
            signs.append(self.take().kind)
            parts.append(self.sum())
        self.take("end", "bmatrix")
        if len(set(signs)) > 1:
            raise Unreadable("blocks beside and below each other")
        return Tree("blocks", tuple(parts), "beside" if "&" in signs else "below")

    def cases(self) -> Tree:
        """Read a choice: rows of a value and `where` a condition, the last one `elsewhere`."""
        parts: list[Tree] = []
        while True:
            parts.append(self.sum())
            self.take("&")
            word = self.words()
            if word == "elsewhere":
                break
            if word != "where":
                raise Unreadable(f"a case {word}")
            parts.append(self.condition())
            self.take("\\")
        self.take("end", "cases")
        return Tree("cases", tuple(parts))

    def words(self) -> str:
        self.take("macro", "text")
        return "".join(token.text for token in self.inside("{", "}")).strip()

    def condition(self) -> Tree:
        left = self.sum()
        here = self.here
        if here is None or here.text not in RELATIONS:
            return left
        self.take()
        return Tree("relation", (left, self.sum()), RELATIONS[here.text])

    def macro(self, text: str) -> Tree:
        if text == "frac":
            above, below = self.argument(), self.argument()
            if above.sees("\\partial") and below.sees("\\partial"):
                top, bottom = above.partial(), below.partial()
                return Tree(bottom.kind, text=f"d{top.text}/d{bottom.text}", words=bottom.words)
            return Tree("fraction", (above.all(), below.all()))
        if text == "sqrt":
            return Tree("root", (self.argument().all(),))
        if text == "sum" or (text in ("max", "min") and self.sees("_")):
            return self.summation(text)
        if text == "infty":
            return Tree("number", text="inf")
        if text in FUNCTIONS or text == "operatorname":
            name = text if text in FUNCTIONS else "".join(token.text for token in self.inside("{", "}"))
            return self.call(name)
        if text == "sigma" and self.calls_next() and "sigma" not in self.names:
            return self.call("sigma")
        if text in BOLD and self.bold_digit():
            return self.constant()
        if text in BOLD and self.is_unit_vector():
            self.inside("{", "}")
            self.take("_")
            return Tree("unit", words=(self.script(),))
        return self.name("\\" + text)

    def bold_digit(self) -> bool:
        return self.tokens[self.position + 1 : self.position + 2] in ([Token("digit", "1")], [Token("digit", "0")])

    def is_unit_vector(self) -> bool:
        """Whether `e` in bold type with a place below it comes next, and is no array's name."""
        between = [token.text for token in self.tokens[self.position : self.position + 5]]
        return between == [
            "{",
            "e",
            "}",
            "_",
            "{",
        ]  # a place is in braces always, the number of a name where it is long

    def constant(self) -> Tree:
        digit = self.inside("{", "}")[0].text
        if digit == "1" and self.sees("open") and self.here == Token("open", "["):
            self.take()
            condition = self.condition()
            self.take("close", "]")
            return Tree("indicator", (condition,))
        if self.sees("_"):
            self.take()
            return Tree({"1": "ones", "0": "zeros"}[digit], words=(self.script(),))
        return Tree({"1": "ones", "0": "zeros"}[digit])

    def partial(self) -> Tree:
        self.take("macro", "partial")
        found = self.base()
        if found.kind not in ("name", "element") or self.here is not None:
            raise Unreadable("a derivative that is not worked out")
        return found

    def summation(self, text: str) -> Tree:
        """Read what is taken over indices: a sum, the largest or smallest, or where that stands."""
        if not self.sees("_"):
            raise Unreadable("a sum over all elements without indices")
        self.take()
        below, given = self.script(), ()
        if "=" in below:  # a sum over blocks, from 1 to their number
            if not below.endswith("=1"):
                raise Unreadable(f"a sum over {below}")
            self.take("^")
            below, given = below.removesuffix("=1"), (self.argument().all(),)
        indices = re.findall(INDEX, below)
        if "".join(indices) != below.replace(",", ""):
            raise Unreadable(f"a sum over {below}")
        self.bound.extend(indices)
        body = self.term()
        del self.bound[len(self.bound) - len(indices) :]
        return Tree("summation", (body, *given), text, tuple(indices))

    def calls_next(self) -> bool:
        following = self.tokens[self.position : self.position + 2]
        return following[:1] == [Token("open", "(")] or following == [Token("{", "{"), Token("open", "(")]

    def call(self, name: str) -> Tree:
        if name in ("argmax", "argmin"):
            return self.summation(name)
        if self.sees("_"):
            self.take()
            below = self.argument()
            if name == "mat":
                return self.arranged(below)
            name += "_" + "".join(token.text for token in below.tokens)
        if self.here == Token("open", "|"):
            return Tree("call", (self.base(),), name)
        inner = self.argument() if self.sees("{") else self
        inner.take("open", "(")
        parts, axes = [], []
        while True:
            if inner.sees("\\text"):
                if inner.words() not in ("axis", "axes"):
                    raise Unreadable("words in a call")
                axes.append(inner.take("digit").text)
            elif axes:
                axes.append(inner.take("digit").text)
            else:
                parts.append(inner.tuple_or_sum())
            if not inner.sees(","):
                break
            inner.take()
        if inner.sees(";"):
            inner.take()
            parts.append(Tree("length", (inner.tuple_or_sum(),)))
        inner.take("close", ")")
        if inner is not self and inner.here is not None:
            raise Unreadable("something behind the arguments of a call")
        return Tree("call", tuple(parts), name, tuple(axes))

    def arranged(self, below: Reader) -> Tree:
        sizes = [below.side_by_side()]
        while below.sees("\\times"):
            below.take()
            sizes.append(below.side_by_side())
        self.take("open", "(")
        inside = self.sum()
        self.take("close", ")")
        return Tree("arranged", (inside, *sizes))

    def tuple_or_sum(self) -> Tree:
        """Read an argument: a formula, or several in parentheses, as `(0, n)`."""
        if self.here != Token("open", "("):
            return self.sum()
        start, depth, commas = self.position, 0, 0
        for token in self.tokens[start:]:
            depth += (token.kind in ("open", "{")) - (token.kind in ("close", "}"))
            commas += depth == 1 and token.kind == ","
            if not depth:
                break
        if not commas:
            return self.sum()
        self.take()
        parts = [self.sum()]
        while self.sees(","):
            self.take()
            parts.append(self.sum())
        self.take("close", ")")
        return Tree("tuple", tuple(parts))
