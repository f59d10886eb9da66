"""Answers stay folded until they are opened, also when the whole notebook is run.

JupyterLab opens a folded output when its cell is executed.  So a cell tagged
``answer`` begins its outputs with a closed ``<details>`` that hides what follows.
It needs no code in the notebook: JupyterLab sends a cell's tags along when it runs it.
Tests and ``python -m dlhelpers run`` send none, so stored outputs know nothing of it.
A failed claim is always seen: errors are not hidden.
"""

from __future__ import annotations

from typing import Any

from dlhelpers.plotting.descriptions import cell_metadata

ERRORS = '[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"]'
FOLD = f"""<details class="dl-fold"><summary style="cursor: pointer"><b>Show the answer</b></summary></details>
<style>
.jp-OutputArea-child:has(details.dl-fold:not([open])) ~ .jp-OutputArea-child:not(:has({ERRORS})) {{ display: none; }}
</style>"""


def install(shell: Any) -> None:
    """Fold the outputs of cells tagged ``answer`` from now on, in front ends that send the tags.

    :param shell: the kernel's interactive shell.
    """
    if getattr(shell, "_dlhelpers_folds", False):
        return
    shell._dlhelpers_folds = True

    def before(_info: Any) -> None:
        if "answer" in (cell_metadata(shell).get("tags") or []):
            from IPython.display import HTML, display

            display(HTML(FOLD))

    shell.events.register("pre_run_cell", before)
