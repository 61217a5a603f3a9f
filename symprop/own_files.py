"""Files of our own, which a rerun writes over, and of others, which it never does without being told to.

Text and PDF end in a mark with a digest of all before it, so that what was edited by hand is no longer ours. Weights
are ours by what stands in them.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from symprop.errors import OutputError, shown
from symprop.files import is_stream, read_bytes, write_whole

LARGEST = 1_000_000_000
_WORDS = "written by symprop"
_MARK = re.compile(rb"(?:%|#|<!--) " + _WORDS.encode() + rb" ([0-9a-f]{16})(?: -->)?\n?\Z")
_COMMENTS = {".tex": "% {}", ".pdf": "% {}"} | dict.fromkeys((".html", ".htm", ".md", ".svg"), "<!-- {} -->")
_WEIGHTS = b"__meta__.npy"


def write_own(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file with the mark of ours; a device or pipe gets the content alone.

    Raises:
        OutputError: as `write_whole`.
    """
    write_whole(path, content if is_stream(path) else marked(path, content))


def marked(path: str | os.PathLike[str], content: str | bytes) -> bytes:
    """Return the content of a file with the mark of ours, in a comment of its format.

    >>> marked("page.tex", "x")
    b'x\\n% written by symprop 73cb3858a687a849\\n'
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    data += b"" if data.endswith(b"\n") else b"\n"
    usual = (
        "<!-- {} -->" if data.startswith(b"<") else "% {}" if data.startswith((b"%", b"\\documentclass")) else "# {}"
    )
    comment = _COMMENTS.get(Path(path).suffix.lower(), usual)
    return data + (comment.format(f"{_WORDS} {_digest(data)}") + "\n").encode()


def is_own(content: bytes) -> bool:
    """Whether a file is as we wrote it, or weights.

    >>> own = marked("page.md", "x")
    >>> is_own(own), is_own(own.replace(b"x", b"y", 1)), is_own(b"x")
    (True, False, False)
    """
    found = _MARK.search(content[-200:])
    if found is None:
        return content.startswith(b"PK") and _WEIGHTS in content
    return found[1].decode() == _digest(content[: len(content) - len(found[0])])


def check_own(path: str | os.PathLike[str]) -> None:
    """Raise where a file stands that is not ours and not empty.

    Raises:
        OutputError: such a file.
    """
    if not os.path.isfile(path):
        return
    content = read_bytes(path, LARGEST)
    if content and not is_own(content):
        raise foreign(path)


def foreign(path: str | os.PathLike[str]) -> OutputError:
    """Return the error of a file that is not ours."""
    told = f"{shown(path, 200)} was not written by symprop, or was edited since; nothing was written"
    return OutputError(f"{told}\nallowed: --force to replace it, or another name")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
