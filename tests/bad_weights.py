"""Files of weights that must not be taken: what is in them, and words of the error."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

SHAPES = {"W1": (2, 3), "b1": (2,)}
PARAMS = {"W1": np.arange(6.0).reshape(2, 3), "b1": np.zeros(2)}


def archive(path: Path, **entries: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, data in entries.items():
            out.writestr(f"{name}.npy", data)


def npy(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def claiming(shape: str, dtype: str = "<f8", data: bytes = b"") -> bytes:
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (64 - (10 + len(header) + 1) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


GOOD = {name: npy(value) for name, value in PARAMS.items()}
BAD_WEIGHTS: dict[str, tuple[dict[str, bytes], str]] = {
    "missing": ({"W1": GOOD["W1"]}, "no weights 'b1'"),
    "extra": ({**GOOD, "W2": GOOD["W1"]}, "holds 'W2'"),
    "misshapen": ({**GOOD, "W1": npy(np.zeros((3, 2)))}, "has shape '(3, 2)'"),
    "integers": ({**GOOD, "b1": npy(np.zeros(2, dtype=int))}, "allowed: float32 and float64"),
    "objects": ({**GOOD, "b1": npy(np.array([None, 1], dtype=object), allow_pickle=True)}, "allowed: float32"),
    "records": ({**GOOD, "b1": claiming("(2,)", "V8", bytes(16))}, "allowed: float32"),
    "NaN": ({**GOOD, "b1": npy(np.array([0.0, np.nan]))}, "nan at index (1,)"),
    "infinite": ({**GOOD, "W1": npy(np.full((2, 3), np.inf))}, "inf at index (0, 0)"),
    "short": ({**GOOD, "b1": GOOD["b1"][:-1]}, "bytes of data"),
    "long": ({**GOOD, "b1": GOOD["b1"] + b"x"}, "bytes of data"),
    "claims 2**38": ({**GOOD, "W1": claiming("(274877906944,)")}, "has shape"),
    "claims below 0": ({**GOOD, "W1": claiming("(-1,)")}, "has shape"),
    "no header": ({**GOOD, "W1": b"hello"}, "no valid header"),
    "header of code": ({**GOOD, "W1": claiming("__import__('os')")}, "no valid header"),
    "nested header": ({**GOOD, "W1": claiming("(" * 2000 + ")" * 2000)}, "no valid header"),
    "bomb": ({**GOOD, "W1": npy(np.zeros(30_000_000))}, "claims 240,000,128 bytes"),
    "pickle inside": ({**GOOD, "b1": pickle.dumps(print)}, "no valid header"),
    "notes": ({**GOOD, "__meta__": npy(np.frombuffer(b"{", dtype=np.uint8))}, "notes cannot be read"),
    "notes list": ({**GOOD, "__meta__": npy(np.frombuffer(b"[1]", dtype=np.uint8))}, "not a dictionary"),
    "notes deep": ({**GOOD, "__meta__": npy(np.frombuffer(b"[" * 100_000, dtype=np.uint8))}, "notes cannot be read"),
}
