"""Accounts: right derivations of the same gradients, as systems of equations in which a step can be changed.

A person's backward pass may follow the page (adjoints written in place, statistics taken together, facts used), or be
what the chain rule gives for each operation, one after the other, or one formula for each gradient. A mistake is one
step in one of these, and no single step in another; so there are several accounts, the one that pages print first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from symprop.algebra import nodes as n
from symprop.algebra.equations import Equation, System, equations_in
from symprop.algebra.formula import Formula
from symprop.algebra.names import adjoint_of, gradient_of, variable
from symprop.algebra.nodes import Node, Variable
from symprop.algebra.roles import LOSS
from symprop.algebra.trees import added, variables, zeros
from symprop.algebra.trees import replace as exchanged
from symprop.calculus.context import Context
from symprop.calculus.reached import dependents
from symprop.calculus.rewriting import simplified
from symprop.calculus.tidy import tidy
from symprop.calculus.walk import derive_system
from symprop.diagnosis.chains import chain


@dataclass(frozen=True, eq=False)
class Account:
    """Equations in the order of computation; `gradients` say by variable what holds its gradient.

    The first `forward` equations are the forward pass. `numbers` are those of a page by the name of the left side, and
    `strangeness` counts how far the account is from how a person writes. `own` are forward names that the author gave.
    """

    equations: tuple[Equation, ...]
    forward: int
    gradients: Mapping[str, Variable]
    numbers: Mapping[str, int] = field(default_factory=dict)
    strangeness: float = 0.0
    own: frozenset[str] = frozenset()

    @cached_property
    def made(self) -> frozenset[str]:
        """The forward names that nobody but the account gave, which a sentence must explain."""
        return frozenset() if self.numbers else self.forward_names - self.own

    @cached_property
    def by_name(self) -> dict[str, Equation]:
        """The equation that defines each name."""
        return {each.name: each for each in self.equations}

    @cached_property
    def forward_names(self) -> frozenset[str]:
        """The names that the forward pass defines."""
        return frozenset(each.name for each in self.equations[: self.forward])

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The variables in the order in which their gradients are found."""
        holds = {held.name: by for by, held in self.gradients.items()}
        return tuple(holds[each.name] for each in self.equations if each.name in holds)

    @cached_property
    def reach(self) -> dict[str, frozenset[str]]:
        """For each name that an equation defines: itself and all names that depend on it."""
        readers: dict[str, list[str]] = {}
        for each in self.equations:
            for read in variables(each.expression):
                readers.setdefault(read.name, []).append(each.name)
        found: dict[str, frozenset[str]] = {}
        for each in reversed(self.equations):
            below = (found[name] for name in readers.get(each.name, ()))
            found[each.name] = frozenset((each.name,)).union(*below)
        return found

    @cached_property
    def feeds(self) -> dict[str, frozenset[str]]:
        """The variables whose gradient depends on what an equation defines, by its name."""
        holds = {held.name: by for by, held in self.gradients.items()}
        return {name: frozenset(holds[each] for each in found if each in holds) for name, found in self.reach.items()}


def of_formula(formula: Formula, wanted: Sequence[Variable], cotangent: Variable | None) -> Iterator[Account]:
    """Yield the accounts of a formula's gradients: by its chain, with facts and without, by one formula each."""
    coarse, fine = chain(formula), chain(formula, fine=True)
    own = frozenset(each.name for each in formula.definitions)

    def system(equations: tuple[Equation, ...], value: Node) -> System:
        return _system(formula, equations, value, wanted, cotangent)

    yield replace(derived(system(*coarse)), own=own)
    yield replace(plain(system(*coarse)), own=own, strangeness=0.2)
    value = coarse[1] if isinstance(coarse[1], Variable) else variable(formula.name, formula.shape)
    yield replace(derived(system((Equation(value, formula.whole.node),), value)), strangeness=0.3)
    if fine[0] != coarse[0]:
        yield replace(plain(system(*fine)), own=own, strangeness=0.5)


def of_network(numbers: Mapping[str, int], wanted: Sequence[Variable], system: System) -> Iterator[Account]:
    """Yield the accounts of a network's gradients: its page, then the chain rule for each equation alone."""
    system = replace(system, parameters=tuple(wanted))
    yield replace(derived(system), numbers=numbers)
    yield replace(plain(system), numbers=numbers, strangeness=0.2)


def _system(
    formula: Formula,
    equations: tuple[Equation, ...],
    value: Node,
    wanted: Sequence[Variable],
    cotangent: Variable | None,
) -> System:
    """Return the chain of a formula, with the sum of its value times the cotangent as the loss."""
    taken = {each.name for each in (*formula.variables, *(named.target for named in equations))}
    name = next(letter for letter in ("L", "L_", "loss", "loss_") if letter not in taken)
    loss = variable(name).change(role=LOSS)
    if isinstance(value, Variable):  # under another name, so that no sum over it is known as the loss
        equations = (*equations, Equation(variable(f"{value.name}_"), value))
    weighed = value if cotangent is None else value * cotangent
    end = Equation(loss, n.Sum(weighed) if weighed.rank else weighed)
    others = tuple(each for each in formula.variables if each not in wanted)
    given = others if cotangent is None else (*others, cotangent)
    return System((*equations, end), given, (), tuple(wanted), loss, loss)


def derived(system: System) -> Account:
    """Return the account that a page prints: adjoints read once in place, facts of the forward pass used."""
    forward = tuple(system.equations)
    backward = tuple(equations_in(derive_system(system)[0]))
    held = {each.name: gradient_of(each) for each in system.parameters}
    missing = tuple(
        Equation(gradient, zeros(*gradient.shape))
        for gradient in held.values()
        if gradient not in {each.target for each in backward}
    )
    return _without_aliases(Account((*forward, *backward, *missing), len(forward), held))


def plain(system: System) -> Account:
    """Return the account by the chain rule alone: an equation for the adjoint of each left side, no facts used."""
    forward, wanted = tuple(system.equations), system.parameters
    active = dependents(forward, wanted)
    flows: dict[Variable, list[Node]] = {}
    backward: list[Equation] = []

    def emit(of: Variable) -> Variable:
        backward.append(Equation(adjoint_of(of), tidy(added(flows[of]))))
        return adjoint_of(of)

    for each in reversed(forward):
        if each.target == system.loss:
            adjoint: Node = n.Scalar(1)
        elif each.target in flows:
            adjoint = emit(each.target)
        else:
            continue
        for read in variables(each.expression):
            if read in active:
                known = Context({tidy(each.expression): each})
                flow = n.Pullback(adjoint, each.expression, read)
                flows.setdefault(read, []).append(simplified(flow, known)[0])
    for each in wanted:
        flows.setdefault(each, [zeros(*each.shape)])
        emit(each)
    held = {each.name: adjoint_of(each) for each in wanted}
    return _without_aliases(Account((*forward, *backward), len(forward), held))


def _without_aliases(account: Account) -> Account:
    """Return an account without backward equations that only give another name to a variable."""
    wanted, known = frozenset(account.gradients.values()), dict[Node, Node]()
    backward = list[Equation]()
    for each in account.equations[account.forward :]:
        expression = exchanged(each.expression, known)
        if isinstance(expression, Variable) and each.target not in wanted:
            known[each.target] = expression
        else:
            backward.append(Equation(each.target, expression))
    return replace(account, equations=(*account.equations[: account.forward], *backward))
