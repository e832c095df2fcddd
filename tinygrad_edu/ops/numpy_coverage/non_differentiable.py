"""NumPy functions whose result does not vary with the entries, or only in jumps: they give plain values.

``np.shape(t)``, ``np.zeros_like(t)``, ``np.allclose(t, u)`` are NumPy's own answers on the plain arrays.
A comparison entry by entry is an operation (see ``elementwise.logic``), so that formulas can show it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import numpy as np

from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.core.table import NUMPY, RECORD
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.ops.elementwise.logic import logical_and, logical_not, logical_or, logical_xor
from tinygrad_edu.ops.movement.shapes import dtype_of


def _functions(names: str) -> tuple[Callable[..., Any], ...]:
    """NumPy's functions of those names; ``linalg.norm`` is one of a module in NumPy."""
    numpy: Any = np
    return tuple(reduce(getattr, name.split("."), numpy) for name in names.split())


ABOUT_SHAPES = _functions(
    """
    can_cast common_type diag_indices_from einsum_path empty_like iscomplexobj isfortran isrealobj
    may_share_memory min_scalar_type ndim ones_like result_type shape shares_memory size tril_indices_from
    triu_indices_from zeros_like
    """
)
"""Known from shape and dtype alone, while a computation is recorded for all values, too."""

ABOUT_VALUES = _functions(
    """
    allclose argpartition argwhere array2string array_equal array_equiv array_repr array_str bitwise_and
    bitwise_count bitwise_or bitwise_xor digitize flatnonzero gcd imag invert iscomplex isclose isin isreal
    ix_ lcm left_shift lexsort nanargmax nanargmin nonzero packbits ravel_multi_index right_shift save
    savetxt savez savez_compressed unpackbits unravel_index linalg.matrix_rank
    """
)
"""Integers, booleans and text, or known only once the values are."""


def plain(value: Any, *, of_any_value: bool) -> Any:
    """Plain arrays for the Tensors in an argument; a Symbol has none, unless only its shape is asked for."""
    if isinstance(value, Tensor):
        return np.asarray(value) if type(value) is Symbol and not of_any_value else value._data
    if isinstance(value, (list, tuple)):
        return type(value)(plain(v, of_any_value=of_any_value) for v in value)
    return value


_OF_BOOLEANS = {
    np.bitwise_and: logical_and,
    np.bitwise_or: logical_or,
    np.bitwise_xor: logical_xor,
    np.invert: logical_not,
}
"""What ``&``, ``|``, ``^`` and ``~`` are for booleans; these are recorded."""


def _on_plain_arrays(function: Callable[..., Any], of_any_value: bool, *args: Any, **settings: Any) -> Any:
    if function in _OF_BOOLEANS and not settings and all(dtype_of(a).kind == "b" for a in args):
        return _OF_BOOLEANS[function](*args)
    bare = partial(plain, of_any_value=of_any_value)
    return function(*map(bare, args), **{name: bare(value) for name, value in settings.items()})


for _functions_of_this_kind, _of_any_value in ((ABOUT_SHAPES, True), (ABOUT_VALUES, False)):
    for _function in _functions_of_this_kind:
        NUMPY[_function] = RECORD[_function.__name__] = partial(_on_plain_arrays, _function, _of_any_value)
