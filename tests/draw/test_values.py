"""How pictures write values."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from tinygrad_edu.drawing.values import brief, colours, told
from tinygrad_edu.expression.label_style import digits


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (33.0, "33"),
        (0.6931471805, "0.6931"),
        (-0.5, "−0.5"),
        (12345.678, "1.235e+04"),
        (0.0, "0"),
        (True, "True"),
    ],
)
def test_a_number_has_four_significant_digits(value, text):
    assert digits(value) == text


def test_a_small_matrix_is_shown_whole():
    (row,) = told(np.array([[1.0, -2.5], [10.0, 0.0]]))
    assert row.rows == (("1", "−2.5"), ("10", "0"))


def test_a_large_matrix_is_shape_range_and_colours():
    line, strip = told(np.linspace(-1, 2, 800).reshape(4, 200))
    assert line.text == "4 × 200, −1 … 2"
    assert strip.pixels.shape[0] == 4
    assert strip.pixels.shape[1] <= 36


def test_colours_tell_the_sign_and_how_large():
    strip = colours(np.array([[-2.0, -1.0, 0.0, 0.5, 1.0, 2.0]]))
    red, _, blue, alpha = np.moveaxis(strip.pixels[0].astype(int), -1, 0)
    assert (blue > red)[:2].all()
    assert (red > blue)[3:].all()
    assert alpha[2] < alpha[3] < alpha[4] < alpha[5] == alpha[0]


def test_a_constant_matrix_says_so_and_has_no_colours():
    (line,) = told(np.ones((12288, 20)))
    assert line.text == "12288 × 20, all 1"


def test_an_image_is_shown_as_an_image():
    picture = np.random.default_rng(0).integers(0, 255, (5, 64, 48, 3)).astype(np.uint8)
    strip = colours(picture)
    assert strip.caption == "the first of 5"
    assert np.array_equal(strip.pixels[..., :3], picture[0])


def test_an_empty_array_says_so():
    (line,) = told(np.ones((0, 3)))
    assert line.text == "0 × 3, empty"


def test_what_is_not_finite_is_counted():
    value = np.zeros((5, 5))
    value[0, :2] = np.nan, np.inf
    (line,) = told(value)
    assert line.text == "5 × 5, 2 not finite"


@example(np.full((1, 6, 8), np.finfo(float).max / 2) * np.r_[1.0, 2.0, np.ones(6)])
@given(
    arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.bool_]),
        array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=12),
    )
)
def test_any_array_can_be_told(value):
    rows = told(value, "x")
    assert rows
    assert brief(value)


def test_what_a_layer_computed_is_no_image():
    pixels = np.random.default_rng(0).uniform(0, 4, (2, 10, 10, 3))
    assert colours(pixels) is not None
    assert "the first" not in str(colours(pixels).caption)
    assert "the first" in colours(np.round(pixels * 60)).caption
