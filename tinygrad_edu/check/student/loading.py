"""A student's file or notebook as a module: read, run, and its errors told by its own lines."""

from __future__ import annotations

import ast
import json
import linecache
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from tinygrad_edu.check.student.in_place import HELPERS, without_writes

_MODULE = "student"
_MAGIC = re.compile(r"^\s*[%!?]|^[^#'\"]*\?\s*$")
_OTHER_LIBRARIES = {"torch": "PyTorch", "tensorflow": "TensorFlow", "keras": "Keras", "jax": "JAX"}
_TO_NUMPY = (
    "Write forward in NumPy (np.exp(Z), np.sum(L, axis=1), np.maximum(0, Z), W @ X): it is run on Tensors, "
    "which answer NumPy's functions, and recorded."
)


class StudentFileError(Exception):
    """The file can't be checked: it raises, or lacks a pass. The message has its own lines alone."""


@dataclass(frozen=True)
class Loaded:
    """A file that was run."""

    path: Path
    source: str
    """Its code; of a notebook, that of its code cells in order, with magics as empty lines."""
    cells: tuple[int, ...]
    """Of a notebook, the line of ``source`` at which each code cell begins."""
    module: ModuleType
    skipped: tuple[str, ...] = ()
    """Of a notebook, what was raised by cells that were therefore left out."""

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def place(self, line: int) -> str:
        """A line as its author counts it: ``line 12``, in a notebook ``cell 3, line 2``.

        A cell's number is its place among the notebook's code cells.
        """
        return f"cell {self.cell(line)}, line {self.line_in_cell(line)}" if self.cells else f"line {line}"

    def cell(self, line: int) -> int:
        """The number of the code cell that a line of ``source`` is in, from 1."""
        return sum(first <= line for first in self.cells)

    def line_in_cell(self, line: int) -> int:
        """The line's number in its cell, from 1."""
        return line - self.cells[self.cell(line) - 1] + 1

    @contextmanager
    def at_home(self) -> Iterator[None]:
        """Runs the file's code as its author does: what stands beside it can be imported."""
        beside = str(self.path.parent.resolve())
        before = list(sys.path), sys.modules.get(_MODULE), set(sys.modules)
        sys.path.insert(0, beside)
        sys.modules[_MODULE] = self.module
        try:
            yield
        finally:
            sys.path[:] = before[0]
            sys.modules.pop(_MODULE, None)
            if before[1] is not None:
                sys.modules[_MODULE] = before[1]
            for name in set(sys.modules) - before[2]:  # another file's helper may have the same name
                if str(getattr(sys.modules[name], "__file__", "") or "").startswith(beside):
                    del sys.modules[name]

    def guarded(self, run: Callable[[], Any]) -> Any:
        """The result of the file's code; what it raises is told by the lines of the file alone."""
        try:
            with self.at_home(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of random inputs of shapes that are tried out
                return run()
        except StudentFileError:
            raise
        except SystemExit as stopped:
            raise StudentFileError(f"{self.name} ends the program: sys.exit({stopped.code!r})") from None
        except Exception as error:  # noqa: BLE001  (whatever a student's file raises)
            raise StudentFileError(self._trimmed(error)) from None

    def _trimmed(self, error: Exception) -> str:
        lines = self.source.splitlines()
        told = [f"{self.name} raises:"]
        if isinstance(error, SyntaxError) and error.lineno and error.filename == str(self.path):
            told += [f"  {self.place(error.lineno)}", f"    {lines[error.lineno - 1].strip()}"]
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename == str(self.path) and frame.lineno:
                told.append(f"  {self.place(frame.lineno)}, in {frame.name}")
                told.append(f"    {lines[frame.lineno - 1].strip()}")
        advice = _advice(error)
        return "\n".join([*told, f"{type(error).__name__}: {error}", *([advice] if advice else [])])


def _advice(error: Exception) -> str:
    """What to change in code that was written for another library."""
    text = str(error)
    missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
    library = _OTHER_LIBRARIES.get(str(missing or "").partition(".")[0])
    if library is None and "Tensor" in text:
        library = next((n for key, n in _OTHER_LIBRARIES.items() if re.search(rf"\b{key}\b", text)), None)
    return f"This is {library} code. {_TO_NUMPY}" if library else ""


def load(path: str | Path) -> Loaded:
    """Runs a Python file or a Jupyter notebook.

    Raises:
        StudentFileError: it raises, or isn't Python or a notebook.
        OSError: it can't be read.
    """
    file = Path(path)
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        raise StudentFileError(
            f"{file.name}: expected a Python file or a notebook, got binary data"
        ) from None
    source, cells = _code_cells(file, text) if file.suffix == ".ipynb" else (text, ())
    module = ModuleType(_MODULE)
    module.__file__ = str(file)
    vars(module).update(HELPERS)
    loaded = Loaded(file, source, cells, module)
    # The lines are needed where a report points at one, and a notebook has no file of its own for them.
    linecache.cache[str(file)] = (len(source), None, source.splitlines(keepends=True), str(file))

    def run(code: str) -> None:
        tree = without_writes(ast.parse(code, str(file)))
        exec(compile(tree, str(file), "exec"), module.__dict__)  # noqa: S102  (said plainly: the file is run)

    if not cells:
        loaded.guarded(partial(run, source))
        return loaded
    problems = []
    lines = source.splitlines(keepends=True)
    for k, first in enumerate(cells):  # one that plots, or loads a file that is elsewhere, is no obstacle
        end = cells[k + 1] - 1 if k + 1 < len(cells) else len(lines)
        code = "\n" * (first - 1) + "".join(lines[first - 1 : end])  # so its lines keep their numbers
        try:
            loaded.guarded(partial(run, code))
        except StudentFileError as error:
            problems.append(str(error))
    return replace(loaded, skipped=tuple(problems))


def _code_cells(file: Path, text: str) -> tuple[str, tuple[int, ...]]:
    """The code of a notebook, and the line at which each cell begins. https://nbformat.readthedocs.io."""
    try:
        notebook = json.loads(text)
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        sources = [cell["source"] for cell in cells]
    except (json.JSONDecodeError, KeyError, TypeError):
        raise StudentFileError(f"{file.name}: expected a Jupyter notebook with cells (nbformat 4)") from None
    lines: list[str] = []
    first = []
    for source in sources:
        first.append(len(lines) + 1)
        lines += _without_magics("".join(source) if isinstance(source, list) else str(source))
    return "\n".join(lines) + "\n", tuple(first)


def _without_magics(cell: str) -> list[str]:
    """The cell's lines, those that only IPython understands left empty."""
    lines = cell.splitlines() or [""]
    if lines[0].lstrip().startswith("%%") and not lines[0].lstrip().startswith(("%%time", "%%capture")):
        return [""] * len(lines)  # another language, or a file that is written
    return ["" if _MAGIC.match(line) else line for line in lines]
