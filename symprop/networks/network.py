"""A network: layers in a row from an input, and the system of equations that they stand for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sympy import Expr

from symprop.algebra.batching import batched_system
from symprop.algebra.equations import Item, System, equations_in
from symprop.algebra.functions import ElementwiseFunction
from symprop.algebra.names import adjoint_of
from symprop.algebra.nodes import Variable
from symprop.algebra.numbered_sizes import sizes_given
from symprop.errors import SpecError, shown, warned
from symprop.hints import closest
from symprop.keywords import public
from symprop.networks.blocks import Chain, Repeat, symbolic_repeats, unrolled, varies
from symprop.networks.books import Books
from symprop.networks.builder import Builder
from symprop.networks.further_inputs import masks_of, read_windows
from symprop.networks.joining import JOIN, Row
from symprop.networks.layers import Input, Layer
from symprop.networks.likelihoods import Likelihood
from symprop.networks.needs import Needs, needs_of
from symprop.networks.parts import LEARNED, Built, Parameter
from symprop.networks.sizes import LOOP_SYMBOLS, NUMBERED, Size, checked_size, named_as_an_index

LAYOUTS = ("example", "rows", "columns")


class _Progress:
    """A builder and the layers of a network that it has taken in. A longer network takes it over from a shorter one."""

    def __init__(self, builder: Builder, value: Variable, first: Layer) -> None:
        self.builder, self.value, self.position = builder, value, 1
        self.taken: tuple[Layer, ...] = (first,)


@public
@dataclass(frozen=True, repr=False)
class Network(Row):
    """Layers in a row, the first an `Input`; a loss, if any, is the last.

    >>> from symprop import Dense, MeanSquaredError, Tanh
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

    @property
    def text(self) -> str:
        """The network in canonical notation, which reads back."""
        return " >> ".join(layer.text for layer in self.layers)

    def __repr__(self) -> str:
        return self.text  # and so str(network) too

    def _built(self) -> Builder:
        """The builder after exactly the layers of this network."""
        progress = next(iter(self._progress), None)
        known = masks_of(self.layers), read_windows(self.layers), self.sizes, bool(symbolic_repeats(self.layers))
        if progress is not None and symbolic_repeats(self.layers[progress.position :]):
            progress = None  # what a size's name means may have changed from the first layer on
        if progress is not None and known != progress.builder.books.known:
            progress = None  # and what an input is
        if progress is not None and progress.taken != self.layers[: progress.position]:
            progress = None  # it went on with other layers: two networks go on from one
        if progress is None or not 1 < progress.position <= len(self.layers):  # what the second layer reads may be ids
            builder = Builder(Books(self._stems(), *known))
            start = self.layers[0].start(builder, self.layers[1:2])  # type: ignore[attr-defined]
            progress = _Progress(builder, start, self.layers[0])
            self._progress[:] = [progress]
        position, progress.position = progress.position, 0  # not to be used by others if a layer refuses
        for layer in self.layers[position:]:
            if progress.builder.books.loss is not None:
                last = progress.builder.books.previous
                raise SpecError(f"{shown(layer.text)} stands after the loss {shown(last)}; a loss is the last layer")
            progress.value = progress.builder.add(layer, progress.value)
        if position < len(self.layers):
            self._check_names(progress.builder.books, progress.builder.items)
        if progress.builder.books.loops:
            self._check_index_names(progress.builder.books)
        progress.position, progress.taken = len(self.layers), self.layers
        return progress.builder

    def _stems(self) -> frozenset[str]:
        """The names of sizes that vary from block to block: `n` where a symbolic Repeat has `n_l`."""
        found = []
        for repeat, index in zip(symbolic_repeats(self.layers), LOOP_SYMBOLS, strict=False):
            found += [str(size).rpartition("_")[0] for size in repeat.sizes if varies(size, index)]
        return frozenset(found)

    def _check_index_names(self, books: Books) -> None:
        """Raise where a number or a letter is called as an index, or a number as a letter: `W` beside `W[l]`."""
        indices = dict.fromkeys((symbol.name for symbol in LOOP_SYMBOLS[: books.loops]), "the index")
        letters = dict.fromkeys((*NUMBERED, *(each.variable.letter for each in books.parameters)), "a parameter")
        numbers = [(name, "size") for name in self.sizes] + [(n.name, "hyperparameter") for n in books.hyperparameters]
        for name, what, taken in (
            *((name, what, {**indices, **letters}) for name, what in numbers),
            *((letter, "learned parameter", indices) for letter in letters),
        ):
            if name in taken:
                raise SpecError(named_as_an_index(what, name, taken[name]))

    def _check_names(self, books: Books, items: list[Item]) -> None:
        """Raise where an input, a hyperparameter or a learned parameter has the name of something else."""
        inputs = [each.name for each in books.inputs]
        numbers = [each.name for each in books.hyperparameters]
        learned = [each.variable for each in books.parameters if each.kind == LEARNED]
        if inputs == ["x"] and not numbers and not learned:
            return
        parts = [*(equation.target for equation in equations_in(items)), *books.targets]
        parts += [parameter.variable for parameter in books.parameters if parameter.kind != LEARNED]
        parts += [mask.variable for mask in books.masks]
        taken = {each.name: "a variable of the network" for part in parts for each in (part, adjoint_of(part))}
        taken |= dict.fromkeys((adjoint_of(each).name for each in learned), "a gradient")
        taken |= dict.fromkeys(books.data, "known data") | dict.fromkeys(self.sizes, "a size")
        taken |= dict.fromkeys(books.functions, "an activation")
        for what, names, allowed in (
            ("learned parameter", [each.name for each in learned], "another name"),
            ("hyperparameter", numbers, "another name"),
            ("input", inputs, 'another name, such as name="memory"'),
        ):
            for name in names:
                if name in taken:
                    raise SpecError(f"the {what} {shown(name)} has the name of {taken[name]}\nallowed: {allowed}")
            taken |= dict.fromkeys(names, f"a {what}")

    def system(self, layout: str = "example") -> System:
        """Return the equations of the network: of one example, or of a batch in "rows" or "columns".

        Where layers take means over the examples of a batch, "example" is what they wrote, with `BatchMean` in it: all
        but these has a meaning for one example.
        """
        if layout not in LAYOUTS:
            raise SpecError(f"unknown layout {shown(layout)}\nallowed: {', '.join(LAYOUTS)}")
        if layout not in self._systems:
            example = self._example() if layout == "example" else self.system("example")
            self._systems[layout] = example if layout == "example" else batched_system(example, layout)
        return self._systems[layout]

    def _example(self) -> System:
        builder = self._built()
        output = builder.books.output or self._progress[0].value
        return System(
            tuple(builder.items),
            tuple(builder.books.inputs),
            tuple(builder.books.targets),
            tuple(parameter.variable for parameter in builder.books.parameters),
            output,
            builder.books.loss,
            builder.books.prediction,
            states=tuple(builder.books.states),
            masks=tuple(builder.books.masks),
        )

    @property
    def layouts(self) -> tuple[str, ...]:
        """The layouts in which the network has a meaning, its own first: for one example, unless it joins examples."""
        return LAYOUTS[1:] if self.system("example").joins_examples else LAYOUTS

    @property
    def inputs(self) -> tuple[Variable, ...]:
        """What the network reads for each example: its first input, then further ones in order of appearance."""
        return tuple(self._built().books.inputs)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters with how they start, in the order in which their layers appear."""
        return tuple(self._built().books.parameters)

    @property
    def built(self) -> tuple[Built, ...]:
        """What each layer added, in order: a block comes after the layers inside it."""
        return tuple(self._built().books.built)

    @property
    def likelihood(self) -> Likelihood:
        """The distribution of the targets of which the loss is the negative logarithm, where one is known."""
        output = self._built().books.output
        return Likelihood() if output is None else self.layers[-1].likelihood(output, self.counted)

    @property
    def counted(self) -> Variable | None:
        """What the loss of a batch is divided by, where it is not the number of examples: all that counts."""
        return self._built().books.counted

    @property
    def doubts(self) -> tuple[str, ...]:
        """What is probably not meant, each in a sentence: `>>` and `parse_network` warn of it."""
        return tuple(self._built().books.doubts)

    @property
    def notes(self) -> dict[Any, tuple[Any, ...]]:
        """What pages say of known data, of sizes, and of the letters that tell places along an axis."""
        return self._built().books.notes

    @property
    def functions(self) -> dict[str, ElementwiseFunction]:
        """The elementwise functions of the activations, by name."""
        return dict(self._built().books.functions)

    @property
    def sizes(self) -> tuple[str, ...]:
        """The names of sizes and counts that have no number, in order of appearance."""
        return tuple(dict.fromkeys(_names(self.layers)))

    def with_sizes(self, sizes: Mapping[str, Any]) -> Network:
        """Return the network with numbers (or other names) for named sizes and counts.

        >>> from symprop import Dense
        >>> (Input("n0") >> Dense("n1")).with_sizes({"n0": 64, "n1": 32}).text
        'Input(64) >> Dense(32)'

        Where sizes vary from block to block (`n_l`), a number for the count makes them `n_1`, `n_2`, ...

        Raises:
            SpecError: a name that the network does not have, or no size for it.
        """
        change: dict[Size, Size] = {
            name: checked_size(size, f"size {shown(name)}", is_count=True)  # layers ask again: only counts are `L`
            for name, size in sizes_given(sizes).items()
            if isinstance(name, str)
        }
        layers = unrolled(self.layers, change, iter(LOOP_SYMBOLS))
        counts = {count for repeat in symbolic_repeats(self.layers) if isinstance(count := repeat.count, str)}
        for stem in sorted(self._stems()):
            ends: dict[Size, Size] = {
                f"{stem}_{count}": f"{stem}_{change[count]}" for count in sorted(counts) if count in change
            }
            layers = tuple(layer.with_sizes(ends) for layer in layers)
        known = {*self.sizes, *_names(layers)}
        for name in sizes:
            if name not in known:
                listed = ", ".join(sorted(known)) or "no names: all sizes are numbers"
                raise SpecError(
                    f"the network has no size {shown(name)}{closest(str(name), sorted(known))}\nit has {listed}"
                )
        return Network(tuple(layer.with_sizes(change) for layer in layers))

    @property
    def needs(self) -> Needs:
        """What its layers need of the sizes of the network, all of which are numbers.

        >>> from symprop import Dense, Loss
        >>> (Input(4) >> Dense(6) >> Loss("sum((a - ones(6))**2)")).needs.staying
        (6,)
        """
        return needs_of((size for layer in self.layers for size in layer.sizes), self.built)

    def longer(self, layers: tuple[Layer, ...]) -> Network:
        """Return the network with layers behind its own; all are given."""
        return Network(layers, list(self._progress))

    def resized(self, sizes: Mapping[int, Size]) -> Network:
        """Return the network with other numbers or names for sizes, each by its value; counts of `Repeat` stay.

        >>> from symprop import Dense
        >>> (Input(64) >> Dense(32) >> Dense(64)).resized({64: 5, 32: 3}).text
        'Input(5) >> Dense(3) >> Dense(5)'
        """
        change: dict[Size, Size] = {old: checked_size(new, f"size {old}") for old, new in sizes.items()}
        return Network(tuple(layer.with_sizes(change) for layer in self.layers))


def _names(layers: tuple[Layer, ...]) -> Iterator[str]:
    """The names of sizes and counts, in order of appearance."""
    for layer in layers:
        for size in layer.own_sizes:
            if isinstance(size, str):
                yield size
            elif isinstance(size, Expr):
                yield from sorted(str(symbol) for symbol in size.free_symbols)
        yield from _names(layer.inner)
        if isinstance(layer, Repeat) and isinstance(layer.count, str):
            yield layer.count


def joined(left: Layer | Chain | Network, right: Any) -> Chain | Network:
    """Return `left >> right`: a network where an Input stands first, else a block.

    Raises:
        SpecError: not layers, or an Input that is not the first.
    """
    for part in (left, right):
        if not isinstance(part, (Layer, Chain, Network)):
            told = f"type {part.__name__}(...)" if isinstance(part, type) else f"{shown(part)} is no layer"
            raise SpecError(f"layers are joined by >>; {told}")
    if isinstance(right, Network):
        raise SpecError(
            f"{shown(right.layers[0].text)} stands after another layer; a network has one Input, the first layer"
        )
    layers = tuple(layer for part in (left, right) for layer in (part.layers if isinstance(part, Row) else (part,)))
    if not isinstance(layers[0], Input):
        return Chain(layers)
    network = left.longer(layers) if isinstance(left, Network) else Network(layers)
    warned(network.doubts)
    return network


JOIN.append(joined)
