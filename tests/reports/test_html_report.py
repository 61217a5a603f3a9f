"""Reports as HTML in a real browser: no request, no complaint; equation, code and certificate light up together."""

from __future__ import annotations

import html.parser
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import symprop
from symprop.notation.mathml import mathml
from tests.patience import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NETWORK = "Input(4) >> Dense(3) >> Tanh() >> Residual(Dense(3) >> ReLU()) >> Dense(2) >> SoftmaxCrossEntropy()"
WIDE = {"width": 1500, "height": 900}


class Checked(html.parser.HTMLParser):
    """Reads a page and keeps what is opened and not closed, and all ids."""

    EMPTY = frozenset({"meta", "br", "mspace", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if "href" in given else []
        if tag not in self.EMPTY:
            self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.EMPTY:
            return
        assert self.opened.pop() == tag


@pytest.fixture(scope="module")
def report() -> symprop.Report:
    return symprop.report(NETWORK)


@pytest.fixture(scope="module")
def file(report: symprop.Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("html") / "report.html"
    report.write(path)
    return path


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    """The report opened from disk; at the end nothing was asked of a network and nothing complained."""
    context = browser.new_context(viewport=WIDE, offline=True)
    opened = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(file.as_uri())
    yield opened
    context.close()
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    assert said == []


def test_the_page_is_well_formed_and_its_links_lead_somewhere(report: symprop.Report) -> None:
    read = Checked()
    read.feed(report.html().removeprefix("<!DOCTYPE html>"))
    assert read.opened == []
    assert len(read.ids) == len(set(read.ids))
    assert read.links and {link.removeprefix("#") for link in read.links} <= set(read.ids)
    for name in report.derivation.numbers:
        assert f"eq:{name}" in read.ids


def test_pointing_at_an_equation_lights_up_its_code_and_its_proof(page: Page) -> None:
    page.hover("[id='eq:delta1'] .found")
    lit = page.locator(".listing .line.main.lit").all_inner_texts()
    assert lit[0].strip().startswith("# (12) δ₁ =") and any("delta1 = (" in line for line in lit)
    assert not any("delta2 = " in line for line in lit)
    assert page.locator("[id='tab:certificate'] tr.lit").count() > 0
    proof = page.locator(".proof").inner_text()
    assert "50 digits, each step" in proof and "ok" in proof
    # the code came into view: asked again and again, as the page's policy lets no text be run in it as a script
    assert until(lambda: page.locator(".listing").evaluate("listing => listing.scrollTop") > 100)
    page.hover("h1")
    assert page.locator(".lit").count() == 0


def test_pointing_at_code_lights_up_its_equation(page: Page) -> None:
    line = page.locator(".listing .line.main", has_text="dW1 = delta1.T @ x").first
    line.scroll_into_view_if_needed()
    line.hover()
    assert "lit" in (page.locator("[id='eq:dW1']").get_attribute("class") or "")
    assert page.locator("[id='tab:checks'] tr.lit", has_text="complex step, full Jacobian").count() == 1
    line.click()  # stays, and brings the equation into view
    page.hover("h1")
    assert page.locator("[id='eq:dW1'].lit").count() == 1
    page.keyboard.press("Escape")
    page.hover("h1")
    assert page.locator(".lit").count() == 0


def test_the_keyboard_does_what_the_pointer_does(page: Page) -> None:
    page.focus("[id='eq:delta2'] summary")
    assert page.locator(".listing .line.main.lit").count() > 1


def test_all_steps_open_by_one_button_and_contents_lead_to_sections(page: Page) -> None:
    button = page.get_by_role("button", name="Expand all steps")
    assert page.locator("details.chain[open]").count() == 0
    button.click()
    assert page.locator("details.chain:not([open])").count() == 0 and page.locator("details.chain").count() > 3
    page.get_by_role("button", name="Fold all steps").click()
    assert page.locator("details.chain[open]").count() == 0
    links = page.get_by_role("navigation", name="Contents").get_by_role("link")
    assert links.all_inner_texts()[:3] == ["The network", "Notation", "Forward pass"]


def test_formulas_are_drawn_in_the_font_of_the_page(page: Page) -> None:
    assert page.evaluate("document.fonts.ready.then(() => document.fonts.check('16px Formulas'))")
    tall = page.evaluate(
        """() => { const rows = [...document.querySelectorAll('.equations math')];
                   return Math.max(...rows.map((each) => each.getBoundingClientRect().height)); }"""
    )
    assert 20 < tall < 90  # without a font with a MATH table a bracket may be many times as tall


def test_dark_and_light_and_small(browser: Browser, file: Path) -> None:
    found = []
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport={"width": 420, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(file.as_uri())
        found.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")  # nothing sticks out
        context.close()
    assert found[0] != found[1]


def test_it_prints_on_paper(browser: Browser, file: Path) -> None:
    """On paper everything is open and nothing is beside: the code follows the certificate."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(file.as_uri())
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("[...document.querySelectorAll('details')].every((each) => each.open)")
    main = page.locator("main").bounding_box()
    aside = page.locator("aside").bounding_box()
    assert main and aside and aside["y"] >= main["y"] + main["height"]
    assert page.pdf(format="A4").startswith(b"%PDF-")
    context.close()


def test_a_notebook_shows_the_page_in_a_frame(browser: Browser, report: symprop.Report) -> None:
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.set_content(f"<!DOCTYPE html><p>cell</p>{report._repr_html_()}")
    inside = page.frame_locator("iframe")
    assert inside.locator("h1").inner_text() == report.title
    inside.locator("[id='eq:delta2'] .found").hover()
    assert inside.locator(".listing .line.lit").count() > 0  # the script runs inside
    context.close()


def test_an_underscore_in_a_name_stays_one(report: symprop.Report) -> None:
    assert "my_own</mtext>" in mathml(r"\operatorname{my\_own}(z_1)")


def test_a_layer_stays_in_one_word_on_a_telephone(browser: Browser, file: Path) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 800})
    page = context.new_page()
    page.goto(file.as_uri())
    box = page.locator("[id='tab:layers'] code", has_text="Dense").first.bounding_box()
    assert box is not None and box["height"] < 30  # one line
    context.close()
