"""Certificates on the command line: a row for each oracle and the worst ones, or all; as fields of JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from symprop.commands.outcome import terminal_width

if TYPE_CHECKING:
    from symprop.verify.certificate import Certificate


def proof(certificate: Certificate, full: bool) -> str:
    """Return a certificate as it is printed: it fits the terminal, and is whole in a pipe."""
    width = terminal_width()
    return certificate.table(width) if full else certificate.brief(width)


def certificate_fields(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate as fields: every row, whatever is printed."""
    rows = [
        {
            "name": row.name,
            "oracle": row.oracle,
            "points": row.points,
            "error": float(row.error),
            "limit": float(row.limit),
            "verdict": row.verdict,
            "note": row.note,
        }
        for row in certificate.rows
    ]
    said = {"ok": certificate.ok, "stable": certificate.stable, "summary": certificate.summary}
    more = {"remarks": certificate.remarks, "unreached": certificate.unreached, "seconds": certificate.seconds}
    return {**said, "rows": rows, **more}
