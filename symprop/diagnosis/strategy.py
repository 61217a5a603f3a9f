"""In which order explanations are looked for: one change, a misread equation, several changes, two in one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from graphlib import TopologicalSorter
from itertools import combinations, combinations_with_replacement, product

from symprop.algebra.trees import variables
from symprop.diagnosis.accounts import Account
from symprop.diagnosis.search import (
    LIKELY_IN_TIME,
    Case,
    Found,
    confirmed,
    judged,
    misread,
    singles,
    sparing,
)
from symprop.diagnosis.steps import Step, at, changes, put
from symprop.diagnosis.surroundings import Surroundings
from symprop.diagnosis.table import fitting

GOOD = 1.45
"""An explanation that is not more far-fetched than this ends the search."""
LIKELY_ACCOUNTS = 2
"""After so many accounts several good changes end the search for one in accounts that people write less often."""
MOST_CHANGES = 3
LIKELY = 1.25
"""Of two changes in one equation neither is more far-fetched than this."""


class Search:
    """The explanations found so far; what has been found when time is up stays."""

    def __init__(self, accounts: Iterable[Account], case: Case) -> None:
        self.case, self.found = case, list[Found]()
        self.unread, self.accounts = iter(accounts), list[Account]()
        self.partial: dict[int, list[Found]] = {}

    @property
    def is_good(self) -> bool:
        """Whether there is an explanation that need not be bettered."""
        return any(each.cost <= (LIKELY_IN_TIME if each.in_time else GOOD) for each in self.found)

    @property
    def is_fair(self) -> bool:
        """Whether there is an explanation by several changes, each of which is one that need not be bettered."""
        return any(all(step.wrong.cost <= GOOD for step in each.steps) and not each.times for each in self.found)

    def run(self) -> None:
        """Look for explanations until one is good.

        Raises:
            OutOfTime: it has taken as long as it may.
        """
        for account in self.unread:
            self.accounts.append(account)
            self.one_change(len(self.accounts) - 1)
            if self.is_good:
                return
            if len(self.accounts) == LIKELY_ACCOUNTS and self.is_fair:
                break
        for look in (self.sparing, self.misread, self.several, self.two_in_one):
            for number in range(len(self.accounts)):
                if not self.found or look == self.misread:
                    look(number)
                if self.is_good:
                    return

    def keep(self, found: Iterable[Found]) -> bool:
        """Keep what explains all wrong gradients at all points; say whether anything does."""
        sure = [each for each in (confirmed(one, self.case) for one in found) if each is not None]
        self.found += sure
        return bool(sure)

    def one_change(self, number: int) -> None:
        """Change one backward equation."""
        partial = self.partial.setdefault(number, [])
        try:
            for each in singles(self.accounts[number], self.case, self.case.wrong):
                partial.append(each)
        finally:  # also where time is up
            self.keep(each for each in partial if each.repaired == self.case.wrong)
        self.keep(cover(self.accounts[number], self.case, partial))

    def sparing(self, number: int) -> None:
        """Change one backward equation on which right gradients depend too."""
        for each in sparing(self.accounts[number], self.case):
            self.keep([each])

    def misread(self, number: int) -> None:
        """Change one equation of the forward pass, as the backward pass reads it."""
        for each in misread(self.accounts[number], self.case):
            self.keep([each])

    def several(self, number: int) -> None:
        """Change several equations, one after the other."""
        self.keep(chained(self.accounts[number], self.case, self.partial[number], self.case.wrong, MOST_CHANGES - 1))

    def two_in_one(self, number: int) -> None:
        """Change two things in one equation, or in two of which neither change alone repairs anything."""
        self.keep(pairs(self.accounts[number], self.case))


def changed_account(account: Account, steps: Sequence[Step]) -> Account:
    """Return an account in which some equations say something else."""
    new = {each.name: each.expression for each in steps}
    changed = [replace(each, expression=new.get(each.name, each.expression), steps=()) for each in account.equations]
    forward, backward = changed[: account.forward], changed[account.forward :]
    by_name = {each.name: each for each in backward}
    graph = {each.name: [read.name for read in variables(each.expression) if read.name in by_name] for each in backward}
    ordered = [by_name[name] for name in TopologicalSorter(graph).static_order()]
    return replace(account, equations=(*forward, *ordered))


def cover(account: Account, case: Case, partial: Sequence[Found]) -> Iterator[Found]:
    """Yield changes that repair each their own gradients, all that they reach, and together all wrong ones."""
    own = [
        each for each in partial if not each.times and account.feeds[each.steps[0].name] == each.repaired != case.wrong
    ]
    left, chosen = set(case.wrong), list[Found]()
    said: set[str] = set()
    for gradients in sorted({each.repaired for each in own}, key=lambda each: (-len(each), sorted(each))):
        if not gradients <= left:
            continue
        mine = [each for each in own if each.repaired == gradients]
        best = min(mine, key=lambda each: (each.cost - (each.steps[0].wrong.said in said), each.cost))
        said.add(best.steps[0].wrong.said)
        chosen.append(best)
        left -= gradients
    if not left and len(chosen) > 1:
        yield Found(account, tuple(step for each in chosen for step in each.steps), case.wrong)


def chained(account: Account, case: Case, partial: Sequence[Found], wrong: frozenset[str], depth: int) -> list[Found]:
    """Return changes that repair what is wrong one after the other."""
    tried: set[frozenset[str]] = set()
    for each in sorted(partial, key=lambda each: (-len(each.repaired), each.cost)):
        if each.times or each.repaired in tried or each.repaired == wrong or confirmed(each, case) is None:
            continue
        tried.add(each.repaired)
        changed = changed_account(account, each.steps)
        left = wrong - each.repaired
        further = list(singles(changed, case, left))
        whole = [more for more in further if more.repaired == left and not more.times and confirmed(more, case)]
        if not whole and depth > 1:
            whole = chained(changed, case, further, left, depth - 1)
        if whole:
            return [Found(account, (*each.steps, *more.steps), case.wrong) for more in whole]
    return []


def pairs(account: Account, case: Case) -> Iterator[Found]:
    """Yield two changes that repair all that is wrong, neither of which repairs anything alone."""
    world, around = case.world(account, 0), Surroundings(account, case.axes)
    reached = [by for by in account.order if by in case.wrong]
    backward = account.equations[account.forward :]
    chosen = [each for each in backward if account.feeds[each.name] and account.feeds[each.name] <= case.wrong]
    likely = {
        each.name: sorted(
            (step for step in changes(account, each, around, alone=True) if step.wrong.cost <= LIKELY),
            key=lambda step: step.wrong.cost,
        )
        for each in chosen
    }
    for one, other in combinations_with_replacement(chosen, 2):
        if account.feeds[one.name] | account.feeds[other.name] != case.wrong:
            continue
        two = combinations(likely[one.name], 2) if one is other else product(likely[one.name], likely[other.name])
        for first, second in two:
            case.ask_time()
            steps = (first, second) if one is not other else in_one(first, second)
            if steps and (found := judged(world, steps, reached)) and found.repaired == case.wrong:
                yield found


def in_one(first: Step, second: Step) -> tuple[Step, ...]:
    """Return two changes of one equation as steps, each of which says both; none where one lies in the other."""
    length = min(len(first.path), len(second.path))
    if first.form is None or first.form != second.form or first.path[:length] == second.path[:length]:
        return ()
    made = fitting(put, first.expression, second.path, at(second.expression, second.path))
    return (replace(first, expression=made), replace(second, expression=made)) if made is not None else ()
