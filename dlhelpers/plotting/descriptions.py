"""Alternative texts of figures, for those who do not see them.

``style.use()`` installs them: every figure that a notebook shows carries a text in its
output's metadata (``image/png`` → ``alt``), which nbconvert, the slides and the book
read.  JupyterLab's own picture renderer knows no alternative text; there the text is
put beside the picture, unseen, where a screen reader finds it.
"""

from __future__ import annotations

import html
import weakref
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dlhelpers import checks

#: Longer descriptions are cut: a screen reader reads them in one go.
LONGEST = 400
UNSEEN = ('<span class="dl-alt" style="position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)">'
          "{}</span>")
_texts: weakref.WeakKeyDictionary[Figure, str] = weakref.WeakKeyDictionary()


def alt(figure: Figure, text: str) -> Figure:
    """Say what a figure shows, in a sentence, in place of what its titles and labels say.

    :param figure: the figure.
    :param text: what a reader who does not see it should know.
    :returns: the figure.
    :raises TypeError: if ``text`` is not a string or ``figure`` not a figure.
    :raises ValueError: if ``text`` is empty.
    """
    checks.instance(figure, "figure", Figure)
    if not checks.instance(text, "text", str).strip():
        raise ValueError("text must say what the figure shows, got an empty string")
    _texts[figure] = " ".join(text.split())
    return figure


def describe(figure: Figure) -> str:
    """The figure's text: the one that ``alt`` gave, else titles, axis labels and legends.

    :param figure: the figure.
    :returns: one line; empty if the figure says nothing.
    """
    if figure in _texts:
        return _texts[figure]
    title = figure.get_suptitle() if hasattr(figure, "get_suptitle") else ""
    parts = [title] + [_panel(ax) for ax in figure.axes]
    text = " ".join(". ".join(part.rstrip(". ") for part in parts if part.strip()).split())
    return text if len(text) <= LONGEST else text[:LONGEST - 1].rsplit(" ", 1)[0] + "…"


def _panel(ax: Axes) -> str:
    title = next((found for where in ("left", "center", "right") if (found := ax.get_title(loc=where))), "")
    x, y = ax.get_xlabel(), ax.get_ylabel()
    if ax.get_label() == "<colorbar>":
        return f"colours: {y or x}" if x or y else ""
    said = [f"{y} against {x}" if x and y else x or y]
    legend = ax.get_legend()
    if legend is not None:
        said.append("shown: " + ", ".join(text.get_text() for text in legend.get_texts()))
    detail = "; ".join(part for part in said if part)
    return f"{title} ({detail})" if title and detail else title or detail


def install(shell: Any) -> None:
    """Let a notebook's kernel send the description with every figure.

    :param shell: the kernel's interactive shell, after the inline backend has registered its formats.
    """
    formatter = shell.display_formatter.formatters["image/png"]
    draw = formatter.lookup_by_type(Figure)

    def png(figure: Figure) -> Any:
        drawn = draw(figure)
        text = describe(figure)
        if drawn is None or not text:
            return drawn
        data, metadata = drawn if isinstance(drawn, tuple) else (drawn, {})
        if "cellId" in cell_metadata(shell):
            from IPython.display import HTML, display

            display(HTML(UNSEEN.format(html.escape(text))))
        return data, {**metadata, "alt": text}

    formatter.for_type(Figure, png)


def cell_metadata(shell: Any) -> dict[str, Any]:
    """The metadata that the front end sent with the cell that runs: JupyterLab sends the cell's own.

    :param shell: the kernel's interactive shell.
    :returns: for instance ``{"tags": ["answer"], "cellId": …}``; empty where none was sent.
    """
    try:
        parent = shell.kernel.get_parent()
    except (AttributeError, LookupError):
        return {}
    return dict((parent or {}).get("metadata") or {})
