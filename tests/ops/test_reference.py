"""The page of NumPy's functions is complete, and says what the definitions say."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import ops
from tinygrad_edu.core.application import CallableOp
from tinygrad_edu.core.table import NUMPY, OPS, REFUSED
from tinygrad_edu.ops import reference
from tinygrad_edu.ops.numpy_coverage.non_differentiable import ABOUT_SHAPES, ABOUT_VALUES
from tinygrad_edu.ops.numpy_coverage.unsupported import NOT_ABOUT_TENSORS, REASONS, numpy_function

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def test_the_page_is_current() -> None:
    text = PAGE.read_text("utf-8")
    if f"with NumPy {'.'.join(np.__version__.split('.')[:2])}.\n" not in text:
        pytest.skip(f"the page was made with another NumPy than {np.__version__}")
    assert reference.page() == text, "run python -m tinygrad_edu.ops.reference > docs/operations.md"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # it has been imported before
def test_the_command_prints_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_module("tinygrad_edu.ops.reference", run_name="__main__")
    assert capsys.readouterr().out == reference.page()


def test_an_operation_of_a_user_is_not_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    before = reference.page()
    monkeypatch.setitem(OPS, "mine", CallableOp("mine", lambda x: x, (None,), "elementwise", "", ()))
    assert reference.page() == before


def test_no_function_of_numpy_is_left_unsaid() -> None:
    assert reference.unsaid() == []


def test_an_unsaid_function_would_be_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(NUMPY, np.exp)
    assert reference.unsaid() == ["exp"]


def test_no_function_is_said_to_be_two_things() -> None:
    said = [numpy_function(n) for names in (*REASONS, *NOT_ABOUT_TENSORS.values()) for n in names.split()]
    assert not set(NUMPY) & {f for f in said if f is not None}


@pytest.mark.parametrize("function", REFUSED, ids=lambda f: getattr(f, "__name__", str(f)))
def test_a_refused_function_says_why(function: Any) -> None:
    assert REFUSED[function].endswith(".")
    assert len(REFUSED[function]) > 20


def refused_with_a_tensor(name: str) -> bool:
    """Whether NumPy asks the Tensor at all before it takes its arguments apart."""
    return name not in {"vectorize", "frompyfunc"}


@pytest.mark.parametrize("name", [n for names in REASONS for n in names.split() if refused_with_a_tensor(n)])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
def test_a_refused_function_is_refused(name: str) -> None:
    function = numpy_function(name)
    if function is None:
        pytest.skip(f"this NumPy has no {name}")
    t = tg.Tensor([[1.0, 2.0], [3.0, 4.0]])
    for arguments in ((t,), (t, t), (t, t, t), (np.sum, 0, t), ([t],)):
        try:
            function(*arguments)
        except TypeError as error:
            if "history" in str(error) or name.rpartition(".")[2] in str(error).partition(":")[0]:
                return
    pytest.fail(f"{name} is not refused by name")


@pytest.mark.parametrize("function", ABOUT_SHAPES + ABOUT_VALUES, ids=lambda f: f.__name__)
def test_a_constant_function_gives_no_tensor(function: Any) -> None:
    assert not hasattr(tg, function.__name__) or function is np.save  # tg.save keeps a model's parameters
    assert NUMPY[function].args[0] is function


MODULES = [getattr(ops, name) for name in ops.__all__ if name not in {"non_differentiable", "unsupported"}]


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__.rpartition(".")[2])
def test_what_a_module_offers_is_public(module: ModuleType) -> None:
    missing = [n for n in module.__all__ if getattr(tg, n, None) is not getattr(module, n)]
    assert missing == []


def test_every_name_that_numpy_has_for_it_is_public() -> None:
    plain = {*ABOUT_SHAPES, *ABOUT_VALUES}
    missing = [
        name
        for function, names in reference.numpy_names().items()
        if function in NUMPY and function not in plain
        for name in names
        if "." not in name and not hasattr(tg, name)
    ]
    assert missing == []
