"""The same call on arrays and on Tensors: what NumPy computes is computed, what it refuses is refused."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T, agrees_with_differences
from tinygrad_edu.core.table import NUMPY

CUBE = np.cos(np.arange(24.0)).reshape(2, 3, 4) + 1.5
RNG = np.random.default_rng(7)


def with_an_axis():
    """Every function of NumPy that takes an axis, with arguments that it runs on."""
    found = {}
    for function in NUMPY:
        try:
            parameters = inspect.signature(function).parameters
        except ValueError:
            continue
        for arguments in ((CUBE,), ([CUBE, CUBE],), (CUBE, [0, 1]), (CUBE, 0.5), (CUBE, CUBE)):
            if "axis" in parameters:
                try:
                    function(*arguments, axis=0)
                except (TypeError, ValueError, IndexError, AttributeError, DeprecationWarning):
                    continue
                found[f"{function.__module__}.{function.__name__}"] = function, arguments
                break
    return found


AXES = with_an_axis()


def tensors(value):
    return [T(v) for v in value] if isinstance(value, list) and isinstance(value[0], np.ndarray) else value


@pytest.mark.parametrize("name", AXES)
@pytest.mark.parametrize("axis", [3, -4, 100, 1.5, "a", (0, 0), (0, 3)], ids=str)
def test_an_axis_that_numpy_refuses_is_refused(name, axis):
    function, arguments = AXES[name]
    try:
        function(*arguments, axis=axis)
    except (TypeError, ValueError, IndexError):
        first, *rest = arguments
        with pytest.raises((TypeError, ValueError, IndexError)):
            function(T(first) if isinstance(first, np.ndarray) else tensors(first), *rest, axis=axis)


SHAPES = [
    ((3, 4), (3,), 0),
    ((3, 2, 4), (3, 4), 0),
    ((3, 4, 4), (3, 4), 0),
    ((3, 4), (3, 4), 0),
    ((4, 3), (3,), -1),
]


@pytest.mark.parametrize(("left", "right", "axis"), SHAPES)
@pytest.mark.parametrize("f", [np.vecdot, np.cross])
def test_an_axis_is_counted_in_each_operand_before_broadcasting(f, left, right, axis):
    a, b = RNG.normal(size=left), RNG.normal(size=right)
    try:
        f(a, b, axis=axis)
    except ValueError:
        pytest.skip("not for these shapes")
    agrees_with_differences(lambda a, b: f(a, b, axis=axis), a, b)


@pytest.mark.parametrize("f", [np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack])
def test_an_array_in_place_of_a_list_is_the_list_of_its_rows(f):
    values = np.arange(12.0).reshape(2, 2, 3)
    np.testing.assert_array_equal(f(T(values)).data, f(values))
    agrees_with_differences(lambda x: f(x) ** 2, values)


PLACES = [1, [0, 0], np.array([True, False, True]), [], slice(0, 2), np.array([2, -1]), -1]


@pytest.mark.parametrize("places", PLACES, ids=str)
@pytest.mark.parametrize("f", [np.take, np.delete, lambda x, p: np.insert(x, p, 9.0), np.roll])
def test_places_mean_what_they_mean_in_numpy(f, places):
    values = np.array([1.0, 2.0, 3.0])
    try:
        want = f(values, places)
    except (TypeError, ValueError, IndexError):
        with pytest.raises((TypeError, ValueError, IndexError)):
            f(T(values), places)
    else:
        np.testing.assert_array_equal(np.asarray(f(T(values), places).data), want)


def test_places_may_be_tensors_of_integers():
    x, one = T([1.0, 2.0, 3.0]), tg.Tensor(np.array([1]))
    for f in (np.take, np.delete, lambda x, p: np.insert(x, p, 9.0)):
        np.testing.assert_array_equal(f(x, one).data, f(x.data, [1]))
    with pytest.raises(TypeError, match="history"):
        np.delete(x, T([1.0]))


REFUSED = {
    "half a border": lambda x: np.pad(x, 0.5),
    "half a power": lambda x: np.vander(x, 2.5),
    "a mask too large": lambda x: np.sum(x, where=np.ones((2, 3), bool)),
    "a power in a vector": lambda x: np.linalg.matrix_power(x, 2),
    "no axis to stack along": lambda x: np.stack([x, x], axis=3),
    "an unknown mode": lambda x: np.pad(x, 1, mode="magic"),
    "two sums over one axis": lambda x: np.sum(x, axis=(0, 0)),
    "an unknown order": lambda x: np.linalg.norm(x, ord="abc"),
    "a split that leaves a rest": lambda x: np.split(x, 2),
    "a shape with another size": lambda x: np.reshape(x, (2, 2)),
    "two unknown sizes": lambda x: np.reshape(x, (-1, -1)),
    "a broadcast to fewer": lambda x: np.broadcast_to(x, (2,)),
    "axes that are no permutation": lambda x: np.transpose(x, (0, 0)),
    "a squeeze of three": lambda x: np.squeeze(x, axis=0),
    "bounds that are no numbers": lambda x: np.clip(x, "a", "b"),
    "subscripts of another rank": lambda x: np.einsum("ij->i", x),
    "a setting of another library": lambda x: np.sum(x, dim=0),
    "keepdim": lambda x: np.sum(x, keepdim=True),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED)
def test_refused_by_both(call):
    kinds = (TypeError, ValueError, IndexError)
    for x in (np.array([1.0, 2.0, 3.0]), T([1.0, 2.0, 3.0])):
        with pytest.raises(kinds):
            call(x)


POSITIONAL = {
    "sum": [(0,), (1, None), (None,)],
    "mean": [(0,), ((0, 1),)],
    "var": [(0,), (1,)],
    "max": [(0,), (None,)],
    "cumsum": [(0,), (1,), (None,)],
    "clip": [(0.5, 1.5), (None, 1.0), (1.0, None)],
    "diff": [(1,), (2,), (1, 0)],
    "roll": [(1,), (1, 0), ((1, 2), (0, 1))],
    "tile": [(2,), ((2, 1),)],
    "repeat": [(2,), (2, 0), ([1, 2, 3], 0)],
    "swapaxes": [(0, 1)],
    "moveaxis": [(0, 1)],
    "expand_dims": [(0,), ((0, 2),)],
    "squeeze": [()],
    "reshape": [((4, 3),), (-1,), ((2, -1),)],
    "sort": [(), (0,), (None,)],
    "flip": [(), (0,), ((0, 1),)],
    "rot90": [(), (2,), (1, (1, 0))],
    "trace": [(), (1,), (-1,)],
    "diagonal": [(), (1,)],
    "tril": [(), (1,)],
    "triu": [(), (-1,)],
    "pad": [(1,), ((1, 2),), (((1, 0), (0, 2)), "edge")],
    "quantile": [(0.3,), ([0.1, 0.5], 0)],
    "take": [([0, 2],), ([0, 2], 1), (1, 0)],
    "round": [(), (1,)],
    "power": [(2,), (0.5,)],
    "percentile": [(30,), (30, 1)],
    "std": [(0,)],
    "prod": [(0,)],
    "median": [(0,)],
    "ptp": [(0,)],
}
CALLS = [(name, extra) for name, extras in POSITIONAL.items() for extra in extras]


@pytest.mark.parametrize(("name", "extra"), CALLS, ids=str)
def test_settings_by_position(name, extra):
    values, function = CUBE[0], getattr(np, name)
    np.testing.assert_allclose(function(T(values), *extra).data, function(values, *extra), rtol=1e-13)
    method = getattr(np.ndarray, name, None)
    if method is not None and hasattr(tg.Tensor, name) and name != "sort":
        np.testing.assert_allclose(getattr(T(values), name)(*extra).data, method(values, *extra), rtol=1e-13)


SETTINGS = list(
    itertools.product([{}, {"axis": 0}, {"axis": 1}], [{}, {"keepdims": True}], [{}, {"ddof": 1}])
)


@pytest.mark.parametrize("keys", SETTINGS, ids=str)
def test_settings_by_name(keys):
    settings = keys[0] | keys[1] | keys[2]
    functions = (
        [np.var, np.std]
        if "ddof" in settings
        else [np.sum, np.mean, np.prod, np.max, np.min, np.median, np.var, np.std]
    )
    for function in functions:
        np.testing.assert_allclose(
            function(T(CUBE[0]), **settings).data, function(CUBE[0], **settings), rtol=1e-13
        )
