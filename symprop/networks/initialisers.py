"""Initialisers as data: a distribution and its variance as an expression in the fans of a layer.

Xavier (Glorot and Bengio, 2010) keeps the variance of activations and gradients: 2 / (fan_in + fan_out). He (He et
al., 2015) makes up for the half that a ReLU drops: 2 / fan_in. The bound of a uniform distribution is not written
down: it is solved from the variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import sympy
from sympy import Expr, Integer, Rational

from symprop.algebra.sizes import as_expression
from symprop.errors import SpecError, shown
from symprop.hints import closest

FAN_IN, FAN_OUT = sympy.symbols("fan_in fan_out", integer=True, positive=True)


@dataclass(frozen=True)
class Initialiser:
    """A distribution: "uniform" or "normal" with mean 0 and a variance in `FAN_IN` and `FAN_OUT`, or one "constant".

    >>> INITIALISERS["xavier_uniform"].bound, INITIALISERS["ones"].constant
    (sqrt(6)/sqrt(fan_in + fan_out), 1)
    """

    name: str
    distribution: str
    variance: Expr = Integer(0)
    constant: Expr | None = None
    """What every element starts as, where nothing is drawn."""

    @cached_property
    def bound(self) -> Expr:
        """The `c` of the uniform distribution on (-c, c) that has this variance."""
        c, t = sympy.symbols("c t", positive=True)
        variance_of_uniform = sympy.integrate(t**2 / (2 * c), (t, -c, c))
        return sympy.powdenest(sympy.sqrt(sympy.factor(self.variance / variance_of_uniform.coeff(c, 2))), force=True)

    @cached_property
    def deviation(self) -> Expr:
        """The standard deviation."""
        return sympy.sqrt(self.variance)

    @property
    def scale(self) -> Expr:
        """What a standard draw is multiplied by: the bound for uniform on (-1, 1), else the standard deviation."""
        return self.bound if self.distribution == "uniform" else self.deviation

    def at(self, expression: Expr, fan_in: Expr, fan_out: Expr) -> Expr:
        """Return `expression` (such as `scale`) for a layer with these fans."""
        return expression.xreplace({FAN_IN: as_expression(fan_in), FAN_OUT: as_expression(fan_out)})


XAVIER, HE = 2 / (FAN_IN + FAN_OUT), 2 / FAN_IN

INITIALISERS: dict[str, Initialiser] = {
    row.name: row
    for row in (
        Initialiser("xavier_uniform", "uniform", XAVIER),
        Initialiser("xavier_normal", "normal", XAVIER),
        Initialiser("he_uniform", "uniform", HE),
        Initialiser("he_normal", "normal", HE),
        Initialiser("normal", "normal", Integer(1)),
        Initialiser("zeros", "constant", constant=Integer(0)),
        Initialiser("ones", "constant", constant=Integer(1)),
    )
}


def initialiser_of(name: str) -> Initialiser:
    """Return an initialiser by its name, or the constant that a decimal number names.

    >>> initialiser_of("0.25").constant, initialiser_of("ones").constant
    (1/4, 1)
    """
    known = INITIALISERS.get(name)
    return Initialiser(name, "constant", constant=Rational(name)) if known is None else known


def checked_initialiser(name: object, what: str) -> None:
    """Raise where `name` is neither None nor an initialiser.

    Raises:
        SpecError: unknown; the known ones are listed.
    """
    if name is None or (isinstance(name, str) and name in INITIALISERS):
        return
    hint = closest(name, INITIALISERS) if isinstance(name, str) else ""
    raise SpecError(f"{what}: unknown initialiser {shown(name)}{hint}\nallowed: {', '.join(INITIALISERS)}")
