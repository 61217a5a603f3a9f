"""A network: layers in a row from an input, and the system of equations that they stand for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from symprop.algebra.equations import System
from symprop.algebra.nodes import Variable
from symprop.errors import SpecError, shown
from symprop.networks.blocks import Chain
from symprop.networks.builder import Builder, Parameter
from symprop.networks.layers import Input, Layer

LAYOUTS = ("example", "rows", "columns")


class _Progress:
    """A builder and how many layers of a network it has taken in. A longer network takes it over from a shorter one."""

    def __init__(self, builder: Builder, value: Variable) -> None:
        self.builder, self.value, self.position = builder, value, 1


@dataclass(frozen=True)
class Network:
    """Layers in a row, the first an `Input`; a loss, if any, is the last.

    >>> from symprop.networks import Dense, MeanSquaredError, Tanh
    >>> network = Input(3) >> Dense(2) >> Tanh() >> MeanSquaredError()
    >>> [equation.name for equation in network.system().equations]
    ['z1', 'a1', 'L']

    Raises:
        SpecError: layers that do not fit; both are named, with both numbers.
        LimitError: too many layers or parameters.
    """

    layers: tuple[Layer, ...]
    _progress: list[_Progress] = field(default_factory=list, repr=False, compare=False)
    _systems: dict[str, System] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.layers or not isinstance(self.layers[0], Input):
            first = self.layers[0].text if self.layers else ""
            raise SpecError(f"a network starts with an Input, such as Input(64), not with {shown(first)}")
        self._built()

    def __rshift__(self, other: Layer | Chain) -> Network:
        return joined(self, other)  # type: ignore[return-value]

    @property
    def text(self) -> str:
        """The network in canonical notation, which reads back."""
        return " >> ".join(layer.text for layer in self.layers)

    def __str__(self) -> str:
        return self.text

    def _built(self) -> Builder:
        """The builder after exactly the layers of this network."""
        progress = self._progress[0] if self._progress else None
        if progress is None or not 0 < progress.position <= len(self.layers):
            builder = Builder()
            progress = _Progress(builder, self.layers[0].start(builder))  # type: ignore[attr-defined]
            self._progress[:] = [progress]
        position, progress.position = progress.position, 0  # not to be used by others if a layer refuses
        for layer in self.layers[position:]:
            if progress.builder.loss is not None:
                last = progress.builder.previous
                raise SpecError(f"{shown(layer.text)} stands after the loss {shown(last)}; a loss is the last layer")
            progress.value = progress.builder.add(layer, progress.value)
        progress.position = len(self.layers)
        return progress.builder

    def system(self, layout: str = "example") -> System:
        """Return the equations of the network: of one example, or of a batch in "rows" or "columns"."""
        if layout not in LAYOUTS:
            raise SpecError(f"unknown layout {shown(layout)}\nallowed: {', '.join(LAYOUTS)}")
        if layout not in self._systems:
            self._systems[layout] = self._example() if layout == "example" else self._batched(layout)
        return self._systems[layout]

    def _example(self) -> System:
        builder = self._built()
        output = builder.output or self._progress[0].value
        return System(
            tuple(builder.items),
            tuple(builder.inputs),
            tuple(builder.targets),
            tuple(parameter.variable for parameter in builder.parameters),
            output,
            builder.loss,
            builder.prediction,
        )

    def _batched(self, layout: str) -> System:
        from symprop.algebra.batching import batched_system

        return batched_system(self.system("example"), layout)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters with how they start, in the order in which their layers appear."""
        return tuple(self._built().parameters)


def joined(left: Any, right: Any) -> Chain | Network:
    """Return `left >> right`: a network where an Input stands first, else a block."""
    for part in (left, right):
        if not isinstance(part, (Layer, Chain, Network)):
            raise SpecError(f"layers are joined by >>; {shown(part)} is no layer")
    if isinstance(right, Network):
        raise SpecError(f"{shown(right.layers[0].text)} stands after another layer; a network has one Input, the first layer")
    layers = (*_layers(left), *_layers(right))
    if isinstance(left, Network):
        return Network(layers, list(left._progress))
    return Network(layers) if isinstance(layers[0], Input) else Chain(layers)


def _layers(part: Layer | Chain | Network) -> tuple[Layer, ...]:
    return (part,) if isinstance(part, Layer) else part.layers
