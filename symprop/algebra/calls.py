"""The grammar of network texts: chains of calls, `Input(4) >> Dense(3) >> Tanh()`; what it accepts, Python accepts.

A chain is read by a loop over tokens, so that one of 10,000 layers needs no deep tree; only bracketed blocks recurse,
and their nesting is bounded. Arguments are numbers, text in quotes, True, False, None, sizes (`n0`, `2*n0`), tuples,
dicts of these by names (`{"g": "n"}`), and chains (`Residual(Dense(4) >> Tanh())`). Nothing is called or evaluated
here: a `Call` is data.

    >>> [call.name for call in read_calls("Input(4) >> Dense(3, bias=False)")]
    ['Input', 'Dense']
"""

from __future__ import annotations

import ast
import keyword
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from sympy import Expr

from symprop.algebra.folding import LARGEST_BITS, LARGEST_EXPONENT
from symprop.algebra.names import size_symbol
from symprop.algebra.tokens import Limits, Scan, Token, refuse, scan, syntax_tree
from symprop.errors import LimitError, SpecError, SymbolNameError, shown

LIMITS = Limits(
    what="network",
    characters=1_000_000,
    brackets=50,
    chain=10_000,
    operators=frozenset({"+", "-", "*", "/", "**", "(", ")", "{", "}", ":", ",", "=", ">>"}),
    strings=True,
    error=SpecError,
)
MOST_CALLS = 10_000


@dataclass(frozen=True)
class Name:
    """A size given by name, `n0` in `Input(n0)`."""

    text: str
    column: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Call:
    """`name(positional, key=keyword, ...)`, not called. `column` is where it begins in the text, from 0."""

    name: str
    positional: tuple[Any, ...]
    keywords: dict[str, Any]
    column: int = field(default=0, compare=False)


@dataclass(frozen=True)
class CallSum:
    """`A() + B()`."""

    parts: tuple[Call, ...]
    column: int = field(default=0, compare=False)


def read_calls(text: str, what: str = "a layer, such as Dense(32)") -> list[Call | CallSum]:
    """Read `Name(...) >> Name(...) >> ...` into a list of calls; `what` is said where one is missing.

    An argument is an int, a float, a str, True, False, None, a `Name`, a SymPy expression in sizes (`2*n`), a tuple
    or a dict of these, or a list of calls for a chain, of one call too; a tuple may hold such lists.

    >>> read_calls("Repeat(Dense(n), 3)")[0].positional
    ([Call(name='Dense', positional=(Name(text='n', column=13),), keywords={}, column=7)], 3)

    Raises:
        SpecError: outside the grammar, with a caret under the place.
        LimitError: too long, too many calls, or brackets too deep.
    """
    reader = _CallReader(scan(text, LIMITS), what)
    calls = reader.chain()
    if reader.sign() is not None:
        reader.refuse("expected '>>' or the end", reader.tokens[reader.position])
    return calls


class _CallReader:
    """A walk over the tokens of one text; `position` is the next token."""

    def __init__(self, scanned: Scan, what: str) -> None:
        self.scanned, self.tokens, self.what = scanned, scanned.tokens, what
        self.position = self.calls = 0

    def sign(self, ahead: int = 0) -> str | None:
        """The text of a token further on, or None beyond the end."""
        place = self.position + ahead
        return self.tokens[place].text if place < len(self.tokens) else None

    def refuse(self, message: str, token: Token | None = None) -> NoReturn:
        last = self.tokens[-1]
        column = token.column if token else last.column + len(last.text) - 1
        refuse(message, self.scanned.typed, column, len(token.text) if token else 1, SpecError)

    def take(self, sign: str, what: str) -> Token:
        """Step over the token `sign`."""
        token = self.tokens[self.position] if self.position < len(self.tokens) else None
        if token is None or token.text != sign:
            self.refuse(f"expected {what}", token)
        self.position += 1
        return token

    def chain(self) -> list[Call | CallSum]:
        """Read `sum >> sum >> ...`; a bracketed chain inside it is the same chain."""
        found = self.sum()
        while self.sign() == ">>":
            self.position += 1
            found.extend(self.sum())
        return found

    def sum(self) -> list[Call | CallSum]:
        start = self.position
        found = self.atom()
        if self.sign() != "+":
            return found
        parts: list[Call] = []
        while True:
            for call in found:
                parts.extend(call.parts if isinstance(call, CallSum) else (call,))
            if len(found) != 1:
                self.refuse("'+' stands between two calls, not beside a chain", self.tokens[start])
            if self.sign() != "+":
                return [CallSum(tuple(parts), self.tokens[start].column)]
            self.position += 1
            found = self.atom()

    def atom(self) -> list[Call | CallSum]:
        if self.sign() == "(":
            self.position += 1
            found = self.chain()
            self.take(")", "')'")
            return found
        return [self.call()]

    def call(self) -> Call:
        token = self.tokens[self.position] if self.position < len(self.tokens) else None
        if token is None or token.kind != "name" or keyword.iskeyword(token.text):
            self.refuse(f"expected {self.what}", token)
        self.calls += 1
        if self.calls > MOST_CALLS:
            raise LimitError(f"a network of more than {MOST_CALLS:,} layers")
        self.position += 1
        if self.sign() != "(":
            self.refuse(f"{shown(token.text)} needs brackets: {token.text}(...)", token)
        self.position += 1
        positional: list[Any] = []
        keywords: dict[str, Any] = {}
        while self.sign() != ")":
            self.argument(positional, keywords)
            if self.sign() != ")":
                self.take(",", "',' or ')'")
        self.position += 1
        return Call(token.text, tuple(positional), keywords, token.column)

    def argument(self, positional: list[Any], keywords: dict[str, Any]) -> None:
        token = self.tokens[self.position] if self.position < len(self.tokens) else None
        if token is not None and token.kind == "name" and self.sign(1) == "=":
            if token.text in keywords or keyword.iskeyword(token.text):
                self.refuse(f"{shown(token.text)} cannot be given twice or here", token)
            self.position += 2
            keywords[token.text] = self.value()
        elif keywords:
            self.refuse("an argument without a name stands before those with one", token)
        else:
            positional.append(self.value())

    def value(self) -> Any:
        """Read one argument, up to its comma or bracket: a chain if it holds a call, else numbers, names or text."""
        end, depth, is_chain = self.position, 0, False
        while end < len(self.tokens) and (depth or self.tokens[end].text not in {",", ")"}):
            token = self.tokens[end]
            depth += {"(": 1, ")": -1, "{": 1, "}": -1}.get(token.text, 0)
            is_chain = is_chain or (token.text == "(" and end > self.position and self.tokens[end - 1].kind == "name")
            if is_chain:
                return self.several() if self.is_several() else self.chain()
            end += 1
        if end == self.position:
            self.refuse("expected an argument", self.tokens[end] if end < len(self.tokens) else None)
        first, last = self.tokens[self.position], self.tokens[end - 1]
        start, stop = first.column, last.column + len(last.text)
        self.position = end
        return _Arithmetic(self.scanned, start).read(stop)

    def is_several(self) -> bool:
        """Whether a bracket begins here that has a comma of its own: several values, and no chain."""
        depth = 0
        for token in self.tokens[self.position :] if self.sign() == "(" else ():
            depth += {"(": 1, ")": -1, "{": 1, "}": -1}.get(token.text, 0)
            if depth == 0 or (depth == 1 and token.text == ","):
                return depth == 1
        return False

    def several(self) -> tuple[Any, ...]:
        """Read values in a bracket, such as `(Input(8, name="h0"), Input(8, name="c0"))`."""
        self.take("(", "'('")
        found = []
        while self.sign() != ")":
            found.append(self.value())
            if self.sign() != ")":
                self.take(",", "',' or ')'")
        self.position += 1
        return tuple(found)


class _Arithmetic:
    """One argument without calls: text, a number, a size, or `+ - * / **` of them, by a whitelist over `ast`."""

    def __init__(self, scanned: Scan, start: int) -> None:
        self.scanned, self.start = scanned, start

    def read(self, stop: int) -> Any:
        tree = syntax_tree(self.scanned, SpecError, self.start, stop)
        if isinstance(tree, ast.Name):
            self.size(tree)  # refuses a name that cannot be a size
            return Name(tree.id, self.column(tree))
        return self.entry(tree)

    def entry(self, tree: ast.expr) -> Any:
        """Read a value, or a tuple or a dict of values; a tuple may hold tuples, as the padding of an image does."""
        if isinstance(tree, ast.Tuple):
            return tuple(self.entry(each) if isinstance(each, ast.Tuple) else self.value(each) for each in tree.elts)
        if isinstance(tree, ast.Dict):
            return dict(self.item(key, value, tree) for key, value in zip(tree.keys, tree.values, strict=True))
        return self.value(tree)

    def item(self, key: ast.expr | None, value: ast.expr, tree: ast.Dict) -> tuple[str, Any]:
        """Read one item of a dict; a dict in it has no meaning."""
        named = [each.value for each in tree.keys if isinstance(each, ast.Constant)]
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str) or named.count(key.value) > 1:
            self.refuse("an item has a name in quotes, once: {'g': 'n'}", key or tree)
        return key.value, self.value(value) if isinstance(value, ast.Dict) else self.entry(value)

    def column(self, tree: ast.expr) -> int:
        return self.start + tree.col_offset - 1

    def refuse(self, message: str, tree: ast.expr) -> NoReturn:
        refuse(message, self.scanned.typed, self.column(tree), (tree.end_col_offset or 0) - tree.col_offset, SpecError)

    def value(self, tree: ast.expr, depth: int = 0) -> Any:
        if depth > LIMITS.brackets * 2:
            raise LimitError("an argument with too many operations")
        if isinstance(tree, ast.Constant) and (tree.value is None or type(tree.value) in {int, float, str, bool}):
            if isinstance(tree.value, float) and not math.isfinite(tree.value):
                self.refuse("not a finite number", tree)
            return tree.value
        if isinstance(tree, ast.Name):
            return self.size(tree)
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, (ast.USub, ast.UAdd)):
            operand = self.number(tree.operand, depth)
            return -operand if isinstance(tree.op, ast.USub) else operand
        if isinstance(tree, ast.BinOp):
            return self.binary(tree, depth)
        return self.refuse("an argument is a number, a size, text in quotes, or layers", tree)

    def size(self, tree: ast.Name) -> Expr:
        try:
            return size_symbol(tree.id)
        except SymbolNameError as problem:
            self.refuse(str(problem).split("\n")[0], tree)

    def number(self, tree: ast.expr, depth: int) -> Any:
        value = self.value(tree, depth + 1)
        if isinstance(value, bool) or not isinstance(value, (int, float, Expr)):
            self.refuse("expected a number or a size", tree)
        return value

    def binary(self, tree: ast.BinOp, depth: int) -> Any:
        left, right = self.number(tree.left, depth), self.number(tree.right, depth)
        if isinstance(tree.op, ast.Div):
            if right == 0:
                self.refuse("division by zero", tree.right)
            result = left / right
        elif isinstance(tree.op, ast.Pow):
            if not isinstance(right, int) or not 0 <= right <= LARGEST_EXPONENT:
                self.refuse(f"an exponent is an integer from 0 to {LARGEST_EXPONENT:,}", tree.right)
            if isinstance(left, int) and left.bit_length() * right > LARGEST_BITS:
                raise LimitError(f"a number of more than {LARGEST_BITS:,} bits")
            result = self.float_power(tree, left, right) if isinstance(left, float) else left**right
        elif isinstance(tree.op, ast.Add):
            result = left + right
        elif isinstance(tree.op, ast.Sub):
            result = left - right
        elif isinstance(tree.op, ast.Mult):
            result = left * right
        else:
            self.refuse("arithmetic of sizes is + - * / **", tree)
        if isinstance(result, int) and result.bit_length() > LARGEST_BITS:
            raise LimitError(f"a number of more than {LARGEST_BITS:,} bits")
        if isinstance(result, float) and not math.isfinite(result):
            self.refuse("not a finite number", tree)
        return result

    def float_power(self, tree: ast.BinOp, left: float, right: int) -> float:
        try:
            return float(left**right)
        except OverflowError:
            self.refuse("not a finite number", tree)


def flat(calls: Sequence[Call | CallSum]) -> list[Call]:
    """Return the calls of a chain with the parts of sums side by side, nested chains left as they are."""
    return [part for call in calls for part in (call.parts if isinstance(call, CallSum) else (call,))]
