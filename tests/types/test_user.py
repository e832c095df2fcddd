"""A user's file is typed: it passes mypy --strict as it stands, and a slip in it is found."""

from __future__ import annotations

import importlib.util
import inspect
import pydoc
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
SLIPS = {  # what a user writes, with a slip in it, and what mypy calls that
    "(W**2).mean()": ("(W**2).maen()", "attr-defined"),
    "tg.sigmoid(Z)": ("tg.sigmoyd(Z)", "attr-defined"),
    ", axis=0).sum()": (", axes=0).sum()", "call-overload"),
    "first.clip(-1.0, 1.0)": ("first.clip(-1.0, 1.0).grad.shape", "union-attr"),
    "tg.nn.Dense(2": ("tg.nn.Dens(2", "attr-defined"),
    "tg.optim.Adam": ("tg.optim.Adma", "attr-defined"),
    "log_cosh(held)": ("log_cosh(held).meen()", "attr-defined"),
    "epochs=3": ("epoch=3", "call-arg"),
    "W @ X + b": ("(W @ X + b).trnspose()", "attr-defined"),
    "report.ok": ("report.okay", "attr-defined"),
}


def checked(*files: Path) -> str:
    package = Path(str(tg.__file__)).parents[1]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", *map(str, files)],
        env={"MYPYPATH": str(package), "PYTHONPATH": str(package), "PATH": ""},
        cwd=files[0].parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout + run.stderr


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="needs mypy")
def test_a_users_file_is_typed_and_each_slip_in_it_is_found(tmp_path: Path) -> None:
    text = USER.read_text("utf-8")
    files = [tmp_path / "right.py", *(tmp_path / f"slip_{k}.py" for k in range(len(SLIPS)))]
    files[0].write_text(text, "utf-8")
    for file, (right, (wrong, _)) in zip(files[1:], SLIPS.items(), strict=True):
        assert text.count(right) == 1
        file.write_text(text.replace(right, wrong), "utf-8")
    said = checked(*files)
    assert "right.py" not in said
    for file, (wrong, code) in zip(files[1:], SLIPS.values(), strict=True):
        assert f"[{code}]" in "".join(x for x in said.splitlines() if x.startswith(file.name)), (wrong, said)


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
    assert f"{op.name}({', '.join(map(str, inspect.signature(op).parameters.values()))[:3]}" in page.replace(
        "self, ", ""
    )
    assert all(f"{setting}" in page for setting in op.settings)
    assert f"def {op.forward.__name__}(" in inspect.getsource(op) or op.forward.__name__ == "<lambda>"


def test_help_of_a_method_shows_its_settings() -> None:
    assert "axis" in inspect.signature(ArrayMethods.sum).parameters
    assert [*inspect.signature(tg.Tensor(np.ones(2)).std).parameters][:1] == ["axis"]
