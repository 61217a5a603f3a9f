"""Weights that training saved, ready for use: loaded with their network, their scaling and the names of their classes.

The file holds the network's text and how the features were scaled, so that it is all that a prediction needs:

    model = symprop.load_weights("w.npz")
    model.predict(x)  # x as in the CSV file, not scaled
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import Any, TypeGuard

import numpy as np

from symprop.algebra.printable import Listed
from symprop.codegen import compile_network
from symprop.columns import Columns, columns_of
from symprop.data import SCALINGS, Scaling
from symprop.errors import DataError, SpecError, shown
from symprop.evaluation import Features
from symprop.files import Source
from symprop.history import History, history_of
from symprop.networks import Network
from symprop.networks.spec import as_network
from symprop.notation.blocks import Bullets, Typed
from symprop.notation.notebook_blocks import html
from symprop.notation.notebooks import grid
from symprop.notation.words import Code
from symprop.weights import UNFINISHED, load_notes
from symprop.weights import load_weights as checked_weights

Array = np.ndarray[Any, np.dtype[Any]]
CLASSES, BINARY, SIGNS, NUMBERS = "classes", "binary", "signs", "numbers"
THRESHOLDS = {BINARY: 0.5, SIGNS: 0.0}
"""Above which one output says the second of two classes: half a probability, or a margin of 0."""
_LARGEST = 1e300  # of the numbers in the notes; a comparison, unlike a conversion, takes whole numbers of any length


@dataclass(frozen=True, eq=False)
class Model(Listed):
    """A trained network: its parameters, and the notes that were saved with them.

    `params` go with `module` (`module.forward(params, scaled)`); `scaled` prepares features for it; `notes` is what
    the file says: network, target, features, classes and scaling. `running` are the statistics of a network that
    has some.

    >>> net = "Input(2) >> Dense(1) >> MeanSquaredError()"
    >>> model = Model(as_network(net), {"W1": np.array([[1.0, 2.0]]), "b1": np.array([0.5])}, {})
    >>> model.predict([[1.0, 1.0]])
    array([3.5])
    """

    network: Network
    params: dict[str, Array]
    notes: dict[str, Any]
    running: dict[str, Array] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels of the classes as the data had them, by id; none where numbers are predicted."""
        return tuple(_texts(self.notes, "classes"))

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the columns that the network takes, in their order."""
        return tuple(_texts(self.notes, "features"))

    @property
    def history(self) -> History | None:
        """How the weights were trained, where the file says it: optimiser, options, and the loss of each epoch."""
        return history_of(self.notes)

    @cached_property
    def module(self) -> ModuleType:
        """The generated module of the network, in the precision of the weights."""
        single = all(value.dtype == np.float32 for value in self.params.values())
        return compile_network(self.network, dtype="float32" if single else "float64")

    @cached_property
    def scaling(self) -> Scaling:
        """How the features were scaled in training; not at all where the file does not say."""
        width = self._columns.count
        saved = self.notes.get("scaling", {"kind": "none", "offset": [0.0] * width, "scale": [1.0] * width})
        kind, offset, scale = (saved.get(n) if isinstance(saved, dict) else None for n in ("kind", "offset", "scale"))
        if kind not in SCALINGS or not _are_numbers(offset, width) or not _are_numbers(scale, width) or 0 in scale:
            raise DataError(f"the notes on the scaling cannot be used: {shown(saved)}")
        return Scaling(str(kind), np.array(offset, dtype=np.float64), np.array(scale, dtype=np.float64))

    def _repr_html_(self) -> str:
        """Return what was trained on what, and the arrays, for a notebook."""
        arrays = [((name,), (str(value.shape),), (str(value.dtype),)) for name, value in self.params.items()]
        known = [("target", str(self.notes.get("target", "")))]
        known += [("classes", ", ".join(self.classes)), ("features", ", ".join(self.features))]
        known.append(("scaling of the features", self.scaling.kind))
        said = tuple((f"{what}: ", Code(shown(text, 200))) for what, text in known if text)
        return html([Typed(self.network.text), grid(("array", "shape", "type"), arrays), Bullets(said)])

    @cached_property
    def _columns(self) -> Columns:
        return columns_of(self.network, self.features)

    def scaled(self, features: Any) -> Features:
        """Return features as `module.forward` takes them: rows as in the data, or arrays as the network takes them.

        A network of several inputs takes rows of all their columns, or a dict of arrays by the inputs' names.

        Raises:
            DataError: not as many finite numbers for an example as the network takes, or no ids where it takes ids.
        """
        rows = self._columns.rows(features)
        if not np.isfinite(rows).all():
            place = tuple(int(index) for index in np.argwhere(~np.isfinite(rows))[0])
            raise DataError(f"the feature at index {place} is {rows[place]}, not a finite number")
        self._columns.check_ids(rows, self.features)
        dtype = next(iter(self.params.values())).dtype
        with np.errstate(over="ignore", invalid="ignore"):  # told below, in words
            ready = self.scaling(rows)
            if not np.isfinite(ready.astype(dtype)).all():
                raise DataError(f"features too large to be scaled: they leave {dtype}")
        return self._columns.arrays(ready, dtype)

    def predict(self, features: Any) -> Array:
        """Return what the network predicts for each row of unscaled features: a class's label, or a number.

        Raises:
            DataError: as `scaled`.
        """
        kind = target_kind(self.network)
        given = (self.params, self.scaled(features), *([self.running] if self.running else []))
        outputs: Array = vars(self.module).get("predict", self.module.forward)(*given)
        if kind == NUMBERS or not self.classes:
            return outputs[..., 0] if outputs.shape[-1] == 1 else outputs
        ids = np.argmax(outputs, axis=-1) if kind == CLASSES else (outputs[..., 0] > THRESHOLDS[kind]).astype(np.int64)
        labels = np.array([*self.classes, *map(str, range(len(self.classes), int(ids.max(initial=0)) + 1))])
        chosen: Array = labels[ids]
        return chosen


def load_weights(path: Source, network: Network | str | None = None) -> Model:
    """Load weights that `symprop train` saved, without pickle, with all that is needed to predict.

    The network is the one that the file names, or `network`, for a file that names none.

    >>> import io
    >>> from symprop.weights import save_weights
    >>> file = io.BytesIO()  # or the path of a file
    >>> save_weights(file, {"W1": np.ones((1, 2)), "b1": np.zeros(1)})
    >>> load_weights(file, "Input(2) >> Dense(1) >> MeanSquaredError()").predict([[1.0, 2.0]])
    array([3.])

    Raises:
        OutputError: the file cannot be read.
        SpecError: no network, or one with names for sizes.
        DataError: no `.npz` of weights; or missing, extra, misshapen or not finite ones.
        LimitError: larger than such weights can be.
    """
    notes = load_notes(path)
    if network is None and not isinstance(notes.get("network"), str):
        raise DataError(
            f"{shown(path, 200)} does not say which network its weights are of\nallowed: load_weights(path, network)"
        )
    net = as_network(notes["network"] if network is None else network)
    if net.sizes:
        raise SpecError(f"weights have numbers for sizes; {shown(net.sizes[0])} is a name\nallowed: network.with_sizes")
    shapes = {each.name: tuple(int(size) for size in each.variable.shape) for each in net.parameters}
    if not shapes:
        raise SpecError(f"{shown(net.text)} has no weights")
    states = [state.variable for state in net.system().states]
    shapes |= {variable.name: tuple(int(size) for size in variable.shape) for variable in states}
    found = checked_weights(path, shapes, unfinished=UNFINISHED in notes).params
    running = {variable.name: found.pop(variable.name) for variable in states}
    model = Model(net, found, notes, running)
    try:
        _ = model._columns
    except DataError as problem:
        count = len(model.features)
        raise DataError(f"{shown(path, 200)}: the notes name {count} features, which do not fit: {problem}") from None
    _ = model.scaling, model.classes, model.history  # each is checked when it is asked for
    return model


def target_kind(network: Network) -> str:
    """Return what the network's loss takes: "classes" (ids), "binary" (0 or 1), "signs" (-1 or 1) or "numbers".

    Raises:
        SpecError: the network has no loss.
    """
    targets = network.system("rows").targets
    if not targets:
        raise SpecError(
            "a network without a loss cannot be trained\nallowed: a last layer such as SoftmaxCrossEntropy()"
        )
    facts = targets[0].facts_by_kind
    kinds = {"sums to 1": CLASSES, "index": CLASSES, "between 0 and 1": BINARY, "signs": SIGNS}
    return next((kind for fact, kind in kinds.items() if fact in facts), NUMBERS)


def _texts(notes: Mapping[str, Any], name: str) -> list[str]:
    found = notes.get(name, [])
    if not isinstance(found, list) or not all(isinstance(text, str) for text in found):
        raise DataError(f"the notes on the {name} cannot be used: {shown(found)}")
    return found


def _are_numbers(values: Any, count: int) -> TypeGuard[list[float]]:
    """Whether `values` is a list of `count` finite numbers."""
    return (
        isinstance(values, list)
        and len(values) == count
        and all(isinstance(value, (int, float)) and -_LARGEST < value < _LARGEST for value in values)
    )
