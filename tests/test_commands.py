"""``python -m dlhelpers``: the commands that report, and how errors are shown."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from dlhelpers import __main__ as program
from dlhelpers import files, runs


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


@pytest.mark.parametrize("arguments", [[], ["dance"], ["slides"], ["student"], ["fetch", "everything"]])
def test_wrong_usage_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        program.main(arguments)
    assert left.value.code == 2 and "usage:" in capsys.readouterr().err


def test_doctor_reports(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["doctor"]) == 0
    shown = capsys.readouterr().out
    for word in ("Python", "packages: all there", "torch", "devices:", "threads", "MNIST", "browser"):
        assert word in shown
    assert "✗" not in shown


def test_doctor_names_what_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "numba" else found(name, *rest))
    assert program.main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "✗ packages: missing numba" in shown and "pip install -r requirements.txt" in shown


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
