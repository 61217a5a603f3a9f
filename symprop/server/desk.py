"""The desk: which computation may run now. The latest text of a tab supersedes its earlier ones; some run at once."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from symprop.server.limits import COMPUTATIONS, SLOW, WAITING

MOST_TABS = 256
_TICK = 0.05


class Superseded(Exception):
    """The tab has asked something newer, or is gone."""


class Busy(Exception):
    """Too much is computed or waits already."""


@dataclass(eq=False)
class Ticket:
    """A computation of a tab: `sequence` grows with every text that is typed; `wanted` ends it when it turns False."""

    tab: str
    sequence: int
    slow: bool
    there: Callable[[], bool]
    stopped: threading.Event = field(default_factory=threading.Event)

    def wanted(self) -> bool:
        return not self.stopped.is_set() and self.there()


class Desk:
    """Admits computations: so many at once, fewer of the slow ones, and none that is out of date."""

    def __init__(self, computations: int = COMPUTATIONS, slow: int = SLOW, waiting: int = WAITING) -> None:
        self._computations, self._slow, self._most_waiting = computations, slow, waiting
        self._changed = threading.Condition()
        self._latest: OrderedDict[str, int] = OrderedDict()
        self._waiting: list[Ticket] = []
        self._running: list[Ticket] = []

    @contextlib.contextmanager
    def admitted(
        self, tab: str, sequence: int, slow: bool, patience: float, there: Callable[[], bool] = lambda: True
    ) -> Iterator[Ticket]:
        """Wait for a place, at most `patience` seconds, and hold it for the time of the block.

        Raises:
            Superseded: the tab asked something newer meanwhile, or is not `there` any more.
            Busy: there is no place.
        """
        ticket = Ticket(tab, sequence, slow, there)
        with self._changed:
            self._supersede(ticket)
            if sum(other.slow == slow for other in self._waiting) >= self._most_waiting:  # each kind has a room
                raise Busy
            self._waiting.append(ticket)
            try:
                self._wait(ticket, time.monotonic() + patience)
                self._running.append(ticket)
            finally:
                self._waiting.remove(ticket)
        try:
            yield ticket
        finally:
            with self._changed:
                self._running.remove(ticket)
                self._changed.notify_all()

    def _supersede(self, ticket: Ticket) -> None:
        """Stop what the same tab asked of earlier texts."""
        if ticket.sequence < self._latest.get(ticket.tab, 0):
            raise Superseded
        self._latest[ticket.tab] = ticket.sequence
        self._latest.move_to_end(ticket.tab)
        while len(self._latest) > MOST_TABS:
            self._latest.popitem(last=False)
        for other in (*self._waiting, *self._running):
            if other.tab == ticket.tab and other.sequence < ticket.sequence:
                other.stopped.set()
        self._changed.notify_all()

    def _wait(self, ticket: Ticket, deadline: float) -> None:
        while not self._is_place_for(ticket):
            if not ticket.wanted():
                raise Superseded
            if time.monotonic() > deadline:
                raise Busy
            self._changed.wait(_TICK)
        if not ticket.wanted():
            raise Superseded

    def _is_place_for(self, ticket: Ticket) -> bool:
        if len(self._running) >= self._computations:
            return False
        return not ticket.slow or sum(other.slow for other in self._running) < self._slow
