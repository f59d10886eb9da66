"""The audit finds planted faults, and calls sound claims tight."""

import ast
import json

import nbformat
import numpy as np
import pytest
import torch

from dlhelpers import files
from dlhelpers.audit import cells, driver, effects, measure, mutants, tables, values, verdicts
from dlhelpers.commands import audit as command

SETUP = """import numpy as np
from dlhelpers import runs
from dlhelpers.claims import claim"""
STORED = """from pathlib import Path
runs.path = lambda name: Path(name + ".npz").resolve()
stored = runs.load("planted")"""
COMPUTE = """def descend(eta, steps):
    x, path = 1.0, []
    for _ in range(steps):
        x = x - eta * 2 * x
        path.append(x)
    return np.array(path)

path = descend(0.1, 20)
shrinks = path[1:] / path[:-1]
slope = np.polyfit(np.arange(20), np.log(path), 1)[0]
w = np.float64(3.0)
for _ in range(10):
    w = w - 0.2 * w"""
CLAIMS = """claim("every step shrinks by 1 - 2 eta", shrinks, near=0.8, tol=1e-9)
claim("the logarithm falls along a line", slope, near=np.log(0.8), tol=1e-6)
claim("a bound with a hundred times the room", path[-1], below=1.2)
claim("the same, and the author says why", path[-2], below=1.5, loose="the theorem's constant")
claim("a loop at the top of a cell, which binds a name anew", w, near=0.322, tol=0.001)"""
FAULTS = """years = 1969 - 1958
claim("arithmetic on typed numbers", years, equal=11)
claim("a tautology", descend(0.1, 5), near=descend(0.1, 5), tol=1e-12)
claim("the last again", path[-1], below=1.3)
claim("a stored number", stored["error"].max(), below=0.2)
claim("a stored number, marked", stored["error"].mean(), below=0.2, recorded=True)"""


def notebook(tmp_path, *sources):
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    path = tmp_path / f"90_{tmp_path.name}.ipynb"  # the stem names the file of outcomes: tests run side by side
    nbformat.write(book, path)
    return path


@pytest.fixture(scope="module", autouse=True)
def _patient():
    """The budget counts computing only, so that a busy machine tests the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "PATIENCE", 1000)
        yield


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("audit")
    np.savez(folder / "planted.npz", error=np.array([[0.10, 0.14], [0.12, 0.15]]), meta=json.dumps({"seed": 0}))
    path = notebook(folder, SETUP, COMPUTE, CLAIMS, STORED, FAULTS)
    audit = driver.Audit(path, seconds=15)
    plan = audit.run(say=lambda text: None)
    found = verdicts.judge(plan, audit.static)
    audit.finish()
    return {v.statement: v for v in found}


@pytest.mark.parametrize("statement, verdict, why", [
    ("every step shrinks by 1 - 2 eta", "tight", "broken from"),
    ("the logarithm falls along a line", "tight", "broken from"),
    ("a loop at the top of a cell, which binds a name anew", "tight", "broken from"),
    ("a bound with a hundred times the room", "loose", "104× room"),
    ("the same, and the author says why", "loose", "104× room"),
    ("arithmetic on typed numbers", "suspect", "typed numbers"),
    ("a tautology", "suspect", "same expression"),
    ("the last again", "suspect", "follows from"),
    ("a stored number", "suspect", "recorded="),
])
def test_planted_faults_are_found_and_sound_claims_are_tight(judged, statement, verdict, why):
    assert judged[statement].verdict == verdict, judged[statement]
    assert why in judged[statement].why


def test_a_marked_stored_number_is_broken_by_changing_the_data(judged):
    marked = judged["a stored number, marked"]
    assert marked.recorded and marked.verdict != "suspect"
    assert any(b["where"].startswith("planted[error]") for b in marked.broken)


def test_a_written_reason_excuses(judged):
    assert judged["the same, and the author says why"].excused
    assert not judged["a bound with a hundred times the room"].excused
    assert tables.counts(list(judged.values()))["excused"] == 1


def test_exceptions_and_claims_own_expression_are_no_breaks(judged):
    tight = judged["every step shrinks by 1 - 2 eta"]
    assert all(b["where"].startswith("c1:") for b in tight.broken)


def statements(tmp_path, *sources):
    return cells.read(notebook(tmp_path, *sources))


def test_reads_and_assignments(tmp_path):
    (a, b, c, d) = statements(tmp_path, "def f(x):\n    return x + shift", "y = [f(k) for k in data]",
                              "for i in y:\n    total = i + start", "box[key].value = y")
    assert a.assigns == {"f"} and a.late["f"] == {"shift"} and not a.reads
    assert b.reads == {"f", "data"} and b.assigns == {"y"}
    assert c.reads == {"y", "start"} and not c.assigns and c.may_assign == {"i", "total"}
    assert "box" in d.may_assign and d.reads == {"box", "key", "y"}


def test_the_fingerprint_sees_code_and_not_comments(tmp_path):
    plain = cells.fingerprint(statements(tmp_path, "x = 1"))
    assert cells.fingerprint(statements(tmp_path, "x = 1  # one")) == plain
    assert cells.fingerprint(statements(tmp_path, "x = 2")) != plain


def test_a_magic_is_refused_with_the_cell(tmp_path):
    with pytest.raises(ValueError, match="cell 1: the audit reads plain Python only"):
        statements(tmp_path, "x = 1", "%time x")


@pytest.mark.parametrize("source, wanted", [
    ("y = a + b", "y = a - b"), ("y = a @ b", "y = a"), ("y = np.sum(x)", "y = np.mean(x)"), ("y = x.T", "y = x"),
    ("y = -x", "y = x"), ("y = x < 3", "y = x > 3"), ("x += 1", "x -= 1"), ("y = f(a, b)", "y = f(b, a)"),
    ("y = 2.0 * x", "y = 2.1 * x"), ("y = x", f"y = {mutants.SCALE}(x, 2.0)"), ("model.step()", "pass"),
    ("y = f(x, bias=False)", "y = f(x)"), ("y = a if t else b", "y = a if not t else b"),
])
def test_changes(source, wanted):
    tree = ast.parse(source).body[0]
    before = ast.dump(tree)
    made = [ast.unparse(mutants.apply(tree, m)) for m in mutants.mutations(tree)]
    assert wanted in made and source not in made
    assert ast.dump(tree) == before, "the original stays as it is"


@pytest.mark.parametrize("source", [
    "claim('a', x + 1, near=2.0, tol=0.1)", "torch.manual_seed(3 + 4)", "rng = np.random.default_rng(2)",
    "raise ValueError(1 + 1)", "import numpy as np",
])
def test_claims_seeds_and_errors_are_left_alone(source):
    assert mutants.mutations(ast.parse(source).body[0]) == []


@pytest.mark.parametrize("smaller, larger, ratio", [
    (np.array([1.0, 2.0]), np.array([10.0, 6.0]), 3.0),
    (np.array([-6.0]), np.array([-2.0]), 3.0),
    (0.0, np.array([3.0]), None),
    (np.array([-1.0]), np.array([1.0]), None),
    (np.array([0.0]), np.array([1.0]), np.inf),
    (np.array([1e-12]), np.array([1e-9]), None),
])
def test_room_of_a_comparison(smaller, larger, ratio):
    assert measure.closest(smaller, larger) == ratio


@pytest.mark.parametrize("value, factor, wanted", [(3, 2.0, 6), (3, 0.5, 1.5), ((1.0, "a"), 2.0, (2.0, "a")),
                                                   ([1, 2], -1.0, [-1, -2])])
def test_scaled(value, factor, wanted):
    assert values.scaled(value, factor) == wanted


@pytest.mark.parametrize("value", [True, np.array([True]), "text", object()])
def test_what_has_no_size_cannot_be_scaled(value):
    with pytest.raises(TypeError, match="cannot scale"):
        values.scaled(value, 2.0)


def test_stored_arrays_change_in_every_way():
    array = np.arange(12.0).reshape(3, 4)
    for how in values.data_mutations(array):
        changed = values.changed_data(array, how)
        assert changed.shape == array.shape and not np.array_equal(changed, array), how
    assert values.changed_data(array, "roll axis 0")[1].tolist() == array[0].tolist()
    assert values.changed_data(array, "×2 in part 1 of dimension 1").tolist() == (array * [1, 2, 1, 1]).tolist()


def test_shipped_tables_change_column_by_column(tmp_path):
    path = tmp_path / "lives.csv"
    path.write_text("name,born,died\nA,1900,1950\n\"B, C\",1910,\nD,1920,2000\n", encoding="utf-8")
    ways = values.table_mutations(path)
    assert ways["name"] == ["roll axis 0", "flip axis 0"] and "×2" in ways["born"] and "×0.5" in ways["died"]
    rolled = values.changed_table(path, "name", "roll axis 0", tmp_path / "rolled.csv")
    assert rolled.read_text(encoding="utf-8").splitlines()[1:] == ["D,1900,1950", "A,1910,", '"B, C",1920,2000']
    doubled = values.changed_table(path, "died", "×2", tmp_path / "doubled.csv")
    assert doubled.read_text(encoding="utf-8").splitlines()[1:] == ["A,1900,3900", '"B, C",1910,', "D,1920,4000"]


def test_a_broken_notebook_says_where(tmp_path, capsys):
    path = notebook(tmp_path, "x = 1", "x / 0")
    options = type("Options", (), {"seconds": 5.0, "seed": 0, "resume": False})
    assert command._audit(path, options) is True
    assert "cell 1: ZeroDivisionError" in capsys.readouterr().out


def test_an_audit_resumes_after_a_kill(tmp_path):
    path = notebook(tmp_path, SETUP, COMPUTE, CLAIMS)
    first = driver.Audit(path, seconds=12)
    first.run(say=lambda text: None)
    lines = first.partial.read_text(encoding="utf-8").splitlines()
    kept = "\n".join(lines[:5]) + "\n" + lines[5][:40]  # killed while it wrote the sixth
    first.partial.write_text(kept, encoding="utf-8")
    said = []
    second = driver.Audit(path, seconds=12)
    plan = second.run(resume=True, say=said.append)
    written = second.partial.read_text(encoding="utf-8").splitlines()
    again = [json.loads(line)["job"] for line in written[5:] if line.endswith("}")]
    second.finish()
    assert any("5 outcomes taken over" in text for text in said)
    assert not {json.loads(line)["job"] for line in lines[:5]} & set(again)
    assert sum(t.settled for t in plan.claims.values()) >= 2


def test_the_table_adds_up():
    first = {"claims": 10, "tight": 8, "loose": 1, "suspect": 0, "untested": 1, "excused": 1}
    second = {"claims": 10, "tight": 9, "loose": 0, "suspect": 1, "untested": 0, "excused": 0}
    text = tables.shown([({"lecture": "03_x", "counts": first}, True), ({"lecture": "04_y", "counts": second}, False)])
    assert "20 claims in 2 lectures: 17 of them (85 %)" in text and "1 are weak" in text
    assert "stale" in text.splitlines()[2] and "stale" not in text.splitlines()[1]


def test_the_readme_says_what_the_tables_say():
    said = tables.shown(tables.load()).splitlines()[-1]
    assert said in (files.ROOT / "README.md").read_text(encoding="utf-8"), f"the README should say: {said}"


def test_a_gradient_that_backward_leaves_is_a_change():
    class Slotted:
        __slots__ = ("grad",)

        def __init__(self):
            self.grad = 0.0

    leaf, net, node = torch.ones(2, requires_grad=True), torch.nn.Linear(2, 1), Slotted()
    names = {"leaf": leaf, "net": net, "node": node, "other": torch.ones(2, requires_grad=True)}
    before = effects.fingerprints(names)
    net(leaf).sum().backward()
    node.grad += 1.0
    after = effects.fingerprints(names)
    assert [name for name in names if before[name] != after[name]] == ["leaf", "net", "node"]
