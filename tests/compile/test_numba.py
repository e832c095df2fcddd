"""Kernels: the same values as NumPy's lines, from fewer passes; compiled once for all runs."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

from .test_step import two_layers

SHAPE = (64, 80)


def every_form(p: Any, X: Any, row: Any) -> Any:
    """All that a kernel can write, broadcast along both axes."""
    a = p["W"] * X + p["b"]
    b = np.abs(a - row) / (np.square(X) + 2.0)
    c = np.maximum(-a, b) - np.minimum(a, 0.5)
    d = np.where(np.greater(c, row), a, 0.1 * b) * np.less_equal(X, 1.0)
    return np.sum(d * np.greater_equal(c, 0.0) + tg.relu(c))


def inputs(dtype: Any) -> tuple[dict[str, Any], Any, Any]:
    rng = np.random.default_rng(0)
    params = {"W": rng.normal(size=SHAPE).astype(dtype), "b": rng.normal(size=(SHAPE[0], 1)).astype(dtype)}
    return params, rng.normal(size=SHAPE).astype(dtype), rng.normal(size=(1, SHAPE[1])).astype(dtype)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pytest.importorskip("numba", reason="the extra 'numba' is not installed")
    monkeypatch.setenv("TINYGRAD_EDU_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_kernels_give_what_numpy_gives(dtype: Any, rtol: float, folder: Path) -> None:
    data = inputs(dtype)
    plain, fused = tg.compile(every_form, backend="numpy"), tg.compile(every_form, backend="numba")
    for _ in range(2):
        (J, grads), (expected, expected_grads) = fused(*data), plain(*data)
        assert pytest.approx(expected, rel=rtol) == J
        for name, g in expected_grads.items():
            np.testing.assert_allclose(grads[name], g, rtol=rtol, atol=10 * rtol)
            assert grads[name].dtype == dtype
    assert "numba.njit" in fused.source
    assert fused.source.count("\n    np.") + fused.source.count("= np.") < plain.source.count("= np.")


@pytest.mark.slow
def test_training_with_kernels_goes_the_same_way(folder: Path) -> None:
    rng = np.random.default_rng(1)
    X, Y = (
        rng.normal(size=(3, 70_000)),
        (rng.random((1, 70_000)) < 0.5) * 1.0,
    )  # long enough for several threads
    start = {
        "W1": rng.normal(size=(4, 3)),
        "b1": np.zeros((4, 1)),
        "W2": rng.normal(size=(1, 4)),
        "b2": np.zeros((1, 1)),
    }
    trained = []
    for backend in ("numpy", "numba"):
        params = {name: value.copy() for name, value in start.items()}
        step = tg.compile(two_layers, optimizer=tg.optim.SGD(lr=0.5), backend=backend)
        costs = [step(params, X, Y) for _ in range(5)]
        trained.append((costs, params))
    assert trained[0][0] == pytest.approx(trained[1][0], rel=1e-11)
    for name in start:
        np.testing.assert_allclose(trained[0][1][name], trained[1][1][name], rtol=1e-9)


@pytest.mark.slow
def test_kernels_are_kept_on_disk(folder: Path) -> None:
    def loss(W: Any, X: Any) -> Any:
        return np.sum(np.abs(W * 7.5 + X))

    W, X = np.ones(SHAPE), np.ones(SHAPE)
    tg.compile(loss, backend="numba")(W, X)
    (module,) = folder.glob("tinygrad_edu_kernels_*.py")
    written = module.stat().st_mtime_ns
    assert list(folder.glob("__pycache__/*.nbi"))  # numba's index of what it has compiled
    tg.compile(loss, backend="numba")(W, X)
    assert [*folder.glob("*.py")] == [module]
    assert module.stat().st_mtime_ns == written


def test_small_arrays_stay_with_numpy(folder: Path) -> None:
    step = tg.compile(lambda w: np.sum(np.abs(w * 2 + 1)), backend="numba")
    step(np.ones((3, 4)))
    assert "numba" not in step.source


def test_without_numba_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def missing(name: str, package: str | None = None) -> Any:
        if name == "numba":
            raise ModuleNotFoundError("No module named 'numba'", name="numba")
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", missing)
    step = tg.compile(every_form, backend="numba")
    with pytest.raises(tg.MissingExtraError, match=r"extra 'numba'"):
        step(*inputs(np.float64))
    assert np.isfinite(tg.compile(every_form)(*inputs(np.float64))[0])  # NumPy alone will do
