"""Recorded runs carry their provenance and are read back as they were written."""

import numpy as np
import pytest

from dlhelpers import files, runs


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
