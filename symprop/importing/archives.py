"""Files that `torch.export.save` wrote, read without running what may lie in them.

PyTorch's own reader unpickles where a file asks for it, loads compiled libraries, and evaluates the text of sizes that
are symbols. So the archive is looked through first, and whatever PyTorch loads is forced to be plain tensors.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

from symprop.errors import DataError, OutputError, SpecError, shown
from symprop.files import Source

_PICKLES = (".pt", ".pth", ".bin", ".pkl", ".ckpt")
_PLAIN_ENTRY = re.compile(
    r"[^/]+/(data/(weights|constants)/((weight|tensor)_\d+|\w+_config\.json)|data/sample_inputs/\w+\.pt"
    r"|models/\w+\.json|archive_\w+|byteorder|\.data/\w+|extra/.*)"
)
"""Entries that hold numbers and text; objects and compiled libraries have other names."""
_READING = (RuntimeError, ValueError, KeyError, TypeError, AssertionError, OSError, AttributeError)
"""What PyTorch's reader raises for files that are damaged."""
_SIZE = re.compile(
    r"(?:'[a-z]+\d+'|\b[a-z]+\d+\b|\b(?:Symbol|Integer|Add|Mul|Pow|Mod|Max|Min|FloorDiv|CleanDiv|positive|integer|True)\b"
    r"|[-+*/(),=\s\d])*"
)
"""Arithmetic of sizes that are symbols, as SymPy writes it."""
_FORCED = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
_MODEL = re.compile(r"[^/]+/models/\w+\.json")
_LIBRARIES = ("aten", "prims", "prim", "higher_order")
_LARGEST_JSON = 20_000_000
"""Bytes of all JSON of an archive together, which is read before PyTorch reads it."""


def program_of(path: Source) -> Any:
    """Return the exported program of a `.pt2` file.

    Raises:
        OutputError: the file cannot be read.
        SpecError: a pickle, PyTorch is missing.
        DataError: no such archive, or one that holds more than numbers and text.
    """
    where = shown(path, 200)
    if Path(str(path)).suffix in _PICKLES:
        raise SpecError(
            f"{where} is a pickle, which runs what is in it when it is read\n"
            "allowed: a .pt2 file, of torch.export.save(torch.export.export(model, (example,)), path)"
        )
    _check(path, where)
    try:
        torch = importlib.import_module("torch.export")
    except ImportError:
        raise SpecError(f"{where} is read by PyTorch, which is not installed\npip install 'symprop[torch]'") from None
    with _plain_tensors(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return torch.load(path)
        except (*_READING, UnpicklingError) as problem:
            told = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
            raise DataError(f"PyTorch cannot read {where}: {shown(told, 160)}") from None


def _check(path: Source, where: str) -> None:
    """Raise where an archive holds what could run: objects, libraries, sizes that are no arithmetic."""
    try:
        with zipfile.ZipFile(path) as archive:
            left = _LARGEST_JSON
            for entry in archive.infolist():
                if not _PLAIN_ENTRY.fullmatch(entry.filename):
                    raise DataError(f"{where} holds {shown(entry.filename)}, which is neither numbers nor text")
                if not entry.filename.endswith(".json"):
                    continue
                left -= entry.file_size
                if left < 0:
                    raise DataError(f"{where}: {shown(entry.filename)}: more than {_LARGEST_JSON:,} bytes of JSON")
                text = archive.read(entry).decode("utf-8")
                for size in re.findall(r'"expr_str"\s*:\s*"((?:[^"\\]|\\.)*)"', text):
                    if not _SIZE.fullmatch(size):
                        raise DataError(f"{where}: {shown(size)} is no size")
                if _MODEL.fullmatch(entry.filename):
                    _check_order(text, where)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeDecodeError) as problem:
        raise DataError(f"{where} is no archive of torch.export.save: {shown(problem)}") from None
    except (OSError, ValueError) as problem:
        reason = os.strerror(problem.errno) if isinstance(problem, OSError) and problem.errno else str(problem)
        raise OutputError(f"cannot read {where}: {reason}") from None


def _check_order(text: str, where: str) -> None:
    """Raise where a call of a graph reads what no earlier one makes, as in a circle, or is of no known library."""
    try:
        graph = json.loads(text)["graph_module"]["graph"]
        known = set(_names(graph["inputs"]))
        calls = [
            (str(each["target"]), [*_names(each["inputs"])], [*_names(each["outputs"])]) for each in graph["nodes"]
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError(f"{where} holds no graph that torch.export wrote") from None
    for number, (target, read, made) in enumerate(calls, start=1):
        missing = next((name for name in read if name not in known), None)
        if missing is not None:
            told = (
                f"{shown(target)}, call {number} of {len(calls)}, reads {shown(missing)}, which no earlier call makes"
            )
            raise DataError(f"{where} is no graph: {told}")
        if target.startswith("torch.ops.") and target.split(".")[2] not in _LIBRARIES:
            raise DataError(f"{where}: {shown(target)}, call {number} of {len(calls)}, is no operator of PyTorch's own")
        known.update(made)


def _names(value: Any) -> Iterator[str]:
    """Yield the names of tensors and numbers in an argument; a graph inside has names of its own."""
    if isinstance(value, dict):
        names = [value.get("name"), value.get("as_name")]
        if len(value) == 1 and isinstance(names[0] or names[1], str):
            yield str(names[0] or names[1])
        elif "graph" not in value:
            yield from (name for each in value.values() for name in _names(each))
    elif isinstance(value, list):
        yield from (name for each in value for name in _names(each))


@contextmanager
def _plain_tensors() -> Iterator[None]:
    """Make PyTorch's reader refuse pickles of anything but tensors, for as long as a file is read."""
    before = os.environ.get(_FORCED)
    os.environ[_FORCED] = "1"
    log = logging.getLogger("torch.export")  # it writes tracebacks of what is told in an error
    disabled, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = disabled
        if before is None:
            del os.environ[_FORCED]
        else:
            os.environ[_FORCED] = before
