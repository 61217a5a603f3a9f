"""A report as PDF: what a computation has written as LaTeX is compiled here, since a computation may write no files."""

from __future__ import annotations

import base64
import json

from symprop.errors import LimitError, OutputError
from symprop.reports.pdf import compiled
from symprop.server.fragments import KINDS
from symprop.server.worker import in_words


def printed(answer: bytes) -> bytes:
    """Return the answer with the PDF in place of its LaTeX, where a PDF is wanted, or the problem in words.

    >>> printed(b'{"ok": true, "text": "<p>", "kind": "text/html"}')
    b'{"ok": true, "text": "<p>", "kind": "text/html"}'
    """
    found = json.loads(answer)
    if found.get("kind") != KINDS["pdf"]:
        return answer
    try:
        pdf = compiled(found.pop("text"))
    except (OutputError, LimitError) as problem:
        return json.dumps(in_words(problem)).encode("ascii")
    return json.dumps({**found, "base64": base64.b64encode(pdf).decode("ascii")}).encode("ascii")
