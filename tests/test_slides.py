"""Slides: the notebook's structure, nothing from outside, and a browser without a network that shows them."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser_tools import Complaints, chromium, require
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dlhelpers import __main__ as program
from dlhelpers import notebooks
from dlhelpers.commands import slides

PIXEL = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")


PICTURE = '<img alt="Figure: Second slide" src="data:image/png;base64,iVBOR'


def stream(text: str) -> Any:
    return new_output("stream", name="stdout", text=text)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A small notebook with everything that a lecture has."""
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "sketch.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
                                                    "utf-8")
    paragraphs = "\n\n".join(f"Paragraph {i} with a formula $x_{{{i}}}^2 < \\eta$ in it." for i in range(40))
    notebook = new_notebook(cells=[
        new_markdown_cell("# 97 · A *sample* & more\n\nSee [lecture 02](02_linear_model.ipynb), "
                          "[lecture 98](98_next.ipynb) and [a paper](https://example.org/paper).\n\n"
                          "![a sketch](images/sketch.svg)"),
        new_code_cell("import numpy as secret_setup"),
        new_markdown_cell("## Second slide\n\nThe bound is\n\n$$f(x_T) \\le \\frac{\\|x_0\\|^2}{2\\eta T}, "
                          "\\qquad \\mathbb{E}[x] = \\sum_i p_i x_i.$$"),
        new_code_cell("visible_code = 1 < 2", outputs=[stream("✓ one is < two\n")]),
        new_markdown_cell("**Predict first.**"),
        new_code_cell("answer_code()", outputs=[stream("the answer\n")], metadata={"tags": ["answer"]}),
        new_code_cell("figure()", outputs=[new_output("display_data", data={"image/png": PIXEL, "text/plain": "<F>"})]),
        new_code_cell("explorer", metadata={"tags": ["nbval-ignore-output"]}),
        new_markdown_cell("### Subslide\n\n" + paragraphs),
        new_markdown_cell("## Last slide"),
    ])
    path = tmp_path / "97_sample.ipynb"
    nbformat.write(notebooks.normalise(notebook), path)
    return path


def write(path: Path, out: Path, *more: str) -> str:
    assert program.main(["slides", str(path), str(out), *more]) == 0
    return (out / f"{path.stem}.slides.html").read_text("utf-8")


def test_structure_follows_the_slide_types(sample: Path, tmp_path: Path) -> None:
    page = write(sample, tmp_path / "out")
    assert page.count("\n<section>\n") == 3 and page.count('<section class="page') == 4
    assert "<title>97 · A *sample* &amp; more</title>" in page
    assert "secret_setup" not in page and "visible_code" in page and "✓ one is &lt; two" in page
    assert ">explorer<" not in page
    assert re.search(r'class="code verbatim fragment"[^>]*>.*answer_code', page)
    assert r"\frac{\|x_0\|^2}{2\eta T}" in page and PICTURE in page


def test_code_can_be_hidden(sample: Path, tmp_path: Path) -> None:
    page = write(sample, tmp_path / "out", "--no-code")
    assert "visible_code" not in page and "answer_code" not in page
    assert "✓ one is &lt; two" in page and PICTURE in page


def rich(folder: Path) -> Path:
    """A lecture with plots, folded answers, a hidden heading, a further section, many claims."""
    figure = [new_output("display_data", data={"image/png": PIXEL}, metadata={"image/png": {"alt": "A <b>line</b>"}})]
    checks = "".join(f"✓ claim number {i} holds, and its sentence is as long as they are\n" for i in range(12))
    notebook = new_notebook(cells=[
        new_markdown_cell("# 96 · Rich"), new_code_cell("setup = 1"),
        new_markdown_cell("## First\n\nText.\n\n## Hidden in the cell\n\nMore."),
        new_code_cell("plot_code()", outputs=figure, metadata={"tags": ["plot"]}),
        new_markdown_cell("**Predict first.** How many?\n\n<details><summary>The answer</summary>\n\nFour, $2^2$.\n\n"
                          "</details>\n\nAfter it."),
        new_code_cell("answer_plot()", outputs=figure, metadata={"tags": ["plot", "answer"]}),
        new_code_cell("\n".join(f"long_code_{i} = {i}" for i in range(15)), outputs=[stream(checks)]),
        new_code_cell("checks_again()", outputs=[stream("✓ one\n✓ two\n")],
                      metadata={"slideshow": {"slide_type": "subslide"}, "tags": ["plot"]}),
        new_markdown_cell("### Detail\n\n" + "\n\n".join(f"Line {i}." for i in range(20))),
        new_markdown_cell("## ✦ Beyond"), new_code_cell("beyond()", outputs=[stream("far\n")]),
        new_markdown_cell("## Summary"),
    ])
    path = folder / "96_rich.ipynb"
    nbformat.write(notebooks.normalise(notebook), path)
    return path


def test_pictures_come_without_their_code(tmp_path: Path) -> None:
    path = rich(tmp_path)
    most, everything, none = (write(path, tmp_path / name, *more) for name, *more in (
        ("a",), ("b", "--code"), ("c", "--no-code")))
    for page in (most, everything, none):
        assert page.count("data:image/png") == 2 and 'alt="A &lt;b&gt;line&lt;/b&gt;"' in page
    assert "plot_code" not in most and "long_code_3" in most
    assert "plot_code" in everything and "answer_plot" in everything
    assert "plot_code" not in none and "long_code_3" not in none
    with pytest.raises(SystemExit):
        program.main(["slides", str(path), str(tmp_path / "d"), "--code", "--no-code"])


def test_every_section_is_a_slide_and_the_core_can_stand_alone(tmp_path: Path) -> None:
    path = rich(tmp_path)
    page, core = (html.unescape(write(path, tmp_path / name, *more)) for name, *more in (("a",), ("b", "--core")))
    for heading in ("First", "Hidden in the cell", "✦ Beyond", "Summary"):
        assert re.search(rf'<section class="page">\n<div class="text"><h2>{heading}</h2>', page), heading
    assert page.count("\n<section>\n") == 5 and core.count("\n<section>\n") == 4
    assert "Beyond" not in core and ">far<" not in core and "Summary" in core


def test_answers_wait_for_their_step(tmp_path: Path) -> None:
    page = write(rich(tmp_path), tmp_path / "out")
    assert re.search(r'<div class="text fragment"[^>]*><p><strong>The answer</strong></p>\s*<p>Four', page)
    assert re.search(r'<div class="figure fragment"', page) and "<details" not in page
    assert re.search(r'<div class="text">\s*<p>After it', page)


def test_a_page_of_checks_alone_joins_its_neighbour(tmp_path: Path) -> None:
    page = write(rich(tmp_path), tmp_path / "out")
    for section in re.findall(r'<section class="page.*?</section>', page, re.S):
        assert not re.fullmatch(r'<section class="page">\n<div class="output verbatim checks.*', section, re.S)
    assert "✓ two" in page


def test_numbers_may_be_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebooks, "FOLDER", tmp_path)
    nbformat.write(notebooks.normalise(new_notebook(cells=[new_markdown_cell("# Three")])), tmp_path / "03_three.ipynb")
    assert program.main(["slides", "3", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "03_three.slides.html").is_file()


PAGES = """() => [...document.querySelectorAll('section.page')].map(s => {
    const old = s.style.cssText, parent = s.parentNode.style.cssText;
    s.parentNode.style.display = 'block'; s.style.display = 'block';
    const blocks = [...s.children].filter(b => !b.classList.contains('continued'));
    const found = {over: s.scrollHeight - s.clientHeight, wide: s.scrollWidth - s.clientWidth,
                   checks: blocks.every(b => b.classList.contains('checks')),
                   head: (s.querySelector('.continued') || {}).textContent || '', text: s.textContent};
    s.style.cssText = old; s.parentNode.style.cssText = parent; return found; })"""


@pytest.mark.browser
def test_nothing_overflows_and_heads_are_right(tmp_path: Path) -> None:
    write(rich(tmp_path), tmp_path / "out")
    pages: list[dict[str, Any]] = []
    deck = tmp_path / "out" / "96_rich.slides.html"
    assert_clean(show_offline(deck, lambda page: pages.extend(page.evaluate(PAGES))))
    assert all(page["over"] <= 0 and page["wide"] <= 0 and not page["checks"] for page in pages), pages
    claims = next(page for page in pages if "claim number 11" in page["text"])
    assert claims["head"] == "Hidden in the cell"
    assert next(page for page in pages if "Line 19" in page["text"])["head"] in ("Detail", "")
    assert next(page for page in pages if "far" in page["text"])["head"] == ""


def test_links_work_or_are_text(sample: Path, tmp_path: Path) -> None:
    other = sample.with_name("98_next.ipynb")
    nbformat.write(notebooks.normalise(new_notebook(cells=[new_markdown_cell("# Next")])), other)
    out = tmp_path / "out"
    assert program.main(["slides", str(sample), str(other), str(out)]) == 0
    page = (out / "97_sample.slides.html").read_text("utf-8")
    assert (out / "98_next.slides.html").is_file()
    assert 'href="98_next.slides.html"' in page
    assert "02_linear_model" not in page and "See lecture 02" in page
    assert 'href="https://example.org/paper"' in page
    assert 'src="images/sketch.svg"' in page and (out / "images" / "sketch.svg").is_file()


def test_nothing_is_loaded_from_outside(sample: Path, tmp_path: Path) -> None:
    page = write(sample, tmp_path / "out")
    loaded = re.findall(r'<(?:script|link|img)\b[^>]*(?:src|href)="([^"]+)"', page)
    assert len(loaded) > 5
    for address in loaded:
        assert address.startswith("data:") or (tmp_path / "out" / address.split("?")[0]).is_file(), address
    sheets = "".join(p.read_text("utf-8") for p in (tmp_path / "out" / "assets").glob("**/*.css"))
    assert not re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", sheets)


def test_missing_picture_and_missing_lecture_are_named(sample: Path, tmp_path: Path,
                                                      capsys: pytest.CaptureFixture[str]) -> None:
    (sample.parent / "images" / "sketch.svg").unlink()
    assert program.main(["slides", str(sample), str(tmp_path / "out")]) == 1
    assert "images/sketch.svg" in capsys.readouterr().err
    assert program.main(["slides", "66", str(tmp_path / "none")]) == 1
    assert "no notebook '66'" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def show_offline(deck: Path, look: Any) -> Complaints:
    """Open a deck in a browser whose network is cut, and ``look(page)``; what the page complained about."""
    with chromium() as browser:
        context = browser.new_context(offline=True, viewport={"width": 1280, "height": 720})
        page = context.new_page()
        complaints = Complaints().watch(page)
        page.goto(deck.as_uri())
        page.wait_for_function("window.Reveal && Reveal.isReady()", timeout=180_000)
        look(page)
        page.wait_for_timeout(300)
    return complaints


# Formulas of the slide on screen that are set and lie inside the window.
FORMULAS = """() => [...document.querySelectorAll('section.present:not(.stack) .MathJax')]
    .map(f => f.getBoundingClientRect())
    .filter(r => r.width > 5 && r.height > 5 && r.bottom > 0 && r.top < 720).length"""


def assert_clean(complaints: Complaints) -> None:
    assert complaints.failed == [] and complaints.errors == []
    assert complaints.requested and all(u.startswith(("file:", "data:", "blob:")) for u in complaints.requested)


@pytest.mark.browser
def test_deck_works_with_the_network_cut(sample: Path, tmp_path: Path) -> None:
    write(sample, tmp_path / "out")

    def look(page: Any) -> None:
        assert page.locator("section.present h1").is_visible()
        page.keyboard.press("ArrowRight")
        heading = page.locator("section.present:not(.stack) h2")
        assert heading.inner_text() == "Second slide" and heading.is_visible()
        assert page.evaluate(FORMULAS) >= 1
        assert page.evaluate("document.fonts.check('20px STIXMathJax_DoubleStruck')")
        assert page.locator("section.present .MathJax_Error, section.present .merror").count() == 0
        # The answer appears at its step.
        answer = page.locator("section.present .code.fragment")
        page.keyboard.press("Space")
        page.wait_for_timeout(300)
        assert answer.evaluate("e => getComputedStyle(e).visibility") == "visible"
        # Forty paragraphs do not fit on one page: they are poured into several, none of which runs over.
        pages = page.locator('section.page:has(h3), section.page:has(.continued:text("Subslide"))')
        assert pages.count() >= 3
        heights = pages.evaluate_all("""list => list.map(s => {
            const old = s.style.cssText, parent = s.parentNode.style.cssText;
            s.parentNode.style.display = 'block'; s.style.display = 'block';
            const over = s.scrollHeight - s.clientHeight;
            s.style.cssText = old; s.parentNode.style.cssText = parent; return over; })""")
        assert max(heights) <= 0
        text = page.locator(".slides").evaluate("e => e.textContent")
        assert [i for i in range(40) if f"Paragraph {i} with" not in text] == []

    assert_clean(show_offline(tmp_path / "out" / "97_sample.slides.html", look))


@pytest.mark.browser
def test_lecture_deck_works_with_the_network_cut(tmp_path: Path) -> None:
    lecture = next((p for name in ("03", "02") for p in notebooks.lectures() if p.name.startswith(name)), None)
    require(lecture, "neither lecture 03 nor 02 is there")
    write(lecture, tmp_path)

    def look(page: Any) -> None:
        assert page.evaluate("Reveal.getTotalSlides()") >= 8
        page.keyboard.press("ArrowRight")
        assert page.locator("section.present:not(.stack)").first.is_visible()
        assert page.evaluate("Reveal.getIndices().h") == 1
        # The first formula of the lecture, wherever it stands.
        page.evaluate("""() => {
            const {h, v} = Reveal.getIndices(document.querySelector('.MathJax').closest('section.page'));
            Reveal.slide(h, v); }""")
        page.wait_for_timeout(200)
        assert page.evaluate(FORMULAS) >= 1
        assert page.locator(".MathJax_Error, .merror").count() == 0

    assert_clean(show_offline(tmp_path / f"{lecture.stem}.slides.html", look))


def test_mathjax_is_whole() -> None:
    """The fonts and scripts that a deck needs lie in the installed package."""
    static = slides._mathjax()
    for name in ("MathJax.js", "config/TeX-AMS-MML_HTMLorMML-full.js",
                 "jax/output/HTML-CSS/fonts/STIX-Web/fontdata.js"):
        assert (static / name).is_file()
    assert list((static / "fonts" / "HTML-CSS" / "STIX-Web" / "woff").glob("*.woff"))
