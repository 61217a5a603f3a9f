"""One case: a network in a layout and for a target, with what has been worked out of it, each thing once.

Derivation, program, source and module are made when they are first asked for. The same network in another layout, at
other sizes or in another precision is a case of the same family, and what one of a family has worked out all of them
have. Nothing is kept anywhere else: a family lives as long as one of its cases is held.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from symprop.algebra.equations import System
from symprop.algebra.numbered_sizes import sizes_given
from symprop.algebra.printable import Listed
from symprop.analysis.derivation import Derivation, derive
from symprop.codegen.loading import loaded
from symprop.codegen.moments import with_moments_named
from symprop.codegen.program import Program
from symprop.codegen.targets import NAMES, target_of
from symprop.codegen.targets.target import Options
from symprop.collection import kept_whole
from symprop.errors import NoFunctionError, SpecError, shown
from symprop.hints import closest
from symprop.keywords import Checked, public
from symprop.networks.network import LAYOUTS, Network
from symprop.networks.optimiser_text import as_optimiser
from symprop.networks.optimisers import Optimiser
from symprop.networks.recurrent import written_out_in_time
from symprop.networks.spec import as_network

Made = TypeVar("Made")

GRADIENTS = "loss_and_grads"
QUESTIONS: Mapping[str, Callable[[Derivation], Derivation]] = {
    GRADIENTS: lambda derivation: derivation,
    "hvp": Derivation.hvp_alone,
    "gnvp": Derivation.gauss_newton_alone,
    "fisher_vp": Derivation.fisher_alone,
    "per_example_norms": Derivation.norms_alone,
    "clipped_grads": Derivation.per_example,
    "empirical_fisher_vp": lambda derivation: derivation.fisher(empirical=True),
    "tangent_kernel": Derivation.tangent_kernel,
    "kfac": Derivation.kfac,
    "kfac_reduce": lambda derivation: derivation.kfac(sharing="reduce"),
}
"""What a module computes beside the passes, by the name of its function, and the derivation that this needs."""

UNROLLED = ("tangent_kernel", "kfac", "kfac_reduce")
"""Those of an example at a time, with loops over time written out."""


@public
@dataclass(frozen=True)
class Case(Checked, Listed):
    """A network in a layout with the options of its module: what is worked out of it is worked out once, for all.

    `layout` is "example", "rows" or "columns", by default the first that the network has; the code always has its
    batch in rows. The options are those of `symprop.generate`; `question` is the function that a module has, one of
    `QUESTIONS`; `evaluation` is that of `symprop.derive`.

    >>> import symprop
    >>> case = Case("Input(2) >> Dense(n) >> Tanh() >> MeanSquaredError()").with_sizes({"n": 3})
    >>> case.derivation.gradient("W1").text(), case.rows.derivation.gradient("W1").text()
    ('outer(delta1, x)', 'delta1.T @ x')
    >>> case.module.PARAMETERS, symprop.check(case).ok
    ({'W1': (3, 2), 'b1': (3,)}, True)

    Raises:
        SpecError: no network, or an unknown layout or option.
    """

    network: Network
    layout: str = ""
    target: str = "numpy"
    dtype: str = "float64"
    optimizer: Optimiser | str | None = None
    threads: int = 1
    question: str = GRADIENTS
    evaluation: bool = False
    _family: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        network = as_network(self.network)
        object.__setattr__(self, "network", self.once(("network", network), lambda: network))
        if self.layout == "":
            object.__setattr__(self, "layout", self.network.layouts[0])
        for name, value, allowed in (
            ("layout", self.layout, LAYOUTS),
            ("target", self.target, NAMES),
        ):
            if value not in allowed:
                raise SpecError(f"unknown {name} {shown(value)}\nallowed: {', '.join(allowed)}")
        if self.question not in QUESTIONS:
            told = f"unknown question {shown(self.question)}{closest(str(self.question), QUESTIONS)}"
            raise SpecError(f"{told}\nallowed: {', '.join(QUESTIONS)}")
        if self.question != GRADIENTS and (self.optimizer is not None or self.threads != 1):
            what = "optimizer" if self.optimizer is not None else "threads"
            raise SpecError(f"{what} is for steps of training, not for {self.question}\nallowed: one without the other")
        object.__setattr__(self, "target", target_of(self.target).elsewhere.get(self.question, self.target))
        target = target_of(self.target)
        if self.dtype not in target.dtypes:
            raise SpecError(f"unknown dtype {shown(self.dtype)}\nallowed: {', '.join(target.dtypes)}")
        if not isinstance(self.evaluation, bool):
            raise SpecError(f"evaluation is {shown(self.evaluation)}\nallowed: True, False")
        if self.threads not in (1, 2) or isinstance(self.threads, bool):
            raise SpecError(f"threads is {shown(self.threads)}\nallowed: 1, 2")
        if self.threads not in target.threads:
            raise SpecError(f"threads={self.threads} is for the fast NumPy module, not target {self.target!r}")
        if self.optimizer is not None:
            object.__setattr__(self, "optimizer", as_optimiser(self.optimizer))
        if self.optimizer is not None and not target.optimizers:
            raise SpecError(f"a module for target {self.target!r} has no optimizer\nallowed: those of its library")

    def once(self, what: Hashable, make: Callable[[], Made]) -> Made:
        """Return what the family has under this name, made now if it has nothing; the network is part of the name."""
        if what not in self._family:
            self._family[what] = make()
        found: Made = self._family[what]
        return found

    def at(self, **options: Any) -> Case:
        """Return the case with other options: `layout`, `target`, `dtype`, `optimizer`, `threads`."""
        return replace(self, **options)

    def asking(self, question: str) -> Case:
        """Return the case of a module that has the function of a question; a tangent kernel is without dropout.

        Raises:
            SpecError: a tangent kernel of a network with running statistics, which its module would not know.
        """
        found = self.at(question=question)
        if question != "tangent_kernel" or self.evaluation:
            return found
        system = self.network.system("rows")
        if system.states:
            raise SpecError(
                "a module has no tangent kernel of layers whose statistics are those of a batch, or running ones\n"
                "allowed: another norm, or the page: symprop.derive(network, evaluation=True).tangent_kernel()"
            )
        return found.at(evaluation=bool(system.masks))

    def of(self, network: Network) -> Case:
        """Return the case of another network in the family: the same at other sizes, or with names for them."""
        return replace(self, network=network)

    def with_sizes(self, sizes: Mapping[str, int]) -> Case:
        """Return the case with numbers for sizes and counts that have a name.

        Raises:
            SpecError: a name that the network does not have, or no size for it.
        """
        given = sizes_given(sizes)
        return self.of(self.network.with_sizes(given)) if given else self

    @property
    def own(self) -> Case:
        """The case in the network's own layout: one example, or a batch in rows where its examples are joined."""
        return self.at(layout="")

    @property
    def example(self) -> Case:
        """The case for one example; where examples are joined, it has equations but no derivation."""
        return self.at(layout="example")

    @property
    def rows(self) -> Case:
        """The case for a batch in rows, which the code computes."""
        return self.at(layout="rows")

    @property
    def coded(self) -> Case:
        """The case that code is made of: a batch in rows, with loops over time also where the page writes them out."""
        return self.of(written_out_in_time(self.network, unroll=self.question in UNROLLED)).rows

    @property
    def system(self) -> System:
        """The equations of the forward pass."""
        system = self.network.system(self.layout)
        return system.evaluated if self.evaluation else system

    @property
    def names(self) -> list[str]:
        """The names among the sizes and counts, sorted."""
        system, loops = self.system, self.system.loops
        shapes = [variable.shape for variable in (*system.inputs, *system.targets, *system.parameters)]
        sizes = [size for shape in shapes for size in shape] + [loop.count for loop in loops]
        symbols = {symbol for size in sizes for symbol in size.free_symbols} - {loop.index for loop in loops}
        return sorted(symbol.name for symbol in symbols - {system.batch})

    @property
    def derivation(self) -> Derivation:
        """The derivation in the layout of the case.

        Raises:
            SpecError: the network has no loss.
        """
        key = "derivation", self.network, self.layout, self.evaluation
        plain: Derivation = self.once(key, lambda: derive(self.network, layout=self.layout, evaluation=self.evaluation))
        return self.once((*key, self.question), lambda: QUESTIONS[self.question](plain))

    @property
    def program(self) -> Program:
        """The program of both passes in their stable forms, of which every function of the module is made."""
        make = target_of(self.target).program
        return self.once(
            ("program", self.network, make, self.question, self.evaluation), lambda: make(self.coded.derivation)
        )

    @property
    def source(self) -> str:
        """The source of the generated module.

        Raises:
            SpecError: a size is a name, or the network has no loss or no parameters.
        """
        return self.once(("source", *self._options), self._written)

    @property
    def module(self) -> types.ModuleType:
        """The generated module, loaded; errors are those of `source`, and ImportError where its library is missing."""
        return self.once(("module", *self._options), self._loaded)

    def _loaded(self) -> types.ModuleType:
        """Load the module; functions of other questions are made when they are asked for."""
        module = loaded(self.source, target_of(self.target).needs)

        def further(name: str) -> Any:
            if name not in QUESTIONS or name == self.question:
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            try:
                function = vars(self.at(optimizer=None, threads=1).asking(name).module)[name]
            except SpecError as error:
                raise NoFunctionError(str(error)) from None
            vars(module)[name] = function  # found there the next time
            return function

        module.__getattr__ = further  # type: ignore[method-assign]
        vars(module)["__dir__"] = lambda: sorted({*vars(module), *QUESTIONS})
        return module

    @property
    def _options(self) -> tuple[Hashable, ...]:
        return self.network, self.target, self.dtype, self.optimizer, self.threads, self.question, self.evaluation

    @kept_whole()
    def _written(self) -> str:
        derivation = self.coded.derivation
        if not derivation.parameters:
            raise SpecError(
                "code computes the gradients of parameters, and this network has none; add a layer such as Dense(3)"
            )
        if self.evaluation and derivation.system.states:
            running = ", ".join(state.variable.name for state in derivation.system.states)
            raise SpecError(
                f"code computes gradients by the statistics of the batch, and in evaluation {running} stand for them\n"
                "allowed: the network itself, whose module has predict(params, x, running)"
            )
        if self.names:
            example = ",".join(f"{name}=32" for name in self.names)
            raise SpecError(
                f"code needs numbers for the sizes {', '.join(self.names)}\n"
                f"give them, as in network.with_sizes({{...}}) or --sizes {example}"
            )
        optimizer = None if self.optimizer is None else as_optimiser(self.optimizer)
        options = Options(self.dtype, optimizer, self.threads)
        return target_of(self.target).source(with_moments_named(derivation), self.program, options)


def case_of(value: Case | Derivation | Network | str, **options: Any) -> Case:
    """Return a case of a network, its text or its derivation; one that is a case already, with other options.

    Raises:
        SpecError: no network, or an unknown option.
    """
    if isinstance(value, Case):
        return value.at(**options)
    if not isinstance(value, Derivation):
        return Case(value, **options)  # type: ignore[arg-type]
    case = Case(value.network, evaluation=value.evaluation, **options)  # type: ignore[arg-type]
    case.once(("derivation", case.network, value.system.layout, value.evaluation), lambda: value)
    return case


__all__ = ["Case", "case_of"]
