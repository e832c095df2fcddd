"""nn.init: the scales, and the course's own numbers under an integer seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import nn
from tinygrad_edu.course.initialisation import initialize_parameters_deep


@pytest.mark.parametrize("scheme", ["zeros", "random", "xavier", "he", 10.0])
def test_a_seed_gives_the_course_s_parameters(scheme: str | float) -> None:
    sizes = [5, 4, 3, 1]
    model = nn.MLP(sizes, init=scheme, seed=3)
    for name, expected in initialize_parameters_deep(sizes, 3, scheme).items():
        np.testing.assert_allclose(model.parameters()[name].data, expected, rtol=1e-15, atol=0)


@given(n=st.integers(1, 40), n_prev=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_schemes_differ_by_their_scale_alone(n: int, n_prev: int, seed: int) -> None:
    normal = np.random.RandomState(seed).standard_normal((n, n_prev))
    np.testing.assert_allclose(nn.init.xavier((n, n_prev), seed), normal * np.sqrt(1 / n_prev))
    np.testing.assert_allclose(nn.init.he((n, n_prev), seed), normal * np.sqrt(2 / n_prev))
    np.testing.assert_allclose(nn.init.normal((n, n_prev), seed), normal * 0.01)


def test_relu_starts_with_he_and_the_others_with_xavier() -> None:
    layers = {g: nn.Dense(50, 40, g, seed=1) for g in ("relu", "leaky_relu", "tanh", "sigmoid", "linear")}
    he, xavier = nn.init.he((40, 50), 1), nn.init.xavier((40, 50), 1)
    for g, layer in layers.items():
        np.testing.assert_array_equal(layer.W.data, he if "relu" in g else xavier)
        assert not layer.b.data.any()


def test_a_generator_goes_on_from_layer_to_layer() -> None:
    model = nn.MLP([3, 3, 3], seed=np.random.default_rng(0), init="random")
    normal = np.random.default_rng(0).standard_normal((2, 3, 3))
    np.testing.assert_allclose([layer.W.data for layer in model.dense], normal * 0.01)


def test_the_module_s_own_generator_is_left_alone() -> None:
    before = np.random.get_state()[1].tolist()  # type: ignore[union-attr]  # noqa: NPY002
    nn.MLP([3, 2, 1], seed=1)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[union-attr]  # noqa: NPY002


def test_a_function_may_make_the_weights() -> None:
    layer = nn.Dense(3, 2, init=lambda shape, rng: np.full(shape, 7.0))
    assert layer.W.tolist() == [[7.0] * 3] * 2


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (
            lambda: nn.Dense(3, 2, init="glorot"),
            ValueError,
            "init: expected a number, a function or one of zeros",
        ),
        (
            lambda: nn.Dense(3, 2, init=lambda shape, rng: np.ones(3)),
            ValueError,
            r"shape \(2, 3\), got \(3,\)",
        ),
        (lambda: nn.Dense(3, 2, seed="one"), TypeError, "seed: expected an integer, .* got 'one'"),
    ],
)
def test_errors(call: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call()


@pytest.mark.parametrize("scheme", list(nn.init.SCHEMES.values()), ids=list(nn.init.SCHEMES))
@pytest.mark.parametrize("shape", ["ab", 0.5, -1, None, (2,), (2.0, 3), np.ones(2)])
def test_every_scheme_says_what_a_shape_is(scheme: Any, shape: Any) -> None:
    with pytest.raises(TypeError, match=r"expected a shape \(n\[l\], n\[l-1\]\)"):
        scheme(shape)
