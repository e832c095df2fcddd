"""What can't be compiled is refused, with the line; wrong input is told apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg


def branching(w: Any) -> Any:
    J = np.sum(w)
    if J > 1:  # the line that is refused
        return J
    return 2 * J


def writing(w: Any) -> Any:
    w[0] = 1.0  # the line that is refused
    return np.sum(w)


def selecting(w: Any) -> Any:
    positive = w[w > 0]  # the line that is refused
    return np.sum(positive)


def listing(w: Any) -> Any:
    positive = w[np.nonzero(w)[0]]  # the line that is refused
    return np.sum(positive)


def converting(w: Any) -> Any:
    return np.sum(w) * float(w[0])  # the line that is refused


@pytest.mark.parametrize("loss", [branching, writing, selecting, listing, converting])
def test_what_depends_on_values_is_refused_with_its_line(loss: Any) -> None:
    with pytest.raises(TypeError) as refused:
        tg.compile(loss)(np.ones(3))
    assert "# the line that is refused" in str(refused.value)
    assert f"in {loss.__name__}" in str(refused.value)


def test_random_numbers_of_numpy_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match="draws random numbers with NumPy"):
        tg.compile(lambda w: np.sum(w * rng.normal(size=3)))(np.ones(3))


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: tg.compile(3), TypeError, "expected a function"),
        (
            lambda: tg.compile(np.sum, backend="cuda"),
            ValueError,
            "backend: expected 'numpy' or None",
        ),
        (lambda: tg.compile(np.sum, backend="numba"), ValueError, "Leave backend out"),  # type: ignore[arg-type]
        (lambda: tg.compile(lambda w: w * 2)(np.ones(3)), ValueError, "shape"),
        (
            lambda: tg.compile(lambda w: 3.0)(np.ones(3)),
            TypeError,
            "expected the function to give a scalar Tensor",
        ),
        (lambda: tg.compile(np.sum)({"w": 1j}), TypeError, "parameter w: expected an array"),
        (lambda: tg.compile(np.sum)({"w": "text"}), TypeError, "expected a parameter of floats"),
        (
            lambda: tg.compile(lambda w, X: np.sum(w))(np.ones(3), np.array("text")),
            TypeError,
            "expected data of real numbers",
        ),
        (lambda: tg.compile(lambda w: tg.Tensor(2.0) * 3)(np.ones(3)), TypeError, "not among the parameters"),
        (
            lambda: tg.compile(lambda w, X: np.sum(X))(np.ones(3), np.ones(3)),
            RuntimeError,
            "nothing to differentiate",
        ),
    ],
)
def test_wrong_input_is_told(call: Any, error: Any, said: str) -> None:
    with pytest.raises(error, match=said):
        call()


def test_shape_errors_are_the_eager_ones() -> None:
    with pytest.raises(ValueError, match=r"matmul|@"):
        tg.compile(lambda w, X: np.sum(w @ X))(np.ones((2, 3)), np.ones((4, 5)))


def test_labels_are_checked_in_every_call() -> None:
    step = tg.compile(lambda w, X, Y: tg.binary_cross_entropy_with_logits(w @ X, Y))
    w, X = np.ones((1, 2)), np.ones((2, 3))
    step(w, X, np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"expected labels 0 or 1 .*got values from 2.0 to 2.0"):
        step(w, X, np.full((1, 3), 2.0))


def test_parameters_to_be_updated_must_be_writable_floats() -> None:
    step = tg.compile(lambda w: np.sum(w**2), optimizer=tg.optim.SGD(lr=0.1))
    locked = np.ones(3)
    locked.setflags(write=False)
    for wrong in (locked, np.ones(3, int), np.ones(3, ">f8"), 2.0):
        with pytest.raises(TypeError, match="can be updated in place"):
            step({"w": wrong})


@pytest.mark.parametrize("tied", [tg.Tensor([1.0, 2.0]), np.ones(2)], ids=["Tensor", "array"])
def test_a_parameter_that_is_given_twice_is_not_moved_twice(tied: Any) -> None:
    step = tg.compile(lambda p: np.sum(p["E"] * p["D"]), optimizer=tg.optim.Adam(lr=0.1))
    with pytest.raises(ValueError, match="the same parameter is given twice among E, D"):
        step({"E": tied, "D": tied})
