"""Real nbgrader: the instructor's version of an exercise autogrades to full marks, the student's blank one to zero."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from browser_tools import environment, require
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from dlhelpers import notebooks
from dlhelpers.commands import student

# In a process of its own: nbgrader is a program with its own warnings, logs and database.
GRADE = """
import json, sys
from traitlets.config import Config
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory

root = sys.argv[1]
config = Config()
config.CourseDirectory.root = root
config.CourseDirectory.course_id = "course"
config.CourseDirectory.db_url = f"sqlite:///{root}/gradebook.db"
config.ClearSolutions.code_stub = {"python": "raise NotImplementedError"}
config.ExecutePreprocessor.timeout = 120
api = NbGraderAPI(CourseDirectory(config=config), config=config)
result = {}
done = api.generate_assignment("set")
assert done["success"], done
for name in ("full", "blank"):
    done = api.autograde("set", name)
    assert done["success"], done
    with Gradebook(config.CourseDirectory.db_url, "course") as book:
        submission = book.find_submission("set", name)
        result[name] = [submission.score, submission.max_score]
print(json.dumps(result))
"""


def small() -> Any:
    """An exercise notebook with two answers, of one and of three points."""
    checker = ("from dlhelpers.exercises import core\n\n\n"
               "@core.checker('double', 'twice')\ndef check_double(answer):\n"
               "    core.compare(core.call(answer, 'double', 4), 8, 'double')\n\n\n"
               "@core.checker('triple', 'thrice')\ndef check_triple(answer):\n"
               "    core.compare(core.call(answer, 'triple', 4), 12, 'triple')")
    cells = [new_markdown_cell("# 97 · Doubling"), new_code_cell(checker)]
    for name, factor, points in (("double", 2, 1), ("triple", 3, 3)):
        cells.append(new_code_cell(f"def {name}(x):\n    ### BEGIN SOLUTION\n    return {factor} * x\n"
                                   "    ### END SOLUTION"))
        cells.append(new_code_cell(f"check_{name}({name})",
                                   metadata={"tags": ["check"], "nbgrader": {"points": points}}))
    return notebooks.normalise(new_notebook(cells=cells))


def grade(notebook: Any, name: str, root: Path) -> dict[str, list[float]]:
    """{"full" and "blank": [score, maximal score]} after generating and autograding."""
    blank = nbformat.from_dict(json.loads(json.dumps(notebook)))
    contents = {"source": notebook, "submitted/full": notebook, "submitted/blank": student.clear(blank)}
    for folder, content in contents.items():
        (root / folder / "set").mkdir(parents=True)
        notebooks.write(content, root / folder / "set" / name)
    state = {key: str(root / "state") for key in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR",
                                                  "IPYTHONDIR", "HOME")}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", GRADE, str(root)], cwd=root, text=True,
                          capture_output=True, timeout=300, env=environment(DLHELPERS_QUIET="1", **state))
    assert done.returncode == 0, done.stderr[-3000:]
    assert (root / "release" / "set" / name).is_file()
    released = nbformat.read(root / "release" / "set" / name, as_version=4)
    assert not any("SOLUTION" in cell.source for cell in released.cells)
    links = [a for cell in released.cells if cell.cell_type == "markdown" for a in student.LINK.findall(cell.source)]
    assert all(re.match(r"\w+:|#", address) or (root / "release" / "set" / address).exists() for *_, address in links)
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(autouse=True)
def nbgrader_is_there() -> None:
    require(importlib.util.find_spec("nbgrader"), "nbgrader is not installed: pip install -e '.[instructor]'")


def test_points_are_counted(tmp_path: Path) -> None:
    assert grade(small(), "97_doubling.ipynb", tmp_path) == {"full": [4, 4], "blank": [0, 4]}


@pytest.mark.parametrize("path", notebooks.exercises()[:1], ids=lambda path: path.stem)
def test_a_real_exercise_notebook_autogrades(path: Path, tmp_path: Path) -> None:
    notebook = student.version(path, tmp_path / "source" / "set", keep=True)
    points = sum(c.metadata.get("nbgrader", {}).get("points", 0) for c in notebook.cells)
    assert points >= 3
    assert grade(notebook, path.name, tmp_path) == {"full": [points, points], "blank": [0, points]}
