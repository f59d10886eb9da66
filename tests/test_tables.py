"""The small tables that lecture 01 plots: whole, ordered, and with the lectures' numbers in them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from dlhelpers import files

FOLDER = files.shipped("tables")
TABLES = sorted(FOLDER.glob("*.csv"))


def rows(name: str) -> list[dict[str, str]]:
    with open(FOLDER / f"{name}.csv", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_table_is_rectangular_and_has_a_source(path: Path) -> None:
    with open(path, encoding="utf-8", newline="") as handle:
        lines = list(csv.reader(handle))
    assert len(lines) > 5
    assert {len(line) for line in lines} == {len(lines[0])}
    assert f"`{path.name}`" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_timeline_names_every_year_of_the_lectures_in_order() -> None:
    years = [int(row["year"]) for row in rows("timeline")]
    assert years == sorted(years)
    assert {1943, 1949, 1950, 1958, 1960, 1969, 1970, 1974, 1982, 1986, 1995, 1998, 2006, 2012, 2013, 2014, 2015,
            2016, 2017, 2020} <= set(years)
    assert all(row["source"] and row["people"] for row in rows("timeline"))


def test_ilsvrc_holds_the_slide() -> None:
    slide = [float(row["top5_error"]) for row in rows("ilsvrc") if row["source"] == "Tsagkatakis"]
    assert slide == [16.4, 15.3, 11.7, 11.2, 7.32, 6.67, 3.57]


def test_winners_head_the_list_of_teams() -> None:
    winners = {row["year"]: float(row["top5_error"]) for row in rows("ilsvrc") if row["place"] == "1st"}
    best: dict[str, float] = {}
    for row in rows("ilsvrc_teams"):
        best[row["year"]] = min(best.get(row["year"], 100.0), float(row["top5_error"]))
    for year, error in best.items():
        assert winners[year] == pytest.approx(error, abs=0.05)


def test_peaks_follow_from_units_and_clock() -> None:
    for row in rows("accelerators"):
        computed = 2 * int(row["cores"]) * float(row["clock_ghz"]) / 1000
        assert computed == pytest.approx(float(row["peak_tflops"]), rel=0.02)
