"""What changes between two networks: the equations, recurrences, gradients and Jacobians, what is new in each marked.

The layers are aligned first; from them follows which name of one network stands for which of the other, and formulas
are compared up to these names. So a layer in the middle renumbers the rest and does not change it, and a residual block
shows as the `+ I` of its Jacobian and the second term of its recurrence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from symprop.algebra.nodes import Node, Variable
from symprop.algebra.shapes import shape_text
from symprop.algebra.trees import variables
from symprop.analysis.derivation import Derivation
from symprop.codegen.case import Case, case_of
from symprop.differences.changes import (
    RENAMED,
    Change,
    changes,
)
from symprop.differences.compared import Compared
from symprop.differences.documents import html_fragment, html_page, latex_page
from symprop.differences.layers import aligned, stations
from symprop.differences.names import Names, matched
from symprop.differences.pages import plain_page
from symprop.differences.sentences import told
from symprop.differences.trees import Comparing
from symprop.keywords import public
from symprop.networks.network import Network
from symprop.notation.conventions import loss_clashes


@public
@dataclass(frozen=True, repr=False)
class NetworkDifference(Compared):
    """What changes from network A to network B; it prints itself in each notation.

    >>> import symprop
    >>> found = symprop.diff("Input(2) >> Dense(2) >> MeanSquaredError()", "Input(2) >> Dense(3) >> MeanSquaredError()")
    >>> bool(found), len(found.changed), [(a.name, a.shape, b.shape) for a, b in found.shapes]
    (True, 0, [('y', (2,), (3,)), ('z1', (2,), (3,)), ('W1', (2, 2), (3, 2)), ('b1', (2,), (3,))])
    """

    def __repr__(self) -> str:
        return f"NetworkDifference({self.before.text!r}, {self.after.text!r}, layout={self.layout!r})"

    def __str__(self) -> str:
        return self.pretty()

    def pretty(self) -> str:
        """Return the difference in Unicode: lines with `-` and `+`, and `^` under what is new or gone."""
        return plain_page(self, "pretty")

    def text(self) -> str:
        """Return the difference in NumPy notation, marked as `pretty` does."""
        return plain_page(self, "text")

    def latex(self) -> str:
        """Return the difference as a complete LaTeX document, what is new or gone in colour."""
        return latex_page(self)

    def html(self) -> str:
        """Return the difference as one HTML file, what is new or gone in colour and underlined or struck out."""
        return html_page(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print in IPython's terminal as `print` does."""
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return html_fragment(self)


def diff(before: Network | Case | str, after: Network | Case | str, layout: str | None = None) -> NetworkDifference:
    """Compare two networks, and return what changes from the first, A, to the second, B.

    >>> plain = "Input(3) >> Dense(3) >> Tanh() >> Dense(3) >> Tanh() >> MeanSquaredError()"
    >>> skip = "Input(3) >> Dense(3) >> Tanh() >> Residual(Dense(3) >> Tanh()) >> MeanSquaredError()"
    >>> found = diff(plain, skip)
    >>> found.layers
    ('Residual is added around Dense(3) >> Tanh(), layers 3 and 4 of B',)
    >>> [(change.before.right.pretty(), change.after.right.pretty()) for change in found.jacobians]
    [('diag(1 − a₂ ⊙ a₂) W₂', 'diag(1 − f₂ ⊙ f₂) W₂ + I')]

    Raises:
        SpecError: one of the two is no network, or the layout is unknown.
        LimitError: a network over a limit, or two long networks with little in common.
    """
    cases = case_of(before, layout=layout or ""), case_of(after, layout=layout or "")
    first, second = (case.network for case in cases)
    layout = layout or next(each for each in first.layouts if each in second.layouts)
    cases = cases[0].at(layout=layout), cases[1].at(layout=layout)
    sides = (_derived(cases[0]), _derived(cases[1]))
    pairs = aligned(stations(first), stations(second))
    names = matched(pairs, (first.system(), second.system()))
    found = tuple(changes(Comparing(names.classes), names, sides))
    return NetworkDifference(
        first,
        second,
        layout,
        told(pairs, first, second),
        tuple((a, b) for a, b in dict.fromkeys(names.variables) if shape_text(a.shape) != shape_text(b.shape)),
        tuple(_rewired(found, names)),
        found,
        loss_clashes(sides[0]) or loss_clashes(sides[1]),
    )


def _derived(case: Case) -> Derivation:
    """The derivation of a case; one without a loss has its forward pass alone."""
    return Derivation(case.network, case.system, ()) if case.system.loss is None else case.derivation


def _rewired(found: Sequence[Change], names: Names) -> Iterator[tuple[Variable, Variable, tuple[Node, ...]]]:
    """Yield what is read in place of something else in equations that stay, and in which: a new layer's output."""
    partner = {ours.name: theirs.name for ours, theirs in names.variables}
    forward = {ours.name for ours, _ in names.equations if ours is not None} | set(partner)
    readers: dict[tuple[Variable, Variable], list[Node]] = {}
    for change in found:
        if change.kind == RENAMED and change.before is not None and change.after is not None:
            ours, theirs = variables(change.before.right), variables(change.after.right)
            of = names.classes.of
            for a, b in zip(ours, theirs, strict=True) if len(ours) == len(theirs) else ():
                if a.name in forward and partner.get(a.name) != b.name and of(0, a.name) == of(1, b.name):
                    readers.setdefault((a, b), []).append(change.after.left)
    yield from ((a, b, tuple(places)) for (a, b), places in readers.items())
