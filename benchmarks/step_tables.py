"""The tables that `benchmarks/steps.py` prints."""

from __future__ import annotations

from typing import Any

from rich.table import Table

PRODUCTS = "products alone"
LIBRARIES = ("PyTorch", "torch.compile", "JAX", "autograd")
"""What symprop is compared with: the fastest of these."""

Record = dict[str, Any]


def table(title: str, headings: list[str]) -> Table:
    """Return an empty table: networks on the left, numbers right-aligned."""
    made = Table(title=title)
    made.add_column("network")
    for heading in headings:
        made.add_column(heading, justify="right")
    return made


def label(record: Record) -> str:
    """Return a network's name, with its batch.

    >>> label({"network": "2-2-2", "batch": 1})
    '2-2-2, batch 1'
    """
    return f"{record['network']}, batch {record['batch']}"


def times(records: list[Record], title: str) -> Table:
    """Return the step times in microseconds; the fastest that computes gradients is bold."""
    tools = list(records[0]["seconds"])
    made = table(title, [tool.replace(", ", ",\n") for tool in tools])
    for record in records:
        seconds = record["seconds"]
        fastest = min((tool for tool in tools if tool != PRODUCTS), key=seconds.__getitem__)
        cells = [microseconds(seconds[tool]) for tool in tools]
        bold = [f"[bold]{cell}[/]" if tool == fastest else cell for tool, cell in zip(tools, cells, strict=True)]
        made.add_row(label(record), *bold)
    return made


def microseconds(seconds: float) -> str:
    """Return a time in microseconds, with three digits or all before the point.

    >>> microseconds(2.346e-05), microseconds(0.01234567)
    ('23.5', '12,346')
    """
    number = 1e6 * seconds
    return f"{number:.1f}" if number < 100 else f"{number:,.0f}"


def ratios(records: list[Record], means: dict[str, dict[str, float]]) -> Table:
    """Return symprop's time by that of the fastest other library, and by that of the products alone."""
    ours = list(means["to fastest"])
    headings = [f"{tool}\n/ {by}" for by in ("fastest", "products") for tool in ours]
    made = table("symprop's time / another's (below 1: symprop is faster)", ["fastest of\nthe others", *headings])
    for record in records:
        cells = [f"{record[kind][tool]:.2f}" for kind in ("to fastest", "to products") for tool in ours]
        made.add_row(label(record), record["fastest"], *cells)
    made.add_section()
    cells = [f"[bold]{means[kind][tool]:.2f}[/]" for kind in ("to fastest", "to products") for tool in ours]
    made.add_row("geometric mean", "", *cells)
    return made


def memory(records: list[Record], steps: int) -> Table:
    """Return the peaks in MB: of stepping, of deriving or compiling, and what symprop planned."""
    tools = list(records[0]["bytes"])
    others = [tool for tool in tools if tool != "symprop"]
    headings = [f"{tool}\nsteps" for tool in tools] + [f"{tool}\n/ symprop" for tool in others]
    headings += ["symprop\nplanned", *(f"{tool}\ncompiling" for tool in tools if tool != "PyTorch")]
    made = table(f"peak memory of {steps} steps above parameters and batch, MB", headings)
    for record in records:
        found = record["bytes"]
        ours = found["symprop"]["steps"]
        cells = [megabytes(found[tool]["steps"]) for tool in tools]
        cells += [f"{found[tool]['steps'] / ours:.1f}" if ours >= 2**20 else "-" for tool in others]
        cells += [megabytes(found["symprop"]["planned"])]
        cells += [megabytes(found[tool]["compiling"]) for tool in tools if tool != "PyTorch"]
        made.add_row(label(record), *cells)
    return made


def megabytes(number: int | None) -> str:
    """Return a number of bytes in MB.

    >>> megabytes(1_500_000), megabytes(None)
    ('1.50', '-')
    """
    return "-" if number is None else f"{number / 1e6:.2f}"


def first_calls(records: list[Record]) -> Table:
    """Return the seconds to the first gradients."""
    tools = list(records[0]["seconds"])
    others = [tool for tool in tools if tool != "symprop"]
    made = table("seconds to the first gradients", [*tools, *(f"{tool}\n/ symprop" for tool in others)])
    for record in records:
        seconds = record["seconds"]
        cells = [f"{seconds[tool] / seconds['symprop']:.1f}" for tool in others]
        made.add_row(label(record), *(f"{seconds[tool]:.3f}" for tool in tools), *cells)
    return made
