"""Make the pictures of the README anew: `make pictures`.

`docs/pictures/report.png` shows two pages of a report as PDF, `html.png` the same report in a browser with an equation
pointed at, `serve.png` the page of `symprop serve`, and `benchmarks/results/steps.svg` the plot of the committed
measurements. It needs TeX and pdftoppm, Chromium, and the `pictures` extra.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageOps
from playwright.sync_api import sync_playwright

import symprop
from symprop.server.handler import Handler
from symprop.server.limits import Limits
from symprop.server.listening import Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"
NETWORK = "Input(64) >> Dense(32) >> Tanh() >> Residual(Dense(32) >> ReLU()) >> Dense(10) >> SoftmaxCrossEntropy()"
PAGES = (1, 3)
"""The pages of the report that are shown."""


def report_pages(report: symprop.Report, target: Path) -> None:
    """Draw two pages of the report's PDF side by side."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.pdf"
        report.pdf(path)
        drawn = []
        for page in PAGES:
            span = ("-f", str(page), "-l", str(page), "-singlefile", "-r", "96", "-png")
            subprocess.run(["pdftoppm", *span, str(path), str(path.with_name(f"page{page}"))], check=True)
            with Image.open(path.with_name(f"page{page}.png")) as image:
                drawn.append(ImageOps.expand(image.convert("RGB"), border=1, fill="#c8c8c8"))
    gap = 18
    width, height = sum(image.width for image in drawn) + gap * (len(drawn) - 1), max(image.height for image in drawn)
    whole = Image.new("RGB", (width, height), "white")
    left = 0
    for image in drawn:
        whole.paste(image, (left, 0))
        left += image.width + gap
    whole.quantize(64).save(target, optimize=True)


def html_page(report: symprop.Report, browser: Browser, target: Path) -> None:
    """Draw the HTML report with the pointer on an equation, whose code and certificate are lit."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        report.write(path)
        page = browser.new_page(viewport={"width": 1440, "height": 860})
        page.goto(path.as_uri())
        page.evaluate("document.getElementById('sec:recurrence').scrollIntoView()")
        page.hover("tr[id='eq:delta1'] .left")
        page.wait_for_timeout(1500)  # the code scrolls to the lines that are lit
        page.screenshot(path=target)
        page.close()


def served_page(browser: Browser, target: Path) -> None:
    """Draw the page of `symprop serve` after a network was typed."""
    server = Server(Handler, 0, Limits())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page = browser.new_page(viewport={"width": 1440, "height": 860})
        page.goto(server.address)
        page.get_by_text("Residual block, softmax").click()
        page.wait_for_timeout(8000)  # the certificate comes last
        page.get_by_role("heading", name="Backward pass").scroll_into_view_if_needed()
        page.mouse.wheel(0, 260)
        page.wait_for_timeout(500)
        page.screenshot(path=target)
        page.close()
    finally:
        server.shutdown()
        server.server_close()


def benchmark_plot() -> None:
    """Draw the committed measurements."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.step_plot import plot

    results = ROOT / "benchmarks" / "results" / "steps.json"
    plot(json.loads(results.read_text(encoding="utf-8"))["steps"], results.with_suffix(".svg"))


def main() -> None:
    """Make all pictures."""
    PICTURES.mkdir(exist_ok=True)
    report = symprop.report(NETWORK)
    report_pages(report, PICTURES / "report.png")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        html_page(report, browser, PICTURES / "html.png")
        served_page(browser, PICTURES / "serve.png")
        browser.close()
    benchmark_plot()
    for picture in sorted(PICTURES.glob("*.png")):
        print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
