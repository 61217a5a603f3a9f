"""The page: one file of HTML with its style and its script, made once for a start of the server."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from markupsafe import Markup

from symprop.formulas.ask import QUESTIONS
from symprop.limits import DTYPES
from symprop.networks.network import LAYOUTS
from symprop.networks.optimisers import OPTIMISERS
from symprop.notation.svg import STYLE
from symprop.reports.pdf import is_installed
from symprop.server.asked import ENDINGS
from symprop.server.examples import EXAMPLES
from symprop.server.vocabulary import FACTS, VOCABULARY
from symprop.templating import directory, environment


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_QUESTIONS = {name: question.name for name, question in QUESTIONS.items()}


def _json(value: Any) -> Markup:
    """Write a value as JSON that can stand inside of a page."""
    return Markup(json.dumps(value).replace("<", "\\u003c"))


@dataclass(frozen=True)
class Page:
    """What the browser gets: the page, its policy, the font of formulas and the icon; `key` is that of this start."""

    key: str
    seconds: float

    @cached_property
    def _style(self) -> str:
        return environment("html").get_template("page/style.css.j2").render()

    @cached_property
    def _script(self) -> str:
        return environment("html").get_template("page/scripts/main.js.j2").render()

    @cached_property
    def _lights(self) -> str:
        return environment("html").get_template("page/scripts/lights.js.j2").render()

    @cached_property
    def html(self) -> bytes:
        """The page, in which all text is escaped and nothing comes from elsewhere."""
        template = environment("html").get_template("page.html.j2")
        return template.render(
            style=Markup(self._style),
            script=Markup(self._script),
            lights=Markup(self._lights),
            vocabulary=_json(
                [{"name": each.name, "call": each.call, "told": each.told, "layer": each.layer} for each in VOCABULARY]
            ),
            reports=ENDINGS if is_installed() else {name: title for name, title in ENDINGS.items() if name != "pdf"},
            key=self.key,
            seconds=f"{self.seconds:g}",
            examples=EXAMPLES,
            example_data=_json(list(EXAMPLES.values())),
            questions=_QUESTIONS,
            layouts=LAYOUTS,
            dtypes=DTYPES,
            optimizers=tuple(OPTIMISERS),
        ).encode()

    @cached_property
    def _language(self) -> bytes:
        """The page that says what one can type, made from the tables that read it."""
        template = environment("html").get_template("page/language.html.j2")
        return template.render(style=Markup(self._style), words=VOCABULARY, facts=FACTS, questions=_QUESTIONS).encode()

    @cached_property
    def policy(self) -> str:
        """What the page may do: run its own script, ask its own server, and nothing else."""
        return "; ".join(
            (
                "default-src 'none'",
                f"script-src {_hash(self._script)} {_hash(self._lights)}",
                f"style-src {_hash(self._style)} {_hash(STYLE)}",
                "font-src 'self'",
                "img-src 'self' blob:",  # a picture of the diagram
                "connect-src 'self'",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
            )
        )

    @cached_property
    def files(self) -> dict[str, tuple[str, bytes]]:
        """All that is served, by its path: the page, the font of formulas, the icon of the tab."""
        icon = environment("html").get_template("page/icon.svg.j2").render().encode()
        return {
            "/": ("text/html; charset=utf-8", self.html),
            "/math.woff2": ("font/woff2", (directory() / "html" / "math.woff2").read_bytes()),
            "/language": ("text/html; charset=utf-8", self._language),
            "/icon.svg": ("image/svg+xml", icon),
        }
