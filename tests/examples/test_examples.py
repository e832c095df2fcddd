"""Every example runs by itself, and shows what it promises."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "examples"
SHOWS: dict[str, tuple[list[str], list[str]]] = {
    "01_scalar.py": (
        [
            "J = 33.0: dv = 3.0, du = 3.0, da = 3.0, db = 6.0, dc = 9.0",
            "dc: f64[] = multiply du b",
            "dc = ",
            "def step(",
            "3 of 4 right",
            "b = 2.4, J = 29.4",
        ],
        ["J.svg", "J.html"],
    ),
    "02_logistic_regression.py": (["2 of 2 right", "cost 0.693147 -> "], []),
    "03_l_layer.py": (
        ["the validation cost has not fallen since epoch", "dW1 = dZ1 @ X.T / m", "accuracy test"],
        ["network.svg"],
    ),
    "04_custom_operation.py": (["J = 0.360344", "np.tanh(x)", "refused: define: wrong"], []),
    "05_compare_by_hand.py": (
        ["6 of 6 right", "the factor 1/m is missing", "wrong only because dZ1 is", "transposed", "agrees"],
        [],
    ),
    "06_compiled_step.py": (["cost 0.693147 -> ", "np.matmul("], []),
}


def test_every_example_is_in_the_table_here_and_in_the_readme() -> None:
    found = sorted(path.name for path in FOLDER.glob("[0-9]*.py"))
    readme = (FOLDER / "README.md").read_text("utf-8")
    assert found == sorted(SHOWS)
    assert [name for name in found if f"[{name}]({name})" not in readme] == []


@pytest.mark.parametrize("name", SHOWS)
def test_an_example_shows_what_it_promises(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sympy", reason="needs the extra 'derive'")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(FOLDER / name), run_name="__main__")
    told = capsys.readouterr().out
    said, written = SHOWS[name]
    for text in said:
        assert text in told, text
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(written)


def test_the_notebooks_are_made_from_the_programs() -> None:
    pytest.importorskip("jupytext", reason="needs jupytext, which the extra 'dev' brings")
    made = runpy.run_path(str(FOLDER / "make_notebooks.py"))
    found = {path.stem: path.read_text("utf-8") for path in (FOLDER / "notebooks").glob("*.ipynb")}
    expected = {path.stem: made["notebook"](path) for path in made["programs"]()}
    assert found == expected, "python examples/make_notebooks.py writes them"


@pytest.mark.parametrize("name", SHOWS)
def test_a_notebook_has_the_lines_of_its_program_in_their_order(name: str) -> None:
    cells = json.loads((FOLDER / "notebooks" / f"{name[:-3]}.ipynb").read_text("utf-8"))["cells"]
    told = [line.strip("# ") for cell in cells for line in "".join(cell["source"]).split("\n") if line]
    program = (FOLDER / name).read_text("utf-8").replace('"""', "", 2)
    expected = [line.strip("# ") for line in program.split("\n") if line]
    assert told[1:] == expected  # below the title
