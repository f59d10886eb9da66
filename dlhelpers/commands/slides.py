"""``python -m dlhelpers slides 03 OUT``: a lecture as slides that work without a network.

OUT gets ``NN_name.slides.html`` and, in ``assets``, everything it needs: reveal.js,
MathJax with its fonts, style sheets.  Open the file in a browser, or copy OUT to
a stick; arrow keys and space turn the pages, ``f`` fills the screen, ``?`` lists
the keys, and ``?print-pdf`` after the file name gives pages to print.

The code of cells that only draw is left out, their pictures are there; ``--code``
shows it, ``--no-code`` leaves out all code.  ``--core`` leaves out the sections
marked ✦.  Answers appear at their step.
"""

from __future__ import annotations

import argparse
import html
import re
import shutil
import string
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from dlhelpers import files, notebooks

ASSETS = Path(__file__).parent / "assets"
#: What of MathJax is not needed for English pages with HTML output.
UNUSED_MATHJAX = ("localization", "SVG")
#: Which code a deck shows: that of cells that do more than draw, of all cells, of none.
Code = Literal["most", "all", "none"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command.

    :param parser: gets them.
    """
    parser.add_argument("names", nargs="+", metavar="LECTURE", help="numbers such as 03 or 3, or notebook files")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write to")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--code", action="store_const", const="all", dest="code", help="show the code of figures, too")
    shown.add_argument("--no-code", action="store_const", const="none", dest="code",
                       help="hide the code, keep formulas, claims and figures")
    parser.add_argument("--core", action="store_true", help="leave out the further sections (✦)")


def main(options: argparse.Namespace) -> int:
    """Write the decks and what they need.

    :param options: the parsed command line.
    :returns: 0.
    :raises FileNotFoundError: for an unknown lecture, a missing picture, or without MathJax.
    """
    paths = [path for name in options.names for path in notebooks.find(name)]
    write_assets(options.out)
    for path in paths:
        target = options.out / f"{path.stem}.slides.html"
        page = deck(path, options.out, beside=frozenset(p.name for p in paths), code=options.code or "most",
                    core=options.core)
        files.write_text(target, page)
        print(f"✓ {target}")
    return 0


def write_assets(out: Path) -> None:
    """Copy reveal.js, MathJax and the style sheets to ``out/assets``.

    :param out: folder of the decks.
    :raises FileNotFoundError: if the package that carries MathJax is not installed.
    """
    from pygments.formatters import HtmlFormatter

    target = out / "assets"
    shutil.copytree(ASSETS / "reveal", target / "reveal", dirs_exist_ok=True)
    shutil.copytree(_mathjax(), target / "mathjax", dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns(*UNUSED_MATHJAX))
    for name in ("deck.css", "deck.js"):
        shutil.copyfile(ASSETS / name, target / name)
    files.write_text(target / "pygments.css", HtmlFormatter(style="xcode").get_style_defs(".highlight"))


def _mathjax() -> Path:
    try:
        import jupyter_server_mathjax
    except ImportError:
        raise FileNotFoundError("MathJax is not installed: pip install jupyter_server_mathjax") from None
    return Path(jupyter_server_mathjax.__file__).parent / "static"


def deck(path: Path, out: Path, *, beside: frozenset[str] = frozenset(), code: Code = "most",
         core: bool = False) -> str:
    """The HTML page of a notebook's slides; its pictures are copied to ``out``.

    :param path: the notebook.
    :param out: folder of the decks.
    :param beside: names of the notebooks whose decks lie in the same folder; links
        to other notebooks become plain text.
    :param code: which code to show: "most" leaves out cells tagged ``plot``, "all", or "none".
    :param core: leave out the further sections.
    :returns: the page.
    :raises FileNotFoundError: for a picture that is not there.
    """
    notebook = notebooks.judged(path)
    cells = _cells(notebook, core)
    parts: list[str] = []
    for column in _columns(cells):
        pages: list[list[str]] = []
        for page in column:
            blocks = _blocks(cells, page, path, out, beside, code)
            if blocks and pages and all(block.startswith('<div class="output verbatim checks') for block in blocks):
                pages[-1] += blocks         # a page of ✓ lines says nothing without what they are about
            elif blocks:
                pages.append(blocks)
        if pages:
            openings = [" opening" if not parts and not k else "" for k in range(len(pages))]
            shown = (f'<section class="page{opening}">\n' + "\n".join(blocks) + "\n</section>"
                     for opening, blocks in zip(openings, pages, strict=True))
            parts.append("<section>\n" + "\n".join(shown) + "\n</section>")
    first = re.match(r"#\s+(.+)", cells[0].source) if cells else None
    title = html.escape(first.group(1) if first else path.stem)
    return string.Template((ASSETS / "deck.html").read_text("utf-8")).substitute(title=title, slides="\n".join(parts))


def _cells(notebook: Any, core: bool) -> list[Any]:
    """The cells to show; a text that holds several ``##`` headings becomes a cell for each."""
    import nbformat

    found = []
    for section in notebooks.sections(notebook):
        if core and section.part == "further":
            continue
        for cell in notebook.cells[section.first:section.end]:
            texts = [cell.source]
            if cell.cell_type == "markdown" and "```" not in cell.source:
                texts = [text for text in re.split(r"\n(?=## )", cell.source) if text.strip()]
            for text in texts:
                part = nbformat.from_dict({**cell, "source": text, "metadata": {**cell.metadata}})
                kind = part.metadata.get("slideshow", {}).get("slide_type", "-")
                if part.cell_type == "markdown" and re.match("##? ", text) and kind != "skip":
                    part.metadata["slideshow"] = {"slide_type": "slide"}
                found.append(part)
    return found


def _columns(cells: list[Any]) -> list[list[list[int]]]:
    """Slides (columns) of subslides (pages) of cell numbers, after the cells' slide types."""
    columns: list[list[list[int]]] = []
    for number, cell in enumerate(cells):
        kind = cell.metadata.get("slideshow", {}).get("slide_type", "-")
        if kind in ("skip", "notes"):
            continue
        if kind == "slide" or not columns:
            columns.append([[]])
        elif kind == "subslide":
            columns[-1].append([])
        columns[-1][-1].append(number)
    return columns


def _blocks(cells: list[Any], page: list[int], path: Path, out: Path, beside: frozenset[str], code: Code) -> list[str]:
    """The blocks of a page: texts, code, outputs, figures."""
    blocks: list[str] = []
    for position, number in enumerate(page):
        cell = cells[number]
        tags = cell.metadata.get("tags", [])
        fragment = "answer" in tags or cell.metadata.get("slideshow", {}).get("slide_type") == "fragment"
        if cell.cell_type == "markdown":
            follower = cells[page[position + 1]] if position + 1 < len(page) else None
            # The equation stands directly above the code that it becomes.
            keep = (follower is not None and follower.cell_type == "code"
                    and cell.source.rstrip().endswith(("$$", ":", r"\end{align}", r"\end{align*}")))
            blocks += _texts(_markdown(cell.source, path, out, beside), number, fragment, keep)
        elif cell.cell_type == "code":
            outputs = _outputs(cell)
            # A cell that only shows a widget has nothing to show without a kernel.
            widget = not outputs and (re.fullmatch(r"\w+", cell.source.strip()) or "nbval-ignore-output" in tags)
            if not widget and (code == "all" or (code == "most" and "plot" not in tags)):
                keep = bool(outputs) and outputs[0][0] != "figure"
                blocks.append(_block("code verbatim", _highlight(cell.source), number, fragment, keep))
            blocks += [_block(kind, content, number, fragment, False) for kind, content in outputs]
    return blocks


def _texts(content: str, number: int, fragment: bool, keep: bool) -> list[str]:
    """The blocks of a text: what it folds is an answer, which appears at its step."""
    blocks = []
    parts = re.split(r"<details[^>]*>\s*<summary>(.*?)</summary>(.*?)</details>", content, flags=re.S)
    for k in range(0, len(parts), 3):
        last = k + 3 >= len(parts)
        if parts[k].strip():
            blocks.append(_block("text", parts[k], number, fragment, keep and last))
        if not last:
            blocks.append(_block("text", f"<p><strong>{parts[k + 1].strip()}</strong></p>{parts[k + 2]}", number, True,
                                 False))
    return blocks


def _block(kind: str, content: str, number: int, fragment: bool, keep: bool) -> str:
    extra = f' data-fragment-index="{number}"' if fragment else ""
    extra += ' data-keep="1"' if keep else ""
    return f'<div class="{kind}{" fragment" if fragment else ""}"{extra}>{content}</div>'


def _markdown(source: str, path: Path, out: Path, beside: frozenset[str]) -> str:
    from nbconvert.filters.markdown_mistune import markdown2html_mistune

    text = markdown2html_mistune(source)
    text = re.sub(r'<a class="anchor-link".*?</a>', "", text)
    text = re.sub(r'<(h[1-6]) id="[^"]*">', r"<\1>", text)
    text = re.sub(r'<a href="([^"]*)"[^>]*>(.*?)</a>', lambda m: _link(m[1], m[2], beside), text, flags=re.S)
    return re.sub(r'(<img[^>]*\bsrc=")([^"]+)(")', lambda m: m[1] + _picture(m[2], path, out) + m[3], text)


def _link(address: str, text: str, beside: frozenset[str]) -> str:
    """A link that works in the deck: to a deck beside it or to the web; else its text."""
    name = unquote(address).split("#")[0]
    if name in beside:
        return f'<a href="{name.removesuffix(".ipynb")}.slides.html">{text}</a>'
    if re.match(r"https?://|mailto:", address):
        return f'<a href="{address}" target="_blank" rel="noopener">{text}</a>'
    return text


def _picture(address: str, path: Path, out: Path) -> str:
    """Copy a picture that a text links to; returns its address in the deck."""
    if address.startswith("data:"):
        return address
    source = path.parent / unquote(address)
    if re.match(r"\w+://", address) or not source.is_file():
        raise FileNotFoundError(f"{path.name} shows the picture {address}, which is not a file of the project")
    target = out / "images" / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return f"images/{source.name}"


def _highlight(source: str) -> str:
    from nbconvert.filters.highlight import Highlight2HTML

    return Highlight2HTML()(source, language="python")


def _outputs(cell: Any) -> list[tuple[str, str]]:
    """(kind of block, HTML) for each output that can be shown."""
    from nbconvert.filters import ansi2html

    found = []
    for output in cell.outputs:
        data = output.get("data", {})
        if output.output_type == "stream":
            checks = all(line.startswith(("✓", " ")) for line in output.text.rstrip().split("\n"))
            found.append((f"output verbatim{' checks' if checks else ''}",
                          f"<pre>{ansi2html(output.text.rstrip())}</pre>"))
        elif output.output_type == "error":
            text = "\n".join(output.traceback[-1:]) or f"{output.ename}: {output.evalue}"
            found.append(("output verbatim", f"<pre>{ansi2html(text)}</pre>"))
        elif "image/png" in data:
            picture = "".join(data["image/png"].split())
            alt = html.escape(output.get("metadata", {}).get("image/png", {}).get("alt", "figure"))
            found.append(("figure", f'<img alt="{alt}" src="data:image/png;base64,{picture}">'))
        elif "text/html" in data:
            found.append(("output", data["text/html"]))
        elif "text/latex" in data:
            found.append(("output", data["text/latex"]))
        elif "text/plain" in data:
            found.append(("output verbatim", f"<pre>{ansi2html(data['text/plain'])}</pre>"))
    return found
