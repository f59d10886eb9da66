"""Stored notebooks keep the rules; the rules and nbval themselves can fail."""

import subprocess
import sys
from collections import defaultdict

import hygiene
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dlhelpers import files, notebooks

LECTURES = notebooks.lectures()
ALL = LECTURES + notebooks.exercises()


@pytest.mark.parametrize("path", ALL, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_rules(path):
    assert hygiene.problems(notebooks.judged(path), path) == [], notebooks.way_back(path)


@pytest.mark.parametrize("path", ALL, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_second_normalising_changes_nothing(path):
    notebook = notebooks.judged(path)
    before = nbformat.writes(notebook)
    assert nbformat.writes(notebooks.normalise(notebook)) == before, notebooks.way_back(path)


def test_no_helper_is_pasted_into_two_lectures():
    where = defaultdict(list)
    for path in LECTURES:
        for body, name in hygiene.definitions(notebooks.judged(path)).items():
            where[body].append(f"{path.stem}:{name}")
    assert [places for places in where.values() if len(places) > 1] == []


def test_lectures_with_exercises_link_to_them():
    for path in notebooks.exercises():
        text = (notebooks.FOLDER / path.name).read_text(encoding="utf-8")
        assert f"exercises/{path.name}" in text


@pytest.fixture
def copy(tmp_path):
    """A short notebook with one claim, executed and stored like the lectures."""
    cells = [nbformat.v4.new_markdown_cell("# 98 · A test"),
             nbformat.v4.new_code_cell("from dlhelpers.claims import claim, summary"),
             nbformat.v4.new_code_cell("claim('two and two', 2 + 2, equal=4)\nprint(41.5)"),
             nbformat.v4.new_code_cell("summary()")]
    path = tmp_path / "98_test.ipynb"
    notebooks.write(nbformat.v4.new_notebook(cells=cells), path)
    fresh, _ = notebooks.execute(path)
    notebooks.write(notebooks.normalise(fresh), path)
    return path


def nbval(path):
    """nbval as the configuration of this project runs it."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-c", str(files.ROOT / "pyproject.toml"), "-n", "0", "-p", "no:cacheprovider",
         "--rootdir", str(path.parent), "--nbval-sanitize-with", str(files.ROOT / "tests" / "nbval_sanitize.cfg"),
         str(path)], cwd=path.parent, capture_output=True, text=True)


def test_nbval_passes_what_is_right_and_sees_one_changed_number(copy):
    assert nbval(copy).returncode == 0
    text = copy.read_text(encoding="utf-8")
    assert "41.5" in text
    notebook = nbformat.read(copy, as_version=4)
    notebook.cells[2].outputs[0].text = notebook.cells[2].outputs[0].text.replace("41.5", "41.6")
    nbformat.write(notebook, copy)
    done = nbval(copy)
    assert done.returncode == 1 and "41.6" in done.stdout


def test_nbval_passes_a_stripped_notebook_and_hygiene_does_not(copy):
    notebook = nbformat.read(copy, as_version=4)
    for cell in hygiene.code_cells(notebook):
        cell.execution_count, cell.outputs = None, []
    nbformat.write(notebook, copy)
    assert nbval(copy).returncode == 0  # this is why the rule about counts exists
    assert any("execution counts" in line for line in hygiene.problems(notebook, copy))


@pytest.mark.parametrize("spoil, message", [
    (lambda nb: nb.cells[1].metadata.tags.append("hide"), "unknown tags"),
    (lambda nb: nb.cells[1].metadata.update(collapsed=True), "unknown cell metadata"),
    (lambda nb: nb.metadata.update(widgets={}), "notebook metadata"),
    (lambda nb: nb.cells[1].outputs.append(nbformat.v4.new_output("stream", name="stderr", text="w")), "stderr"),
    (lambda nb: nb.cells[1].outputs.append(nbformat.v4.new_output("display_data", {"image/svg+xml": "x"})),
     "output of type image/svg"),
    (lambda nb: nb.cells[1].outputs.append(nbformat.v4.new_output("display_data", {"image/png": "A" * 90_000})),
     "an image of"),
    (lambda nb: nb.cells[1].outputs.append(nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])),
     "a stored error"),
    (lambda nb: nb.cells[0].metadata.slideshow.update(slide_type="page"), "slide type"),
    (lambda nb: nb.cells[0].update(source="[x](77_nowhere.ipynb)"), "leads nowhere"),
    (lambda nb: nb.cells[0].update(source="[x](../README.md)"), "leaves"),
    (lambda nb: nb.cells[-1].update(source="pass"), "does not print the count"),
    (lambda nb: nb.cells[-1].update(execution_count=7), "execution counts"),
    (lambda nb: nb.cells.pop(), "claims, fewer than"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_each_rule_can_fail(copy, spoil, message):
    notebook = nbformat.read(copy, as_version=4)
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
    spoil(notebook)
    assert any(message in line for line in hygiene.problems(notebook, copy))


PIXEL = ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
TIME = "**Time** core 3 minutes, everything 5 minutes; 2 seconds to run."
DRAWING = "fig, ax = plt.subplots()\nfor k in range(3):\n    ax.plot(x, k * x)\nax.set(title='lines')\nplt.show()"
PATH = files.ROOT / "notebooks" / "98_test.ipynb"


def lecture(*more, time=TIME):
    """A normalised lecture with a core section, a further one, and more cells in the core."""
    figure = new_output("display_data", data={"image/png": PIXEL, "text/plain": "<Figure>"})
    cells = [new_markdown_cell(f"# 98 · A test\n\n{time}"),
             new_code_cell("from dlhelpers import runtime\nimport torch\n\ndevice = runtime.start(seed=0)"),
             new_markdown_cell("## Lines\n\nSome words."),
             new_code_cell("x = torch.arange(3, device=device)"),
             new_code_cell(DRAWING, metadata={"tags": ["plot", "picture"]}, outputs=[figure]),
             *more,
             new_markdown_cell("## ✦ Beyond\n\nMore words."), new_code_cell("y = x.sum()"), new_code_cell("summary()")]
    return notebooks.normalise(new_notebook(cells=cells))


def problems(notebook):
    """Without those about the number of claims, which these small notebooks lack."""
    return [line for line in hygiene.problems(notebook, PATH) if "claims, fewer" not in line]


def test_a_small_lecture_keeps_every_rule():
    assert problems(lecture()) == []


code, text = new_code_cell, new_markdown_cell


@pytest.mark.parametrize("cell, message", [
    (code("z = 1  # " + "x" * 110), "a line of 119 characters"),
    (code("\n".join(f"z{k} = x + {k}" for k in range(26))), "26 lines, over 25"),
    (code("\n".join(["ax.plot(x)"] * 31), metadata={"tags": ["plot"]}), "31 lines, over 30"),
    (code(DRAWING), "it only draws"),
    (code("claim('a', 1, equal=1)\nplt.show()", metadata={"tags": ["plot"]}), "it holds a claim"),
    (code("claim('a', " + " + ".join(["alpha * beta"] * 9) + ", above=1)"), "a claim's value is an expression of"),
    (code("claim('a', sorted(x, key=lambda t: t)[0], equal=1)"), "a function inside a claim"),
    (code("claim('a', [train(k) for k in range(5)], above=1)"), "a claim computes in a loop (train)"),
    (code("from dlhelpers import training\nclaim('a', [training.fit(k).loss for k in x], above=1)"), "(training.fit)"),
    (code("z = x.reshape(3, 1)"), "no axis letters"),
    (code("z = torch.einsum('ij,kj->ik', x, x)  # product"), "no axis letters"),
    (text("### Detail\n\n## Hidden section\n\nWords."), "stands inside a cell"),
    (text("The answer is four.", metadata={"tags": ["answer"]}), "<details>"),
])
def test_each_rule_about_code_and_plan_can_fail(cell, message):
    assert any(message in line for line in problems(lecture(cell)))


@pytest.mark.parametrize("cell", [
    code("z = x.reshape(-1)"), code("z = x.reshape(3, 1)            # (n, 1)"), code("# (n, 1)\nz = x.view(3, 1)"),
    code("claim('a', [float(loss.max()) for loss in losses.values()], above=1)"),
    code("lowest = min(x)\nfig, ax = plt.subplots()\nax.plot(x)\nplt.show()\nclaim('a', lowest, equal=0)"),
    code("def look(t):\n    return t\n\nfig, ax = plt.subplots()\nax.plot(look(x))\nplt.show()"),
    code("table = solve(x)\ntable = table / 2\nfig, ax = plt.subplots()\nax.plot(table)\nplt.show()"),
    text("```\n## not a heading\n```\nWords."),
])
def test_what_the_rules_allow(cell):
    assert problems(lecture(cell, time=TIME.replace("3", "8").replace("5", "10"))) == []


def test_three_long_cells_are_too_many():
    long = [code("\n".join(f"z{k} = x + {k + j}" for k in range(16))) for j in range(3)]
    assert not any("longer than" in line for line in problems(lecture(*long[:2])))
    assert any("3 code cells longer than 15" in line for line in problems(lecture(*long)))


@pytest.mark.parametrize("source, message", [
    ("import torch\nfrom dlhelpers import runtime\ndevice = runtime.start(seed=0)", "loads torch before"),
    ("from dlhelpers import runtime\nruntime.start(seed=0)\ndevice = None", "float64"),
])
def test_rules_about_the_setup_cell(source, message):
    notebook = lecture()
    notebook.cells[1].source = source
    assert any(message in line for line in problems(notebook))


def test_a_device_must_be_used():
    notebook = lecture()
    notebook.cells[3].source = "x = torch.arange(3)"
    assert any("fetched and not used" in line for line in problems(notebook))
    notebook = lecture(code("training.fit(net, x)"))
    assert any("only 1 cells use device" in line for line in problems(notebook))
    notebook = lecture()
    notebook.cells[1].source = "from dlhelpers import runtime\nruntime.start(seed=0)  # float64 by nature: CPU"
    assert not any("device is not kept" in line for line in problems(notebook))


@pytest.mark.parametrize("time, message", [
    ("75 minutes", "lacks its line"),
    ("**Time** core 80 minutes, everything 90 minutes; 2 seconds to run.", "over 75"),
    ("**Time** core 1 minutes, everything 5 minutes; 2 seconds to run.", "core: the title says 1 minutes, the plain"),
    ("**Time** core 3 minutes, everything 3 minutes; 2 seconds to run.", "everything: the title says 3 minutes"),
    ("**Time** core 40 minutes, everything 42 minutes; 2 seconds to run.", "metadata add up to 3"),
])
def test_the_title_says_how_long(time, message):
    assert any(message in line for line in problems(lecture(time=time)))


def test_predict_first_is_followed_by_a_folded_answer():
    out = [new_output("stream", name="stdout", text="4\n")]
    question, bare = text("**Predict first.** How many?"), code("print(4)", outputs=out)
    folded = code("print(4)", outputs=out, metadata={"tags": ["answer"]})
    words = text("<details><summary>The answer</summary>\n\nFour.\n\n</details>")
    assert any("not tagged `answer`" in line for line in problems(lecture(question, bare)))
    for answer in ([folded], [words, bare]):
        assert not any("answer" in line for line in problems(lecture(question, *answer)))


def test_recorded_and_recomputed_claims_compare_equal(copy):
    notebook = nbformat.read(copy, as_version=4)
    notebook.cells[2].outputs[0].text = notebook.cells[2].outputs[0].text.replace("✓ ", "✓ recorded: ")
    nbformat.write(notebook, copy)
    assert "recorded" in copy.read_text(encoding="utf-8") and nbval(copy).returncode == 0
