"""A user's file is typed: it passes mypy --strict and pyright as it stands, and both find a slip in it."""

from __future__ import annotations

import importlib.util
import inspect
import os
import pydoc
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.methods import ArrayMethods
from tinygrad_edu.core.table import OPS
from tinygrad_edu.ops import stubs

USER = Path(__file__).with_name("user.py")
SLIPS = {  # what a user writes, and the same with a slip in it
    "(W**2).mean()": "(W**2).maen()",
    "tg.sigmoid(Z)": "tg.sigmoyd(Z)",
    ", axis=0).sum()": ", axes=0).sum()",
    "first.clip(-1.0, 1.0)": "first.clip(-1.0, 1.0).grad.shape",
    "tg.nn.Dense(2": "tg.nn.Dens(2",
    "tg.optim.Adam": "tg.optim.Adma",
    "log_cosh(held)": "log_cosh(held).meen()",
    "epochs=3": "epoch=3",
    "W @ X + b": "(W @ X + b).trnspose()",
    "report.ok": "report.okay",
}


PACKAGE = Path(str(tg.__file__)).parents[1]
EXAMPLES = PACKAGE / "examples"
CONFIG = str(USER.with_name("pyrightconfig.json"))
CHECKERS = {
    "mypy": ["mypy", "--strict", "--config-file=", "--no-error-summary"],
    # pyright with all that it needs in its wheel; the package of that name fetches it when it first runs.
    "pyright": ["basedpyright", "--level", "error", "--pythonpath", sys.executable, "--project", CONFIG],
}


def checked(checker: str, *files: Path) -> list[str]:
    """What a type checker finds wrong, a line for each."""
    command = CHECKERS[checker]
    if importlib.util.find_spec(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    run = subprocess.run(
        [sys.executable, "-m", *command, *map(str, files)],
        env=os.environ | {"MYPYPATH": str(PACKAGE), "PYTHONPATH": str(PACKAGE)},
        cwd=files[0].parent,
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in run.stdout.splitlines() if "error:" in line or "error\t" in line]
    if run.returncode and not said:
        pytest.skip(f"{checker} does not run here: {(run.stderr or run.stdout).strip()[-200:]}")
    return said


@pytest.mark.slow
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_users_file_is_typed_and_each_slip_in_it_is_found(checker: str, tmp_path: Path) -> None:
    text = USER.read_text("utf-8")
    files = [tmp_path / "right.py", *(tmp_path / f"slip_{k}.py" for k in range(len(SLIPS)))]
    files[0].write_text(text, "utf-8")
    for file, (right, wrong) in zip(files[1:], SLIPS.items(), strict=True):
        assert text.count(right) == 1
        file.write_text(text.replace(right, wrong), "utf-8")
    said = checked(checker, *files)
    assert [line for line in said if "right.py" in line] == []
    for file, wrong in zip(files[1:], SLIPS.values(), strict=True):
        assert any(file.name in line for line in said), (wrong, said)


@pytest.mark.slow
def test_the_examples_are_typed() -> None:
    assert checked("pyright", *sorted(EXAMPLES.glob("*.py"))) == []


def test_the_users_file_runs() -> None:
    spec = importlib.util.spec_from_file_location("user_of_types", USER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main()


def test_the_stubs_are_current() -> None:
    for path, text in stubs.files().items():
        held = path.read_text("utf-8")
        if f"# Made with {stubs.MADE_WITH}.\n" not in held:
            pytest.skip(f"they were made with another NumPy or Python than {stubs.MADE_WITH}")
        assert held == text, "run python -m tinygrad_edu.ops.stubs"


def test_every_public_name_is_in_the_stub() -> None:
    text = (Path(str(tg.__file__)).parent / "__init__.pyi").read_text("utf-8")
    for name in tg.__all__:
        assert any(f"{before}{name}{after}" in text for before, after in (
            ("def ", "("), ("\n", " = "), (" as ", "\n"),
        )), name  # fmt: skip


@pytest.mark.parametrize("name", sorted(OPS))
def test_help_and_source_show_the_definition(name: str) -> None:
    op = OPS[name]
    page = pydoc.plain(pydoc.render_doc(op))
    joined = re.sub(r"\(\s+", "(", page)  # a long signature has a line for each argument
    assert (
        f"{op.name}({', '.join(map(str, inspect.signature(op).parameters.values()))[:3]}"
        in joined.replace("self, ", "")
    )
    assert all(f"{setting}" in page for setting in op.settings)
    assert f"def {op.forward.__name__}(" in inspect.getsource(op) or op.forward.__name__ == "<lambda>"


def test_help_of_a_method_shows_its_settings() -> None:
    assert "axis" in inspect.signature(ArrayMethods.sum).parameters
    assert [*inspect.signature(tg.Tensor(np.ones(2)).std).parameters][:1] == ["axis"]
