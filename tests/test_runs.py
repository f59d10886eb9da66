"""Recorded runs carry their provenance and are read back as they were written."""

import json
import os
import platform

import numpy as np
import pytest
import torch

from dlhelpers import __version__, data, files, runs, training
from dlhelpers.models.mlp import mlp


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    return tmp_path


def test_round_trip(elsewhere):
    loss = np.linspace(1, 0, 5)
    runs.save("99_test", {"loss": loss}, command="python data/runs/99_test.py", seed=3, seconds=61.26, epochs=5)
    run = runs.load("99_test")
    np.testing.assert_array_equal(run["loss"], loss)
    assert all(key in run.meta for key in runs.REQUIRED)
    assert (run.meta["seed"], run.meta["seconds"], run.meta["epochs"]) == (3, 61.3, 5)
    assert "python data/runs/99_test.py" in run.provenance() and "seed 3" in run.provenance()


def test_provenance_names_processor_threads_gpu_and_code(elsewhere, monkeypatch):
    import torch

    monkeypatch.setattr(files, "revision", lambda: "abc1234+changes")
    runs.save("99_test", {"a": [1.0]}, command="c", seed=0, seconds=60)
    meta = runs.load("99_test").meta
    assert meta["code"] == {"version": __version__, "commit": "abc1234+changes"}
    assert meta["threads"] == torch.get_num_threads() and meta["device"] == "cpu"
    assert meta["gpu"] == (torch.cuda.get_device_name() if torch.cuda.is_available() else meta["gpu"])
    assert meta["hardware"].startswith(runs.processor()) and f"{os.cpu_count()} cores" in meta["hardware"]
    line = runs.load("99_test").provenance()
    assert "abc1234+changes" in line and meta["hardware"] in line


def test_the_gpu_is_named_only_by_runs_that_used_it(elsewhere, monkeypatch):
    monkeypatch.setattr(runs, "gpu", lambda: "Great GPU 9")
    for device in ("cpu", "cuda:0"):
        runs.save("99_test", {"a": [1.0]}, command="c", seed=0, seconds=60, device=device)
        run = runs.load("99_test")
        assert run.meta["gpu"] == "Great GPU 9"
        assert ("Great GPU 9" in run.provenance()) == (device != "cpu")


def test_runs_of_the_first_edition_are_still_read(elsewhere):
    """They lack the version of the code, the device and the processor's model."""
    meta = {"command": "python data/runs/99_old.py", "seed": 1, "seconds": 60.0, "date": "2025-01-01",
            "versions": {"torch": "2.11.0"}, "hardware": "x86_64 CPU, 2 cores, 1 threads used"}
    runs.path("99_old").parent.mkdir(parents=True)
    np.savez_compressed(runs.path("99_old"), meta=np.array(json.dumps(meta)), loss=np.ones(2))
    assert runs.load("99_old").provenance().endswith("2 cores, 1 threads used  ·  2025-01-01  ·  1.0 min")


@pytest.mark.parametrize("system, text, said", [
    ("Linux", "processor\t: 0\nmodel name\t: AMD EPYC 7B13\n", "AMD EPYC 7B13"),
    ("Linux", "processor\t: 0\nBogoMIPS\t: 48.00\n", "arch64"), ("Windows", "", "arch64")])
def test_the_processor_is_named_as_far_as_the_system_tells(monkeypatch, system, text, said):
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "arch64")
    monkeypatch.setattr(runs, "_lines", lambda source: text.splitlines())
    assert runs.processor() == said


def test_nothing_is_written_beside_an_installed_package(elsewhere):
    (elsewhere / "dlhelpers-0.1.0.dist-info").mkdir()
    with pytest.raises(FileNotFoundError, match="work in the project's folder"):
        runs.save("99_test", {"a": [1.0]}, command="c", seed=0, seconds=1)
    assert [p.name for p in elsewhere.iterdir()] == ["dlhelpers-0.1.0.dist-info"]


def test_what_is_not_there_is_named(elsewhere):
    with pytest.raises(FileNotFoundError, match="python data/runs/98_none.py"):
        runs.load("98_none")
    runs.save("99_test", {"loss": [1.0]}, command="c", seed=0, seconds=1)
    with pytest.raises(KeyError, match="no array 'accuracy'"):
        runs.load("99_test")["accuracy"]
    with pytest.raises(ValueError, match="meta"):
        runs.save("99_test", {"meta": [1.0]}, command="c", seed=0, seconds=1)


@pytest.mark.parametrize("path", sorted((files.ROOT / "data" / "runs").glob("*.npz")), ids=lambda p: p.stem)
def test_every_recorded_run_can_be_repeated(path):
    run = runs.load(path.stem)
    assert all(run.meta.get(key) not in (None, "") for key in runs.REQUIRED)
    scripts = [word for word in run.meta["command"].split() if word.endswith(".py")]
    assert scripts and all((files.ROOT / script).exists() for script in scripts)
    assert all(array.size for array in run.arrays.values())
    assert path.stat().st_size < 1_000_000


@pytest.mark.slow
def test_the_first_epoch_of_the_recorded_two_layer_run_can_be_repeated():
    """Where MNIST is on disk; rounding in float32 sums differs between machines, far below 1 part in 1 000."""
    try:
        mnist = data.digits("mnist")
    except FileNotFoundError:
        pytest.skip("needs MNIST")
    run = runs.load("07_two_layer_mnist")
    train, test = (((X - 0.5), torch.nn.functional.one_hot(y, 10).float())
                   for X, y in ((mnist.X_train, mnist.y_train), (mnist.X_test, mnist.y_test)))
    history = training.fit(mlp([784, 1024, 10], "relu", seed=0), train, torch.nn.MSELoss(), eta=0.01, epochs=1,
                           batch=200, sampling="lecture", validation=test, seed=0, progress=False)
    assert history.train_loss[0] == pytest.approx(run["train_loss"][0], rel=1e-3)
    assert history.validation_loss[0] == pytest.approx(run["test_loss"][0], rel=1e-3)
