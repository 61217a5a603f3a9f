"""The weights of a network that was read: whose they are, by the names that the formulas have, and which are one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from symprop.algebra.nodes import Variable
from symprop.errors import SpecError, shown
from symprop.importing.carried import Carried
from symprop.importing.imported import Imported
from symprop.importing.repeats import repeated
from symprop.importing.structure import Emitted
from symprop.importing.views import Seen
from symprop.networks.activations import Identity
from symprop.networks.blocks import Chain
from symprop.networks.convolution import Convolution
from symprop.networks.layers import Dense, Layer
from symprop.networks.network import Network
from symprop.networks.norms import BatchNorm
from symprop.networks.parts import Built

Array = np.ndarray[Any, np.dtype[Any]]
ONES = ("gamma", "V")
"""Letters of what is 1 where a model leaves it out; all else is 0 then."""


def imported(layers: Sequence[Layer], leaves: Sequence[Emitted], inputs: Sequence[Seen], output: Seen) -> Imported:
    """Return the network of layers with the weights of those that were written.

    Raises:
        SpecError: layers that do not fit, or weights that several layers share and the language cannot.
    """
    network = Network(tuple(layers))
    origins = _origins(network, leaves)
    ties = _ties(network, leaves, origins)
    if ties:
        network = Network(tuple(_tied(layer, ties) for layer in layers))
    states = [state.variable for state in network.system("example").states]
    parameters = [each.variable for each in network.parameters]
    dtype = next((each.array.dtype for each in origins.values()), np.dtype(np.float64))
    running = {each.name: _array(origins, each, dtype) for each in states}
    weights = {each.name: _array(origins, each, dtype) for each in parameters}
    kept = {name: origins[name] for name in weights if name in origins}
    return Imported(_shortened(network), weights=weights, running=running, origins=kept, seen=(tuple(inputs), output))


def _shortened(network: Network) -> tuple[Layer, ...]:
    """The layers with equal blocks written once, where that is the same network: its parameters have the same names."""
    layers = repeated(network.layers)
    if layers == network.layers:
        return layers
    names = [[(each.name, each.variable.shape) for each in one.parameters] for one in (network, Network(layers))]
    return layers if names[0] == names[1] else network.layers


def _array(origins: dict[str, Carried], variable: Variable, dtype: np.dtype[Any]) -> Array:
    origin = origins.get(variable.name)
    shape = tuple(int(size) for size in variable.shape)
    if origin is None:
        return np.full(shape, 1 if variable.letter in ONES else 0, dtype)
    return origin.array.astype(dtype, copy=False).reshape(shape)


def _written(network: Network, leaves: Sequence[Emitted]) -> list[tuple[Built, Emitted]]:
    """What each layer that was written became, in the order in which a network builds them."""
    built = [each for each in network.built if not each.layer.rows and not isinstance(each.layer, Identity)]
    return list(zip(built, leaves, strict=True))


def _origins(network: Network, leaves: Sequence[Emitted]) -> dict[str, Carried]:
    """The weight of the model that each parameter and running statistic is."""
    found: dict[str, Carried] = {}
    states = iter(network.system("example").states)
    for built, (layer, value) in _written(network, leaves):
        for parameter in built.parameters:
            if parameter.variable.letter in value.weights:
                found[parameter.name] = value.weights[parameter.variable.letter]
        for letter in ("R", "V") if isinstance(layer, BatchNorm) else ():
            name = next(states).variable.name
            if letter in value.weights:
                found[name] = value.weights[letter]
    return found


def _ties(network: Network, leaves: Sequence[Emitted], origins: dict[str, Carried]) -> dict[int, str]:
    """What layers with the weight of an earlier one are tied to, by the identity of the layer.

    Raises:
        SpecError: a shared weight that is no whole matrix, or a shared bias or norm.
    """
    ties: dict[int, str] = {}
    uses = Counter(each.name for each in origins.values())
    earlier: dict[str, list[tuple[str, Array]]] = {}
    taken: dict[str, Array] = {}  # which numbers of a parameter have a place
    for built, (layer, _) in _written(network, leaves):
        for parameter in built.parameters:
            origin = origins.get(parameter.name)
            if origin is None or not origin.name or uses[origin.name] == 1:
                continue
            places = origin.places
            mask = taken.setdefault(origin.name, np.zeros(math.prod(origin.tensor.shape), np.bool_))
            if mask[places].any():
                tied = isinstance(layer, Dense | Convolution) and parameter.variable.letter == "W"
                known = earlier[origin.name]
                tie = next((tie for name, first in known if tied and (tie := _tie(name, first, places))), "")
                if not tie:
                    raise SpecError(
                        f"{shown(origin.name)} is used by several layers, as {known[0][0]} and as {parameter.name}\n"
                        "allowed: to share the weight of a Linear or a convolution, or an embedding, without its bias"
                    )
                ties[id(layer)] = tie
                continue
            mask[places] = True
            earlier.setdefault(origin.name, []).append((parameter.name, places))
    return ties


def _tie(name: str, first: Array, second: Array) -> str:
    """The tie to a weight whose numbers stand at the first places, of one that has them at the second, or none."""
    if name[0] not in "WE":
        return ""
    if np.array_equal(first, second):
        return name
    return f"{name}.T" if first.ndim > 1 and np.array_equal(np.swapaxes(first, 0, -1), second) else ""


def _tied(layer: Layer, ties: dict[int, str]) -> Layer:
    """The layer with those inside it tied."""
    if id(layer) in ties:
        return replace(layer, tied=ties[id(layer)])  # type: ignore[call-arg]
    if not layer.rows:
        return layer
    return layer.with_rows([Chain(tuple(_tied(each, ties) for each in row.layers)) for row in layer.rows])
