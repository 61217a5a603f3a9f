"""The page in a real Chromium: type, see, copy, download, wrong input, two tabs; narrow, wide, dark and light."""

from __future__ import annotations

import contextlib
import re
import runpy
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import numpy as np
import pytest

import symprop
from symprop.server.limits import Limits
from tests.patience import PATIENCE, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

NETWORK = "Input(4) >> Dense(3) >> Tanh() >> Dense(2) >> SoftmaxCrossEntropy()"
SMALL = "Input(2) >> Dense(1) >> MeanSquaredError()"
BLOCKS = "Input(n) >> Repeat(Residual(Dense(n) >> Tanh()), N) >> MeanSquaredError()"
WRONG = (
    "Input(64) >> Dense(128) >> ReLU() >> Residual(Dense(128) >> ReLU()) >> Dense(128) >> ReLU() >> Dence(10) >> "
    "SoftmaxCrossEntropy()"
)
DONE = "#certificate .verdict"


@pytest.fixture
def context(browser: Browser, site: Any) -> Iterator[BrowserContext]:
    """A profile of its own; at the end nothing went wrong in it, and nothing was asked of anybody but our server."""
    made = browser.new_context(permissions=["clipboard-read", "clipboard-write"], accept_downloads=True)
    told: list[str] = []
    asked: list[str] = []
    made.on("console", lambda message: told.append(f"{message.type}: {message.text}"))
    made.on("weberror", lambda error: told.append(str(error.error)))
    made.on("request", lambda request: asked.append(request.url))
    yield made
    made.close()
    assert told == []
    assert {urlsplit(address).netloc for address in asked if not address.startswith("blob:")} <= {site.host}


@pytest.fixture
def page(context: BrowserContext, site: Any) -> Page:
    """The page, open and empty."""
    opened = context.new_page()
    opened.set_default_timeout(1000 * PATIENCE)
    opened.goto(f"{site.server.address}#text=")
    return opened


def words(page: Page, selector: str) -> str:
    """What is read there, without spaces; letters of formulas as plain letters."""
    return plain(page.locator(selector).first.inner_text())


def plain(text: str) -> str:
    return unicodedata.normalize("NFKC", re.sub(r"\s+", "", text))


def pasted(page: Page) -> str:
    """What lies in the clipboard, by pasting it."""
    field = page.get_by_label("Network or formula")
    field.fill("")
    field.press("Control+V")
    return field.input_value()


def test_typing_a_network_shows_shapes_recurrence_code_and_certificate(page: Page) -> None:
    page.get_by_label("Network or formula").press_sequentially(NETWORK, delay=2)
    page.wait_for_selector(DONE)
    assert words(page, "#kind") == "·readasanetwork"
    assert not page.locator("#shapes").is_visible()
    page.get_by_text("Shapes", exact=True).click()
    assert "(3,4)" in words(page, "#shapes")
    assert words(page, "[data-name=delta1] .formula") == "δ1=(W2⊤δ2)⊙(1−a1⊙a1)"
    assert page.locator(".read .equation").count() == len(list(symprop.derive(NETWORK).equations))
    assert page.locator("#code code").inner_text().strip() == symprop.generate(NETWORK).strip()
    assert "checks,allagree" in words(page, DONE)
    assert page.locator("#certificate tr.ok").count() == len(symprop.check(NETWORK).rows)
    assert page.locator("#status").inner_text().endswith("all agree")


def test_steps_open_with_rule_reason_and_formula(page: Page) -> None:
    page.get_by_label("Network or formula").fill(NETWORK)
    page.locator("[data-name=delta2] summary").click()
    page.wait_for_selector("[data-name=delta2] .rule")
    rules = page.locator("[data-name=delta2] .rule").all_inner_texts()
    assert [rule.split(",")[0] for rule in rules[-3:]] == ["sums to one", "distribute", "cancel"]
    assert "because" in rules[-3] and page.locator("[data-name=delta2] .steps math").count() > len(rules)
    page.get_by_label("Network or formula").fill(NETWORK.replace("Tanh", "Sigmoid"))
    assert until(lambda: "σ" in words(page, "[data-name=a1]"))
    page.wait_for_selector("[data-name=delta2] details[open] .rule")  # what was open stays open


def test_latex_is_copied(page: Page) -> None:
    page.get_by_label("Network or formula").fill(NETWORK)
    page.wait_for_selector("[data-name=delta1]")
    page.locator("[data-name=delta1]").hover()
    page.get_by_label("Copy the LaTeX of delta1").first.click()
    page.wait_for_selector(".copy.done")
    equation = symprop.derive(NETWORK).equation("delta1")
    assert pasted(page) == f"{equation.target.latex()} = {equation.expression.latex()}"
    page.get_by_label("Network or formula").fill(NETWORK)
    page.locator("#copy-latex").click()
    assert until(lambda: words(page, "#copy-latex") == "Copied")
    everything = pasted(page)
    assert everything.startswith(r"\begin{align}") and everything.count(r"\tag{") == 11
    page.get_by_label("Network or formula").fill(NETWORK)
    page.wait_for_selector("#copy-code:visible")
    page.locator("#copy-code").click()
    assert until(lambda: words(page, "#copy-code") == "Copied")
    assert pasted(page) == symprop.generate(NETWORK)


def test_latex_is_copied_where_the_browser_has_no_clipboard(page: Page) -> None:
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.evaluate("document.addEventListener('copy', () => { window.copied = getSelection().toString(); })")
    page.get_by_label("Network or formula").fill(NETWORK)
    page.wait_for_selector("[data-name=p]")  # an example is answered when the page opens
    page.get_by_label("Copy the LaTeX of delta2").first.click()
    page.wait_for_selector(".copy.done")
    assert page.evaluate("window.copied") == r"\delta_2 = p - y"


def test_the_code_is_downloaded_and_runs(page: Page, tmp_path: Path) -> None:
    page.get_by_label("Network or formula").fill(NETWORK)
    page.wait_for_selector("#download:visible")
    page.get_by_label("Numbers").select_option("float32")
    page.get_by_label("Optimiser").select_option("adam")
    assert until(lambda: "train_step" in words(page, "#code"))
    page.wait_for_selector("#download:visible")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    assert waiting.value.suggested_filename == "network.py"
    waiting.value.save_as(tmp_path / "network.py")
    assert (tmp_path / "network.py").read_text() == symprop.generate(NETWORK, dtype="float32", optimizer="adam")
    module = runpy.run_path(str(tmp_path / "network.py"))
    params = module["init_params"](seed=0)
    loss, grads = module["loss_and_grads"](params, np.ones((5, 4), "f4"), np.array([0, 1, 0, 1, 1]))
    assert np.isfinite(loss) and grads["W1"].shape == (3, 4)


def test_a_formula_has_its_declarations_and_its_question(page: Page) -> None:
    page.get_by_label("Network or formula").fill("sum(log(1 + exp(-y * (X @ w))))")
    page.wait_for_selector("[data-name=gradient_w]")  # shapes are inferred, and all gradients given
    assert words(page, "#readings") == "shapesreadasX:mn,y:m,w:n"
    page.get_by_label("where").fill("X: r c")
    assert until(lambda: words(page, "#readings") == "shapesreadasX:rc,y:r,w:c")  # what is declared stays
    page.get_by_label("where").fill("X: m n, w: n, y: m")
    page.get_by_label("with respect to", exact=True).fill("w")
    page.wait_for_selector("[data-name=gradient]")
    assert until(lambda: "σ" in words(page, "[data-name=gradient]"))
    assert words(page, "[data-name=gradient] .right") == "−X⊤(y⊙σ(−y⊙(Xw)))"
    page.get_by_label("Question").select_option("hvp")
    page.get_by_label("along").fill("u")
    page.wait_for_selector("[data-name=hvp]")
    assert until(lambda: words(page, "[data-name=hvp] .left").endswith("u"))
    page.wait_for_selector(DONE)
    assert page.locator("#names option").evaluate_all("all => all.map((one) => one.value)") == ["X", "w", "y"]


def test_a_reading_is_chosen_by_a_click(page: Page) -> None:
    page.get_by_label("Network or formula").fill("sum((X * w)**2)")
    page.wait_for_selector("#readings:visible")
    assert "has 2 readings" in page.locator("#problem-text").inner_text()
    page.get_by_role("button", name="X: m n, w:", exact=True).click()
    page.wait_for_selector("[data-name=gradient_w]")
    assert page.get_by_label("where").input_value() == "X: m n, w:" and not page.locator("#readings").is_visible()


def caret(page: Page) -> tuple[str, str]:
    """The text above the caret, and the place of the caret, both as they are drawn."""
    shown, below = page.locator("#problem-text pre").inner_text().split("\n")[:2]
    start, width = len(below) - len(below.lstrip()), below.count("^")
    above = page.evaluate(
        """([start, width]) => {
          const pre = document.querySelector("#problem-text pre"), range = document.createRange();
          range.setStart(pre.firstChild, start);
          range.setEnd(pre.firstChild, start + width);
          const text = range.getBoundingClientRect(), caret = pre.querySelector("b").getBoundingClientRect();
          const box = pre.getBoundingClientRect();
          return [text.left - caret.left, text.right - caret.right, caret.right < box.right, text.left > box.left];
        }""",
        [start, width],
    )
    assert abs(above[0]) < 1 and abs(above[1]) < 1 and above[2] and above[3]
    return shown, shown[start : start + width]


@pytest.mark.parametrize("width", [400, 1400])
def test_wrong_input_has_a_caret_under_its_column_however_it_wraps(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.get_by_label("Network or formula").fill(WRONG)
    page.wait_for_selector("#problem-text pre")
    assert caret(page)[1] == "Dence"
    assert "unknown layer 'Dence' (did you mean 'Dense'?)" in page.locator("#problem-text").inner_text()
    assert page.get_by_label("Network or formula").get_attribute("aria-invalid") == "true"
    mark = page.locator("[data-marks=text] mark")
    assert mark.inner_text() == "Dence" and mark.evaluate("one => one.getClientRects().length") == 1
    same = page.evaluate(
        """() => ["width", "height", "font", "padding", "lineHeight", "whiteSpace", "overflowWrap"].map(
          (name) => getComputedStyle(document.querySelector("#text"))[name] ===
                    getComputedStyle(document.querySelector("[data-marks=text]"))[name])"""
    )
    assert all(same)  # so that the mark lies on the word that it is about
    page.get_by_role("button", name=f"Go to column {WRONG.index('Dence') + 1}").click()
    assert page.evaluate("getSelection().toString()") == "Dence"
    page.keyboard.type("Dense")
    page.wait_for_selector("#answer .equation")
    assert page.locator(".problem:not(:empty)").count() == 0 and page.locator("mark").count() == 0


def test_a_caret_on_a_later_line_and_after_characters_of_two_units(page: Page) -> None:
    page.get_by_label("Network or formula").fill("Input(4) >>\n  Dence(3)")
    page.wait_for_selector("#problem-text pre")
    assert caret(page) == ("  Dence(3)", "Dence")
    page.get_by_role("button", name="Go to line 2, column 3").click()
    assert page.evaluate("getSelection().toString()") == "Dence"
    page.get_by_label("Network or formula").fill("Input(4) >> 😀")
    assert until(lambda: "😀" in words(page, "#problem-text"))
    assert page.locator("[data-marks=text] mark").inner_text() == "😀"


def test_a_wrong_declaration_is_told_under_its_own_field(page: Page) -> None:
    page.get_by_label("Network or formula").fill("sum(X @ w)")
    page.get_by_label("where").fill("X: m n, w: n symetric")
    page.wait_for_selector("#problem-where pre")
    assert page.locator("[data-marks=where] mark").inner_text() == "w: n symetric"
    assert page.locator("#problem-text").inner_text() == ""


def test_what_was_right_stays_in_sight_while_the_text_is_wrong(page: Page) -> None:
    page.get_by_label("Network or formula").fill(NETWORK)
    page.wait_for_selector("[data-name=delta1]")
    page.get_by_label("Network or formula").fill(NETWORK + " >>")
    page.wait_for_selector("#problem-text pre")
    assert page.locator("[data-name=delta1]").is_visible()
    assert "stale" in (page.locator("#results").get_attribute("class") or "")


def test_sizes_by_name_ask_for_numbers(page: Page) -> None:
    page.get_by_label("Network or formula").fill(BLOCKS)
    page.wait_for_selector("#sizes:visible")
    page.get_by_label("N =", exact=True).fill("2")
    page.get_by_label("n =", exact=True).fill("3")
    expected = symprop.generate(symprop.parse_network(BLOCKS).with_sizes({"N": 2, "n": 3}))
    assert until(lambda: page.locator("#copy-code").get_attribute("data-copy") == expected)
    assert "a(l)" in words(page, ".read")
    page.reload()
    assert until(lambda: page.locator("#copy-code").get_attribute("data-copy") == expected)
    page.get_by_label("Network or formula").fill(NETWORK)
    page.wait_for_selector("#sizes", state="hidden")
    page.wait_for_selector(f"{DONE}.ok")


def test_a_size_that_is_none_is_told_of_and_not_taken(page: Page) -> None:
    page.get_by_label("Network or formula").fill(BLOCKS)
    page.wait_for_selector("#sizes:visible")
    field, said = page.get_by_label("N =", exact=True), page.locator("#problem-sizes")
    for wrong in ("0", "", "2.5", "100001"):
        field.fill(wrong)
        assert said.inner_text() == "N is a whole number from 1 to 100,000"
        assert field.get_attribute("aria-invalid") == "true"
    field.fill("2")
    assert said.inner_text() == "" and field.get_attribute("aria-invalid") == "false"
    field.fill("")
    page.get_by_label("Network or formula").fill(NETWORK)
    page.wait_for_selector("#sizes", state="hidden")
    assert said.inner_text() == ""


def test_two_tabs_are_independent_and_a_reload_keeps_the_text(context: BrowserContext, site: Any) -> None:
    first, second = context.new_page(), context.new_page()
    for tab, text in ((first, NETWORK), (second, BLOCKS)):
        tab.goto(site.server.address)
        tab.get_by_label("Network or formula").fill(text)
    first.wait_for_selector("[data-name=p]")  # an example is answered when the page opens
    second.wait_for_selector("#sizes:visible")
    assert "δ2" in words(first, ".read") and "δ(l)" in words(second, ".read")
    assert first.get_by_label("Network or formula").input_value() == NETWORK
    first.reload()
    assert first.get_by_label("Network or formula").input_value() == NETWORK
    first.wait_for_selector("[data-name=delta2]")
    third = context.new_page()
    third.goto(second.url)
    third.wait_for_selector("#sizes:visible")
    assert third.get_by_label("Network or formula").input_value() == BLOCKS


def test_each_example_is_a_click_away(page: Page) -> None:
    buttons = page.get_by_role("navigation", name="Examples").get_by_role("button")
    assert buttons.count() >= 6
    for button in buttons.all():
        button.click()
        page.wait_for_selector("#results:not(.stale)")
        assert button.get_attribute("aria-pressed") == "true"
        assert page.locator(".read .equation").count() >= 2 and page.locator("mark").count() == 0


def test_a_stopped_certificate_says_so(browser: Browser, start: Any) -> None:
    site = start(Limits(seconds=4))
    with contextlib.closing(browser.new_context()) as own:
        page = own.new_page()
        text = "Input(40, 4) >> LSTM(4, sequence=False) >> Dense(2) >> MeanSquaredError()"
        page.goto(f"{site.server.address}#text={quote(text)}")
        page.wait_for_selector("#certificate .said-no")
        assert "stopped: the certificate takes more than 4 s" in page.locator("#certificate").inner_text()
        assert page.locator(".read .equation").count() > 10  # which takes a thirtieth of the time


def test_hostile_text_is_shown_and_never_run(page: Page) -> None:
    page.evaluate("() => { window.alert = () => console.error('alert'); }")
    for text in (
        "<img src=x onerror=alert(1)>",
        'Input(2) >> Activation("x", name="<b onclick=alert(1)>")',
        "</script>",
    ):
        page.get_by_label("Network or formula").fill(text)
        page.wait_for_selector("#problem-text:not(:empty)")
        page.wait_for_timeout(400)
    assert page.locator("#results img, #problem-text img, #problem-text script").count() == 0


def test_a_line_of_ones_own_is_compared_and_kept_in_the_address(page: Page) -> None:
    page.get_by_label("Network or formula").fill(NETWORK)
    mine = page.get_by_label("A line of your own")
    mine.fill("delta1 = (W2.T @ delta2) * (1 - a1)")
    page.wait_for_selector("#compared .verdict.failed")
    assert "not equal" in page.locator("#compared").inner_text()
    mine.fill("delta1 = W2 @ delta2")
    page.wait_for_selector("#problem-mine:not(:empty)")
    assert mine.get_attribute("aria-invalid") == "true" and not page.locator("#compared").inner_text()
    mine.fill(r"\delta_1 = \left(W_2^\top \delta_2\right) \odot (1 - a_1^2)")
    page.wait_for_selector("#compared .verdict.ok")
    page.wait_for_selector(DONE)
    page.reload()
    page.wait_for_selector("#compared .verdict.ok")
    page.get_by_label("Network or formula").fill("x @ A @ x")
    page.wait_for_selector("#problem-mine:not(:empty)")
    assert "allowed" in page.locator("#problem-mine").inner_text()


def test_the_page_fits_its_window_in_light_and_dark(page: Page) -> None:
    page.get_by_label("Network or formula").fill(BLOCKS)
    page.wait_for_selector("#diagram svg")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        looks = (
            "['color', 'backgroundColor'].map((one) => getComputedStyle(document.body)[one].match(/\\d+/g).map(Number))"
        )
        ink, paper = page.evaluate(looks)
        assert (sum(ink) < sum(paper)) == (scheme == "light") and abs(sum(ink) - sum(paper)) > 400
    assert page.evaluate("document.fonts.check('16px Formulas')")


LIT = "() => Array.from(document.querySelectorAll('.lit'), (one) => one.tagName.toLowerCase())"


def test_an_address_alone_opens_on_an_answer_above_the_fold_that_lights_up(context: BrowserContext, site: Any) -> None:
    page = context.new_page()
    for width, height in ((390, 844), (1280, 800)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto("about:blank")
        page.goto(site.server.address)
        page.wait_for_selector("#answer [data-name=dW1]")
        bottom = page.locator("#answer [data-name=dW1]").bounding_box()
        assert bottom is not None and bottom["y"] + bottom["height"] < height
    page.wait_for_selector("#code [data-names=delta1]")
    page.wait_for_selector("#diagram [data-names=delta1]")
    page.locator("#answer [data-name=delta1]").hover()
    assert page.evaluate(LIT) == [
        "div",
        "g",
        "span",
        "span",
    ]  # the equation, its box, its formula in the code, its line
    page.locator("#diagram [data-names=dW2]").hover()
    assert page.locator("#answer .lit").get_attribute("data-name") == "dW2"
    page.mouse.move(0, 0)
    page.locator("#answer [data-name=delta2] summary").focus()
    assert page.locator("#diagram .lit").get_attribute("data-names") == "delta2"
    page.locator("#diagram [tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.names") == "z1"
    assert page.locator(".read .lit").get_attribute("data-name") == "z1"
    said = page.locator("#answer [data-name=delta2] .right math").get_attribute("alttext")
    assert said == "z sub 2 minus y"


def test_names_complete_as_one_types(page: Page) -> None:
    field = page.get_by_label("Network or formula")
    field.press_sequentially("Input(4) >> De")
    assert page.get_by_role("option").first.inner_text().startswith("Dense(size")
    page.keyboard.press("Tab")
    assert field.input_value() == "Input(4) >> Dense" and not page.get_by_role("listbox").is_visible()
    field.fill("")
    field.press_sequentially("sum(log")
    assert not page.get_by_role("listbox").is_visible()  # the word is whole
    field.press_sequentially("_s")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert field.input_value() == "sum(log_softmax"
    field.press_sequentially("(ma")
    page.keyboard.press("Escape")
    assert not page.get_by_role("listbox").is_visible() and field.input_value().endswith("(ma")


def test_a_slider_writes_a_size_into_the_text(page: Page) -> None:
    page.get_by_label("Network or formula").fill(NETWORK)
    page.wait_for_selector("#widths input")
    page.locator("#widths input").nth(1).fill("5")
    assert page.get_by_label("Network or formula").input_value() == NETWORK.replace("Dense(3)", "Dense(5)")
    assert until(lambda: "(5,)" in words(page, "#answer [data-name=delta1] .shape"))


def test_the_answer_is_taken_away(page: Page, browser: Browser, tmp_path: Path) -> None:
    def saved(button: str) -> Path:
        with page.expect_download() as waiting:
            page.get_by_role("button", name=button, exact=True).click()
        waiting.value.save_as(tmp_path / waiting.value.suggested_filename)
        return tmp_path / waiting.value.suggested_filename

    page.get_by_label("Network or formula").fill(SMALL)
    page.wait_for_selector("#pictures:visible")
    assert saved("Save SVG").read_text().startswith("<svg") and saved("Save PNG").read_bytes()[1:4] == b"PNG"
    assert saved("LaTeX").read_text() == symprop.report(SMALL).latex()
    path = saved("Save as one page")
    with contextlib.closing(browser.new_context(offline=True)) as own:
        told: list[str] = []
        offline = own.new_page()
        offline.on("console", lambda message: told.append(message.text))
        offline.on("requestfailed", lambda request: told.append(request.url))
        offline.goto(path.as_uri())
        assert words(offline, "[data-name=delta1] .formula") == "δ1=z1−y"
        offline.get_by_role("button", name="Open all steps").click()
        steps = symprop.derive(SMALL).steps("delta1")
        assert offline.locator("[data-name=delta1] .rule:visible").count() == len(steps)
        offline.locator("#answer [data-name=delta1] summary").hover()
        assert "g" in offline.evaluate(LIT) and told == []


def test_everything_is_reached_by_the_keyboard_and_named(page: Page) -> None:
    page.get_by_label("Network or formula").focus()
    page.keyboard.type(NETWORK)
    page.wait_for_selector("#copy-code:visible")
    unnamed = page.evaluate(
        """() => Array.from(document.querySelectorAll("input, select, textarea, button")).filter(
          (one) => !(one.labels?.length || one.getAttribute("aria-label") || one.textContent.trim())).length"""
    )
    assert unnamed == 0
    page.locator("[data-name=delta2] summary").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-name=delta2] .rule")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") in {"copy", "scroll", "formula scroll"}


def test_a_server_that_has_gone_is_told_of(browser: Browser, site: Any) -> None:
    with contextlib.closing(browser.new_context()) as own:
        page = own.new_page()
        page.goto(site.server.address)
        page.route("**/compute", lambda route: route.abort())
        page.get_by_label("Network or formula").fill(NETWORK)
        page.wait_for_selector("#problem-text:not(:empty)")
        assert "does not answer" in page.locator("#problem-text").inner_text()


def test_a_page_of_an_earlier_start_says_that_it_is_to_be_reloaded(browser: Browser, site: Any) -> None:
    with contextlib.closing(browser.new_context()) as own:
        page = own.new_page()
        page.goto(site.server.address)
        earlier = {"x-symprop-key": "earlier"}
        page.route("**/compute", lambda route: route.continue_(headers={**route.request.headers, **earlier}))
        page.get_by_label("Network or formula").fill(NETWORK)
        page.wait_for_selector("#problem-text:not(:empty)")
        assert "started anew: reload the page" in page.locator("#problem-text").inner_text()
