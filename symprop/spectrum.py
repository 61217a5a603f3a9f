"""The curvature of a network on data, in numbers: eigenvalues, trace and condition of its Hessian and the like."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from symprop.codegen.case import Case
from symprop.columns import columns_of
from symprop.data import Table, read_table
from symprop.eigenvalues import Product, Vector, largest, trace, whole
from symprop.errors import DataError, SpecError, listed, shown
from symprop.evaluation import Array, Features
from symprop.files import Source
from symprop.hints import closest
from symprop.networks import Network
from symprop.prepared import check_fit, targets_of
from symprop.saved import NUMBERS, Model, target_kind

MATRICES = {
    "hessian": ("Hessian", "hvp"),
    "gauss-newton": ("Gauss-Newton matrix", "gnvp"),
    "fisher": ("Fisher matrix", "fisher_vp"),
    "empirical-fisher": ("empirical Fisher matrix", "empirical_fisher_vp"),
}
"""The matrices by what they are typed as: what they are called, and the function of a module that multiplies them."""
WHOLE = 1000
"""Up to so many parameters the matrix is made, and all its eigenvalues are found."""
MOST_DRAWS = 100_000
"""So many random vectors the trace takes at most: its error falls with their root."""


@dataclass(frozen=True)
class Spectrum:
    """The eigenvalues of a matrix of curvature of `size` parameters on so many `examples`, and what follows from them.

    `largest` are those of the largest absolute values, each within its one of `bounds` of an eigenvalue; `every` are
    all of them, where the matrix is small enough, else none. `trace` is an estimate, with its standard error.
    """

    matrix: str
    size: int
    examples: int
    largest: tuple[float, ...]
    bounds: tuple[float, ...]
    trace: float
    trace_error: float
    every: tuple[float, ...] = ()

    @property
    def rank(self) -> int | None:
        """How many eigenvalues are not 0 but for rounding; None where not all are known."""
        return len(self._curved) if self.every else None

    @property
    def negative(self) -> int | None:
        """How many are negative by more than rounding; None where not all are known."""
        return sum(each < 0 for each in self._curved) if self.every else None

    @property
    def condition(self) -> float | None:
        """The largest absolute eigenvalue over the smallest that is not 0; None where these are not all known."""
        sizes = [abs(each) for each in self._curved]
        return max(sizes) / min(sizes) if sizes else None

    @property
    def rounding(self) -> float:
        """How far an eigenvalue may be from 0 by rounding alone."""
        return float(self.size * np.finfo(np.float64).eps * max(map(abs, self.largest), default=0.0))

    @property
    def _curved(self) -> list[float]:
        """The eigenvalues that are not 0 but for rounding."""
        return [each for each in self.every if abs(each) > self.rounding]


def spectrum(
    model: Model,
    features: Features,
    targets: Array,
    matrix: str = "hessian",
    top: int = 5,
    draws: int = 100,
    seed: int = 0,
) -> Spectrum:
    """Return the spectrum of a matrix of curvature of the mean loss, at the weights of a model.

    `features` and `targets` are as the model's module takes them.

    Raises:
        SpecError: an unknown matrix, a number out of its range, or a network whose loss is drawn anew by dropout; or
            the network has no such matrix.
    """
    if matrix not in MATRICES:
        raise SpecError(f"unknown matrix {shown(matrix)}{closest(matrix, MATRICES)}\nallowed: {', '.join(MATRICES)}")
    if draws > MOST_DRAWS:
        raise SpecError(f"draws is at most {MOST_DRAWS:,}, not {draws:,}: each takes a product with the matrix")
    for name, value, least in (("top", top, 1), ("draws", draws, 2), ("seed", seed, 0)):
        if value < least:
            raise SpecError(f"{name} is at least {least}, not {value}")
    if model.network.system().masks:
        raise SpecError("dropout draws the loss anew each time, which has no one curvature\nallowed: no Dropout")
    product, size = product_of(model, features, targets, MATRICES[matrix][1])
    generator = np.random.default_rng(seed)
    every: Vector = whole(product, size) if size <= WHOLE else np.empty(0)
    if len(every):
        values = every[np.argsort(-np.abs(every), kind="stable")][:top]
        bounds = np.zeros(len(values))
    else:
        found = largest(product, size, top, generator)
        values, bounds = found.values, found.bounds
    estimate, error = trace(product, size, draws, generator)
    first, near, known = (tuple(map(float, each)) for each in (values, bounds, every))
    return Spectrum(matrix, size, len(targets), first, near, estimate, error, known)


def product_of(model: Model, features: Features, targets: Array, question: str) -> tuple[Product, int]:
    """Return what multiplies a matrix of curvature with vectors of all parameters in a row, and how long these are."""
    multiply = vars(Case(model.network, target="fast", question=question).module)[question]
    params = {name: value.astype(np.float64) for name, value in model.params.items()}
    ends = np.cumsum([value.size for value in params.values()])

    def product(vector: Vector) -> Vector:
        parts = np.split(vector, ends[:-1])
        along = {name: part.reshape(params[name].shape) for name, part in zip(params, parts, strict=True)}
        found = multiply(params, features, targets, along)
        return np.concatenate([np.ravel(found[name]) for name in params])

    return product, int(ends[-1])


def model_on(
    network: Network | Model, data: Source, target: str | None, seed: int = 0
) -> tuple[Model, Features, Array]:
    """Return weights, and the features and targets of a CSV file as their module takes them.

    Of a network the weights are those that training starts from, and the features are scaled by this table; weights
    that training saved know their scaling, their columns and classes, and their `target`.

    Raises:
        SympropError: the file cannot be read, or it and the network do not fit.
    """
    net = network.network if isinstance(network, Model) else network
    if target is None:
        target = str(network.notes.get("target", "")) if isinstance(network, Model) else ""
    if not target:
        raise SpecError("which column of the data is the target?\nallowed: --target COLUMN, or weights that know it")
    kind = target_kind(net)
    table = read_table(data, target, classification=kind != NUMBERS)
    if isinstance(network, Model) and network.features:
        table = _as_trained(network, table)
    check_fit(net, table, kind)
    if isinstance(network, Model):
        model = replace(network, params={name: value.astype(np.float64) for name, value in network.params.items()})
    else:
        scale = columns_of(net, table.names).fit_scaling(table.features, "standard")
        scaling = {"kind": scale.kind, "offset": scale.offset.tolist(), "scale": scale.scale.tolist()}
        notes = {"features": list(table.names), "classes": list(table.classes), "scaling": scaling}
        model = Model(net, Case(net, target="fast").module.init_params(seed=seed), notes)
    return model, model.scaled(table.features), targets_of(table, kind, np.float64)


def _as_trained(model: Model, table: Table) -> Table:
    """Return a table with the columns of a training in their order, and the numbers of its classes."""
    for name in model.features:
        if name not in table.names:
            raise DataError(
                f"the data has no column {shown(name)}, which the weights read\nit has {listed(table.names)}"
            )
    features = table.features[:, [table.names.index(name) for name in model.features]]
    if not model.classes:
        return Table(features, table.target, model.features, table.classes)
    for label in table.classes:
        if label not in model.classes:
            raise DataError(f"the data has a class {shown(label)}, the weights know {listed(model.classes)}")
    ids = np.array([model.classes.index(label) for label in table.classes], dtype=np.int64)
    return Table(features, ids[table.target], model.features, model.classes)


def described(found: Spectrum, where: str, scaled: bool = False) -> str:
    """Return a spectrum in words; `where` says at which weights, `scaled` that the table itself scales its features."""
    lines = [f"{MATRICES[found.matrix][0]} of the mean loss {where}: {_count(found.size, 'parameter')}, "]
    lines[0] += _count(found.examples, "example")
    if scaled:
        lines.append("  features             each scaled to mean 0 and deviation 1 over this table, as training does")
    shown_ones = [each if abs(each) > found.rounding else 0.0 for each in found.largest]
    by_size = " (by absolute value)" if min(shown_ones) < 0 else ""
    lines.append(f"  largest eigenvalues  {', '.join(f'{each:.6g}' for each in shown_ones)}{by_size}")
    if not found.every:
        lines.append(f"                       each within {max(*found.bounds, found.rounding):.1g} of an eigenvalue")
    exact = f"; exactly {sum(found.every):.6g}" if found.every else ""
    lines.append(f"  trace                {found.trace:.6g} ± {found.trace_error:.2g} (Hutchinson){exact}")
    if not found.every:
        lines.append(f"  condition            not known: it takes all eigenvalues, found up to {WHOLE:,} parameters")
        return "\n".join(lines)
    rank = f"rank {found.rank} of {found.size}"
    lines.append(f"  condition            {_condition(found)} ({rank}; without the zeros)")
    if found.negative:
        lines.append(f"  negative             {found.negative} eigenvalues, the least {min(found.every):.4g}")
    return "\n".join(lines)


def _condition(found: Spectrum) -> str:
    return "none, all are 0" if found.condition is None else f"{found.condition:.2g}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
