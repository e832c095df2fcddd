"""Writes notebooks/*.ipynb: each example as a notebook, its comments as text between the cells.

``python examples/make_notebooks.py`` from anywhere, with the extra ``dev``; ``tests/examples`` holds the
notebooks to the programs.
"""

from __future__ import annotations

import re
from pathlib import Path

import jupytext

FOLDER = Path(__file__).resolve().parent
NOTEBOOKS = FOLDER / "notebooks"


def programs() -> list[Path]:
    """The examples."""
    return sorted(FOLDER.glob("[0-9]*.py"))


def notebook(program: Path) -> str:
    """An example as a notebook: a cell for each part that begins with a comment of its own."""
    _, documentation, code = program.read_text("utf-8").split('"""', 2)
    cells = [_markdown(f"# {program.stem[3:].replace('_', ' ').capitalize()}\n\n{documentation.strip()}")]
    for part in re.split(r"\n(?=# )", code.strip("\n")):
        lines = part.split("\n")
        said = [line for line in lines if line.startswith("# ")]
        text = lines[: len(said)] if lines[: len(said)] == said else []
        if text:
            cells.append(_markdown("\n".join(line[2:] for line in text)))
        body = "\n".join(lines[len(text) :]).strip("\n")
        if body:
            cells.append(f"# %%\n{body}\n")
    made = jupytext.reads("\n".join(cells), fmt="py:percent")
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number}"
    made.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    made.nbformat, made.nbformat_minor = 4, 5
    return jupytext.writes(made, fmt="ipynb").rstrip("\n") + "\n"


def _markdown(text: str) -> str:
    lines = "\n".join(f"# {line}".rstrip() for line in text.split("\n"))
    return f"# %% [markdown]\n{lines}\n"


if __name__ == "__main__":
    NOTEBOOKS.mkdir(exist_ok=True)
    for path in programs():
        (NOTEBOOKS / f"{path.stem}.ipynb").write_text(notebook(path), "utf-8")
