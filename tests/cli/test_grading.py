"""``tinygrad-edu grade``: a table of many files, of which none can spoil another's row."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.check.test_student import TWO_LAYERS
from tinygrad_edu.cli.entry_point import main


def graded(folder: Path, files: dict[str, str], *options: str) -> list[dict[str, str]]:
    hand_in = folder / "hw"
    hand_in.mkdir()
    for name, text in files.items():
        (hand_in / name).write_text(text, "utf-8")
    assert main(["grade", str(hand_in), "-o", str(folder / "report.csv"), *options]) == 0
    with (folder / "report.csv").open(encoding="utf-8-sig") as table:
        return list(csv.DictReader(table))


def test_each_quantity_of_each_file_has_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = TWO_LAYERS.replace("(1 - np.power(A1, 2))", "(1 - A1)")
    rows = graded(tmp_path, {"ada.py": TWO_LAYERS, "bob.py": wrong})
    assert {row["verdict"] for row in rows if row["file"] == "ada.py"} == {"right"}
    (root,) = [row for row in rows if row["verdict"] == "wrong"]
    assert (root["file"], root["quantity"], root["codes"].split()[0]) == ("bob.py", "dZ1", "slope_wrong")
    assert "1 of 2 files have every gradient right" in capsys.readouterr().out
    assert "bob.py" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.slow
def test_a_file_that_loops_dies_or_raises_costs_its_own_row_alone(tmp_path: Path) -> None:
    files = {
        "a.py": "while True: pass",
        "b.py": "import os\nos._exit(7)",
        "c.py": "1 / 0",
        "d.py": "x = bytearray(10**10)",
        "e.py": TWO_LAYERS,
    }
    rows = graded(tmp_path, files, "--seconds", "25", "--memory", "3000")
    why = {row["file"]: row["text"] for row in rows if row["verdict"] == "not checked"}
    assert "more than 25 s" in why["a.py"]
    assert "exit status 7" in why["b.py"]
    assert "ZeroDivisionError" in why["c.py"]
    assert "MemoryError" in why["d.py"]
    assert {row["verdict"] for row in rows if row["file"] == "e.py"} == {"right"}


def test_a_folder_without_files_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grade", str(tmp_path)]) == 2
    assert "has no .py or .ipynb file" in capsys.readouterr().err


def test_another_format_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grade", str(tmp_path), "-o", "report.doc"]) == 2
    assert "expected a .csv or .html file" in capsys.readouterr().err
