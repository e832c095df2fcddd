"""How pictures write values."""

import numpy as np
import pytest

from tinygrad_edu.draw.values import brief
from tinygrad_edu.graph.text import number


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
    assert number(value) == text


def test_a_small_matrix_is_shown_whole():
    assert brief(np.array([[1.0, -2.5], [10.0, 0.0]])) == [" 1  −2.5", "10     0"]


def test_a_large_matrix_is_shape_and_range():
    assert brief(np.linspace(-1, 2, 800).reshape(4, 200)) == ["(4, 200)", "−1 … 2"]


def test_a_constant_matrix_says_so():
    assert brief(np.ones((12288, 20))) == ["(12288, 20)", "all 1"]


def test_an_empty_array_says_so():
    assert brief(np.ones((0, 3))) == ["(0, 3)", "empty"]


def test_what_is_not_finite_is_counted():
    value = np.zeros((5, 5))
    value[0, :2] = np.nan, np.inf
    assert brief(value) == ["(5, 5)", "2 not finite"]
