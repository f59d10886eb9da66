"""Lectures use the device that they fetch: read in their source, and run on the pretend device."""

import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from pretend import usage

from dlhelpers import files, notebooks

LECTURES = notebooks.lectures()
START = "import torch\nfrom dlhelpers import data, runtime, training\nfrom dlhelpers.models.mlp import mlp\n"
DEVICE, PLAIN = START + "device = runtime.start(seed=0)", START + "runtime.start(seed=0)"
FLOAT64 = PLAIN + "  # float64 by nature: bounds and oracles, on the CPU"
DATA = "X, y = data.toy.moons(200, noise=0.1, seed=0)\nnet, loss = mlp([2, 64, 2], seed=0), torch.nn.CrossEntropyLoss()"
MOVED = DATA + "\nX, y, net = X.to(device), y.to(device), net.to(device)"
FIT = "training.fit(net, (X, y), loss, eta=0.1, epochs=2, batch=50, progress=False)"


def written(*cells):
    return new_notebook(cells=[new_code_cell(cell) for cell in cells])


@pytest.mark.parametrize("path", LECTURES, ids=lambda p: p.stem)
def test_the_device_is_used(path):
    assert usage.problems(notebooks.judged(path)) == [], notebooks.way_back(path)


@pytest.mark.parametrize("cells", [
    (DEVICE, MOVED, FIT),
    (DEVICE, "x = torch.ones(3, device=device)", "x.sum().backward()"),
    (DEVICE, "%matplotlib inline\nprint(device)", "train(net, device)"),  # of its own, without known training
    (FLOAT64, "x = torch.ones(3).double()", "x.sum().backward()"),
    (FLOAT64, "A = 1"),
], ids=str)
def test_used_well(cells):
    assert usage.problems(written(*cells)) == []


@pytest.mark.parametrize("cells, said", [
    ((DEVICE, DATA, FIT), "never used"),
    ((DEVICE, "print(device)", "f'{device}'"), "never used"),
    ((DEVICE, "x = choose(device)", DATA, FIT), "nothing is moved"),
    ((DEVICE, "x = choose(device)", "for _ in range(3):\n    optimizer.step()"), r"optimizer\.step"),
    ((PLAIN, "A = 1"), "float64 by nature"),
    ((PLAIN + "\nA = 'float64'", "A = 1"), "float64 by nature"),
    ((FLOAT64, DATA, FIT), "makes nothing double"),
    (("A = 1",), "no cell calls"),
], ids=lambda p: p if isinstance(p, str) else "")
def test_used_badly(cells, said):
    with pytest.raises(AssertionError, match=said):
        assert usage.problems(written(*cells)) == []


def run(*paths, timeout=900):
    """Lectures on the pretend device, in a process of their own: how many fail, and what is printed."""
    done = subprocess.run([sys.executable, str(files.ROOT / "tests" / "pretend_device.py"), *map(str, paths)],
                          capture_output=True, text=True, encoding="utf-8", timeout=timeout, cwd=files.ROOT)
    return done.returncode, done.stdout + done.stderr


PLANTED = {
    "50_on_the_device": ((DEVICE, MOVED, FIT), "3 of 3 code cells", None),
    "51_beside_it": ((DEVICE, DATA, FIT), "3 of 3 code cells", "only 0% of its"),
    "52_float64": ((FLOAT64, DATA + "\nX, net = X.double(), net.double()", FIT), "3 of 3 code cells", None),
    "53_numpy": ((DEVICE, MOVED, "a = 1\nb = X.numpy()", "b + 1", FIT), "3 of 5 code cells",
                 "c2 line 2: b = X.numpy()"),
}


def test_running_lectures(tmp_path):
    for name, (cells, _, _) in PLANTED.items():
        nbformat.write(written(*cells), tmp_path / f"{name}.ipynb")
    returned, printed = run(*[tmp_path / f"{name}.ipynb" for name in PLANTED])
    assert returned == sum(problem is not None for _, _, problem in PLANTED.values()), printed
    for name, (_, ran, problem) in PLANTED.items():
        said = printed.partition(f"{name}.ipynb: ")[2].partition(".ipynb: ")[0]
        assert said.startswith(ran) and ("✗" in said) == (problem is not None), printed
        assert problem is None or problem in said, printed
    assert printed.count("miss what failed before them: c3") == 1


@pytest.mark.slow
@pytest.mark.parametrize("path", LECTURES, ids=lambda p: p.stem)
def test_lectures_on_the_pretend_device(path):
    returned, printed = run(path)
    assert returned == 0, printed
