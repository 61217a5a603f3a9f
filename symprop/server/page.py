"""The page: one file of HTML with its style and its script, made once for a start of the server."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from markupsafe import Markup

from symprop.codegen.targets.target import DTYPES
from symprop.formulas.ask import QUESTIONS
from symprop.networks.network import LAYOUTS
from symprop.networks.optimisers import OPTIMISERS
from symprop.server.examples import EXAMPLES
from symprop.templating import directory, environment


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


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
        return environment("html").get_template("page/script.js.j2").render()

    @cached_property
    def html(self) -> bytes:
        """The page, in which all text is escaped and nothing comes from elsewhere."""
        template = environment("html").get_template("page.html.j2")
        return template.render(
            style=Markup(self._style),
            script=Markup(self._script),
            key=self.key,
            seconds=f"{self.seconds:g}",
            examples=EXAMPLES,
            example_data=Markup(json.dumps(list(EXAMPLES.values())).replace("<", "\\u003c")),
            questions={name: question.name for name, question in QUESTIONS.items()},
            layouts=LAYOUTS,
            dtypes=DTYPES,
            optimizers=tuple(OPTIMISERS),
        ).encode()

    @cached_property
    def policy(self) -> str:
        """What the page may do: run its own script, ask its own server, and nothing else."""
        return "; ".join(
            (
                "default-src 'none'",
                f"script-src {_hash(self._script)}",
                f"style-src {_hash(self._style)}",
                "font-src 'self'",
                "img-src 'self'",
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
            "/icon.svg": ("image/svg+xml", icon),
        }
