"""All published mistakes, and what is right, each once."""

from __future__ import annotations

from tests.mistakes import attention, dense, geometry, images, losses, norms, parts, recurrent, unseen, unseen_losses
from tests.mistakes.case import Mistake, Right

ROOMS = (dense, parts, attention, norms, recurrent, images, losses, geometry, unseen, unseen_losses)
MISTAKES: tuple[Mistake, ...] = tuple(case for room in ROOMS for case in room.CASES)
RIGHT: tuple[Right, ...] = tuple({case.given.name: case.given for case in MISTAKES}.values())
