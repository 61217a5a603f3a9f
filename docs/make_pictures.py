"""Make the pictures of the README anew: `make pictures`.

`docs/pictures/glance.png` shows what symprop does at one glance: a network as text, its backward pass, its code.
`report.png` shows two pages of a report as PDF, `html.png` the same report in a browser with an equation pointed at,
`serve.png` the page of `symprop serve`, and `benchmarks/results/steps.svg` the plot of the committed
measurements. It needs TeX and pdftoppm, Chromium, and the `pictures` extra.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import escape
from PIL import Image, ImageOps
from playwright.sync_api import sync_playwright

import symprop
from symprop.notation.html_document import math, math_font
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
GLANCE = """<!doctype html><meta charset="utf-8"><style>
@font-face { font-family: formulas; src: url(FONT) }
body { margin: 0; padding: 22px 26px; width: 1228px; font: 17px/1.5 "Noto Sans", "DejaVu Sans", sans-serif }
main { display: grid; grid-template-columns: 320px 420px 1fr; gap: 26px }
h2 { margin: 0 0 10px; padding-bottom: 5px; border-bottom: 2px solid #1f5fa8; font-size: 18px; color: #1f5fa8 }
pre { margin: 0; font: 15px/1.6 "DejaVu Sans Mono", monospace }
.code { font-size: 12.5px; line-height: 1.62 }
.code i { font-style: normal; color: #1f5fa8 }
math { font-family: formulas, math; font-size: 22px }
td { padding: 5px 7px 5px 0; vertical-align: middle } td:last-child { color: #777; font-size: 14px }
p { margin: 14px 0 0; color: #444 } b { color: #207a3c }
</style><main>
<div><h2>You write a line</h2><pre>NETWORK</pre>
<p>or a formula of matrices,<br>or LaTeX, or NumPy that you have.</p></div>
<div><h2>symprop derives</h2><table>EQUATIONS</table></div>
<div><h2>and writes the code</h2><pre class="code">CODE</pre></div>
</main>
<p><b>CHECKS.</b> Each step, equation and gradient is confirmed by ways that share nothing with the derivation.</p>
"""
SHOWN = ("delta3", "da2", "delta2", "delta1", "dW3", "dW2", "dW1")


def glance(browser: Browser, target: Path) -> None:
    """Draw a network as text, the equations of its backward pass and their code side by side, with the certificate."""
    derivation = symprop.derive(NETWORK)
    backward = symprop.generate(NETWORK).partition("def backward(")[2].partition("m = len(x)\n\n")[2]
    lines = [line.strip() for line in backward.partition("\n\n")[0].splitlines()]
    numbers = {left: number for line in lines for number, left in re.findall(r"^# (\(\d+\)) (\S+) = ", line)}
    rows = ""
    for name in SHOWN:
        equation = derivation.equation(name)
        left, right = equation.latex().split(" = ", 1)
        cells = (math(left), math("="), math(right), numbers[equation.pretty().split(" = ")[0]])
        rows += f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    code = "\n".join(f"<i>{escape(line)}</i>" if line.startswith("#") else str(escape(line)) for line in lines)
    layers = NETWORK.replace(" >> ", "\n  >> ").replace("Residual(Dense(32)\n  >> ", "Residual(Dense(32) >> ")
    parts = {"NETWORK": escape(layers), "EQUATIONS": rows, "CODE": code, "FONT": math_font()}
    page = GLANCE.replace("CHECKS", symprop.check(NETWORK).summary)
    for mark, part in parts.items():
        page = page.replace(mark, str(part))
    shown = browser.new_page(viewport={"width": 1280, "height": 400}, device_scale_factor=1.5)
    shown.set_content(page)
    shown.wait_for_timeout(500)  # until the font is there
    shown.screenshot(path=target, full_page=True)
    shown.close()


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
        page.evaluate("document.getElementById('sec:derivation').scrollIntoView()")
        page.hover("details[id='eq:delta1'] summary .left")
        page.wait_for_timeout(1500)  # the code scrolls to the lines that are lit
        page.screenshot(path=target)
        page.close()


def served_page(browser: Browser, target: Path) -> None:
    """Draw the page of `symprop serve` with the pointer on an equation, whose box and lines of code are lit."""
    server = Server(Handler, 0, Limits())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        page = browser.new_page(viewport={"width": 1440, "height": 1180})
        page.goto(server.address)
        page.get_by_text("Residual block, softmax").click()
        page.wait_for_selector("#certificate .verdict")  # the certificate comes last
        page.locator("#answer [data-name=delta1]").hover()
        page.wait_for_timeout(1000)  # the code scrolls to the lines that are lit
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
        glance(browser, PICTURES / "glance.png")
        html_page(report, browser, PICTURES / "html.png")
        served_page(browser, PICTURES / "serve.png")
        browser.close()
    benchmark_plot()
    for picture in sorted(PICTURES.glob("*.png")):
        print(f"{picture.relative_to(ROOT)}: {picture.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
