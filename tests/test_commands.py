"""``python -m dlhelpers``: the commands that report, and how errors are shown."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from dlhelpers import __main__ as program
from dlhelpers import files, runs
from dlhelpers.data import mnist


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        program.main(["--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    for name in program.COMMANDS:
        assert name in shown
        with pytest.raises(SystemExit) as left:
            program.main([name, "--help"])
        assert left.value.code == 0 and f"dlhelpers {name}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["dance"], ["slides"], ["student", "--hurry"], ["fetch", "everything"]])
def test_wrong_usage_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        program.main(arguments)
    assert left.value.code == 2 and "usage:" in capsys.readouterr().err


def test_doctor_reports(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["doctor"]) == 0
    shown = capsys.readouterr().out
    for word in ("Python", "packages: all there", "torch", "devices:", "threads", "waiting passively", "MNIST",
                 "browser"):
        assert word in shown
    assert "✗" not in shown


def test_doctor_names_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec",
                        lambda name, *rest: None if name == "numba" else found(name, *rest))
    assert program.main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "✗ packages: missing numba" in shown and "pip install -r requirements.txt" in shown


@pytest.mark.parametrize("variable, value, said", [
    ("DLHELPERS_DEVICE", "gpu", "must be one of cpu, cuda, mps"),
    ("DLHELPERS_DIGITS", "foo", "must be one of bundled, mnist"),
    ("DLHELPERS_DATA", "/nowhere/at/all", "there is no such folder")])
def test_doctor_judges_what_the_environment_asks_for(variable: str, value: str, said: str,
                                                     monkeypatch: pytest.MonkeyPatch,
                                                     capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv(variable, value)
    assert program.main(["doctor"]) == 1
    wrong = [line for line in capsys.readouterr().out.splitlines() if line.startswith("✗")]
    assert len(wrong) == 1 and f"{variable}={value}" in wrong[0] and said in wrong[0]


@pytest.mark.parametrize("content, good, said", [
    (None, True, "MNIST: not here"), ({}, True, "MNIST: not here"),
    ({mnist_name: b"no digits" for mnist_name in mnist.PARTS}, False, "train-images-idx3-ubyte is damaged"),
    ({"t10k-labels-idx1-ubyte": b"no digits"}, False, "train-images-idx3-ubyte is missing")],
    ids=["no folder", "empty folder", "damaged", "incomplete"])
def test_doctor_verifies_mnist(content: dict[str, bytes] | None, good: bool, said: str, tmp_path: Path,
                               monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(files, "data_places", lambda: [tmp_path])
    monkeypatch.delenv("DLHELPERS_DIGITS", raising=False)
    if content is not None:
        (tmp_path / "mnist").mkdir()
        for name, data in content.items():
            (tmp_path / "mnist" / name).write_bytes(data)
    assert program.main(["doctor"]) == int(not good)
    shown = capsys.readouterr().out
    assert said in shown and "python -m dlhelpers fetch mnist" in shown
    monkeypatch.setenv("DLHELPERS_DIGITS", "mnist")
    assert program.main(["doctor"]) == 1
    assert "✗ DLHELPERS_DIGITS=mnist, but MNIST" in capsys.readouterr().out


def test_doctor_says_whether_threads_wait_passively(monkeypatch: pytest.MonkeyPatch,
                                                    capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert program.main(["doctor"]) == 0
    assert "waiting actively" in (shown := capsys.readouterr().out) and "OMP_WAIT_POLICY=PASSIVE" in shown


def test_runs_lists_every_recorded_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["runs"]) == 0
    shown = capsys.readouterr().out
    for path in sorted((files.ROOT / "data" / "runs").glob("*.npz")):
        assert path.stem in shown and runs.load(path.stem).provenance() in shown


@pytest.mark.parametrize("arguments", [["run", "66"], ["run", "66", "--check"], ["slides", "66", "OUT"],
                                       ["student", "OUT", "66"]])
def test_an_unknown_notebook_is_named(arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                      capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert program.main(arguments) == 1
    shown = capsys.readouterr().err
    assert "66" in shown and len(shown.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_run_without_a_name_says_what_to_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["run"]) == 2
    assert "name a lecture" in capsys.readouterr().out
