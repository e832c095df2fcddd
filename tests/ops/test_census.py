"""The census: what NumPy documents gives NumPy's answer and a derivative, or a refusal in house style.

Read from NumPy's signatures, on float64, float32, integers and booleans: see ``census``. What a NumPy without
signatures says is not asked.
"""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.ops.census import answering, calls, documented, fault

NAMES = sorted(answering())


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_each_documented_argument(name: str) -> None:
    _, function = answering()[name]
    if documented(function) is None:
        pytest.skip(f"NumPy {np.__version__} tells no signature of {function.__name__}")
    with np.errstate(all="ignore"):
        faults = [f"{call}: {wrong}" for call in calls(name) if (wrong := fault(call)) is not None]
    assert not faults, "\n".join(faults[:20])


@pytest.mark.parametrize("name", ["sum", "var", "median", "sort", "squeeze", "dropout", "conv2d", "reshape"])
def test_python_s_own_words_reach_nobody(name: str) -> None:
    function, t = getattr(tg, name), tg.Tensor(np.ones((2, 2)))
    for call in (
        lambda: function(t, no_such_setting=1),
        lambda: function(*[t] * 12),
        function,
        lambda: function(t, t, x=t),
    ):
        with pytest.raises(TypeError) as caught:
            call()
        assert str(caught.value).startswith(f"{name}: ")
        assert "()" not in str(caught.value)


def test_methods_take_what_numpy_s_take() -> None:
    t = tg.Tensor(np.arange(6.0).reshape(2, 3))
    assert t.astype(np.float32, casting="unsafe", copy=True, order="K", subok=True).dtype == np.float32
    assert t.sort(kind="stable").shape == t.copy(order="C").shape == (2, 3)
    assert t.flatten(order="F").tolist() == [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    assert t.sum(0, None, None, True).shape == (1, 3)
    assert tg.sum(a=t, axis=np.int8(1)).tolist() == [3.0, 12.0]
    with pytest.raises(TypeError, match="write keepdims="):
        t.sum(keepdim=True)


def test_an_axis_is_recorded_as_a_number() -> None:
    t = tg.Tensor(np.ones((2, 3)))
    assert np.sum(t, axis=np.int64(1)).settings == {"axis": 1}
    assert np.transpose(t, [1, 0]).settings == {"axes": (1, 0)}
    assert np.sort(t, axis=True).settings == {"axis": 1}
    with pytest.raises(TypeError, match=r"several as \(0, 1\)"):
        np.sum(t, axis=[0, 1])


def test_signatures_are_the_functions_own() -> None:
    assert "keepdims" in inspect.signature(tg.var).parameters
    assert tg.var.__name__ == "var"
    assert "correction" in inspect.signature(tg.var).parameters


@pytest.mark.parametrize("f", [tg.exp, tg.sum, tg.var, tg.sigmoid, tg.matmul, tg.median, tg.hstack])
def test_complex_arrays_are_refused_without_a_tensor_too(f: object) -> None:
    z = np.array([1j, 2.0])
    with pytest.raises(TypeError, match="real numbers"):
        f(z, z) if f is tg.matmul else f([z]) if f is tg.hstack else f(z)  # type: ignore[operator]
