"""What the parameters of a network are, against what a second reader finds in its text: names, shapes, ties."""

from __future__ import annotations

from collections.abc import Iterator

from symprop.networks.network import Network
from symprop.verify.measure import Row
from symprop.verify.text_reader import UnreadError, parameters_of


def rows(network: Network) -> Iterator[Row]:
    """Yield a row, of a network whose sizes are numbers; none where it has a layer that the reader does not know.

    >>> from symprop import parse_network
    >>> [(row.name, row.verdict, row.note) for row in rows(parse_network("Input(3) >> Dense(2) >> Tanh()"))]
    [('parameters', 'ok', '2 names and shapes')]
    """
    try:
        told = parameters_of(network.text)
    except UnreadError:
        return
    known = {each.name: tuple(map(int, each.variable.shape)) for each in network.parameters}
    ok = list(told.items()) == list(known.items())
    note = f"{len(told)} names and shapes" if ok else f"{_written(known)}; by the text {_written(told)}"
    yield Row("parameters", "its text, read a second time", "all", 0.0 if ok else float("inf"), 0.0, ok, note)


def _written(parameters: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in parameters.items()) or "none"
