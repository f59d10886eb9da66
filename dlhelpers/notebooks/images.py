"""The pictures in a notebook's outputs: small enough to store, and described for those who do not see them."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import nbformat

#: A picture over this many bytes is stored with a palette of 256 colours, or of 64 if that is not enough.
IMAGE_BUDGET = 60_000
#: If a notebook's pictures hold more characters than this, those over a third of the budget get a palette as well.
PICTURES_BUDGET = 500_000


def squeeze(encoded: str, budget: int = IMAGE_BUDGET) -> str:
    """The same picture, smaller: best compression, and a palette if it is over ``budget``.

    :param encoded: a PNG file in base64.
    :param budget: bytes above which a palette of 256 colours is tried.
    :returns: a PNG file in base64, never longer.
    """
    from PIL import Image

    raw = base64.b64decode(encoded)
    stored = Image.open(io.BytesIO(raw))
    if stored.mode == "P" and len(raw) <= IMAGE_BUDGET:
        return encoded  # squeezed before
    picture, best = stored.convert("RGB"), raw
    for colours, enough in ((None, budget), (256, IMAGE_BUDGET), (64, 0)):
        candidate = picture if colours is None else picture.quantize(colours, kmeans=2, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        candidate.save(buffer, format="png", optimize=True)
        if len(buffer.getvalue()) < len(best):
            best = buffer.getvalue()
        if len(best) <= enough:
            break
    return base64.b64encode(best).decode("ascii")


def fit(notebook: Any) -> None:
    """Give the middling pictures of a notebook that holds many a palette too.

    :param notebook: changed in place.
    """
    found = [output.data for _, output in with_pictures(notebook)]
    if sum(len(data["image/png"]) for data in found) > PICTURES_BUDGET:
        for data in found:
            data["image/png"] = squeeze(data["image/png"], IMAGE_BUDGET // 3)


def with_pictures(notebook: Any) -> list[tuple[Any, Any]]:
    """The outputs that hold a PNG picture.

    :param notebook: any notebook.
    :returns: (cell, output) for each, in order.
    """
    return [(cell, output) for cell in notebook.cells if cell.cell_type == "code"
            for output in cell.outputs if "image/png" in output.get("data", {})]


def describe(notebook: Any) -> None:
    """Write an alternative text to each stored picture: ``output.metadata["image/png"]["alt"]``.

    The first of: the cell's metadata ``alt``; what the figure said when it was drawn
    (:func:`dlhelpers.plotting.describe`); the heading above the cell.  nbconvert, the slides and the
    book read it from there.

    :param notebook: changed in place.
    """
    heading = "a figure"
    texts: dict[str, str] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for line in re.findall(r"^#{1,6} +(.+)$", cell.source, re.M):
                heading = line.replace("✦", "").replace("*", "").strip()
        texts[cell.id] = cell.metadata.get("alt") or f"Figure: {heading}"
    for cell, output in with_pictures(notebook):
        drawn = output.metadata.get("image/png", {}).get("alt")
        own = cell.metadata.get("alt")
        text = own or (drawn if drawn and not drawn.startswith("Figure: ") else texts[cell.id])
        output.metadata = nbformat.from_dict({"image/png": {"alt": text}})
