"""What an author may choose of a report, checked: what stands under its title, its sections, symbols of letters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from symprop.errors import SpecError, shown
from symprop.hints import closest
from symprop.notation.blocks import Byline
from symprop.reports.content import Contents

STEPS = ("brief", "all")


def byline(author: str, date: str) -> Byline:
    """Return what stands under the title.

    Raises:
        SpecError: as `checked_title`.
    """
    named = ((author, "an author"), (date, "a date"))
    return Byline(*(checked_title(text, name) if text else "" for text, name in named))


def check_steps_and_seed(steps: object, seed: object) -> None:
    """Check which steps are shown, and what random numbers begin with.

    Raises:
        SpecError: unknown steps, or no whole number from 0.
    """
    if steps not in (None, *STEPS):
        raise SpecError(f"unknown steps {shown(steps)}\nallowed: {', '.join(STEPS)}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SpecError(f"a seed is a whole number from 0, not {shown(seed)}")


def left_out_of(contents: Contents, without: Iterable[str], short: bool, full: bool, slides: bool) -> tuple[str, ...]:
    """Return the sections that are left out.

    Raises:
        SpecError: a section that there is not, or a report that is short and full.
    """
    if short and full:
        raise SpecError("a report cannot be short and full\nallowed: one of them")
    left_out = (*without, *(contents.short if short else ()), *(contents.slides if slides else ()))
    known = list(contents.sections)
    for name in left_out:
        if name not in known:
            raise SpecError(f"a report has no section {shown(name)}{closest(name, known)}\nit has {', '.join(known)}")
    return left_out


def texts_of(symbols: Mapping[str, str] | Iterable[str]) -> Iterable[str]:
    """Return symbols by name as texts such as `m=n`."""
    return [f"{name}={symbol}" for name, symbol in symbols.items()] if isinstance(symbols, Mapping) else symbols


def checked_title(title: str, name: str = "a title") -> str:
    """Return a title, or what stands under it, that LaTeX can set.

    Raises:
        SpecError: empty, long, or letters that are not Latin.
    """
    if not title.strip() or len(title) > 200 or not title.isprintable():
        raise SpecError(f"{shown(title)} cannot be {name}\nallowed: one line of at most 200 characters")
    beyond = next((letter for letter in title if ord(letter) > 0x17F), None)
    if beyond is not None:
        raise SpecError(f"{name} holds {shown(beyond)}\nallowed: Latin letters, which LaTeX sets without other fonts")
    return title
