"""Every call of NumPy's functions that a census asks: each documented argument, said in many ways.

The functions are those that answer to NumPy, the arguments are read from NumPy's own signatures, and what to
give for each is told by its name. Nothing here knows which functions take what.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_edu as tg
from tests.ops.cases import ENTRIES, Case, Entry, as_list, case_of, plain
from tinygrad_edu.core.tensor import Tensor

DTYPES = (np.float64, np.float32, np.int64, np.bool_)
MASK = np.array([True, False, True, True])

FEW: tuple[Any, ...] = (None, 0, 1, 2, -1, 0.5, True, False, "bogus")
AXES = (None, 0, 1, -1, 2, 7, True, np.int64(0), (0,), (0, 1), [0], [1, 0], 1.0, "a")
GIVEN: Mapping[str, tuple[Any, ...]] = {
    "axis": AXES,
    "axes": AXES,
    "out": (None,),
    "dtype": (None, np.float64, np.float32, np.int64, np.bool_, "float32", "bogus"),
    "where": (True, False, MASK, np.ones((2, 3), bool)),
    "keepdims": (True, False, 1, 0),
    "casting": ("same_kind", "unsafe", "safe", "no", "bogus"),
    "order": ("C", "F", "K", "A", None, "bogus"),
    "subok": (True, False),
    "copy": (True, False, None),
    "device": (None, "cpu", "gpu"),
    "kind": (None, "quicksort", "mergesort", "heapsort", "stable", "bogus"),
    "stable": (None, True, False),
    "ddof": (0, 1, 2, 0.5, None),
    "correction": (0, 1, 0.5),
    "initial": (None, 0, 1, 2.5, -np.inf),
    "mode": (
        "raise", "wrap", "clip", "constant", "edge", "reflect", "symmetric", "linear_ramp", "maximum", "mean",
        "median", "minimum", "empty", "full", "same", "valid", 0, 1, 2, "reduced", "complete", "r", "bogus",
    ),
    "method": (
        "linear", "lower", "higher", "midpoint", "nearest", "inverted_cdf", "averaged_inverted_cdf",
        "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull", "median_unbiased",
        "normal_unbiased", "bogus",
    ),
    "ord": (None, 0, 1, 2, -1, -2, 3, 0.5, "fro", "nuc", np.inf, -np.inf, "bogus"),
    "p": (None, 1, 2, -2, np.inf, "fro", "bogus"),
    "UPLO": ("L", "U", "l", "bogus"),
    "side": ("left", "right", "l", "bogus"),
    "indexing": ("xy", "ij", "bogus"),
    "shape": (12, -1, (12,), (3, 4), [4, 3], (6, -1), (5,), np.int64(12)),
    "newshape": (12, (4, 3)),
    "optimize": (True, False, "greedy", "optimal"),
    "weights": (None, np.arange(1.0, 5.0), np.zeros(4), [1, -1, 1, -1]),
    "constant_values": (0, 1.5, (1, 2), ((1, 2), (3, 4))),
    "rcond": (None, 1e-15, 1e-3, 0.5),
    "signature": ("dd->d",),
    "equal_nan": (True, False),
    "n": (0, 1, 2, 3, -1, 2.5, True),
    "k": (0, 1, 2, -1, 0.5),
    "decimals": (0, 1, -1, 2),
    "edge_order": (1, 2, 3),
    "period": (6.283, 1, None),
    "fill_value": (0, 1.5, np.nan),
    "mean": (0, 0.5, np.array([[0.5]])),
    "q": (0.3, 0, 1, [0.2, 0.4], 30, 101, -1),
}  # fmt: skip
"""What is given for an argument, by its name; :data:`FEW` for a name that is not here."""


@dataclass(frozen=True)
class Call:
    """NumPy's function, what it is given, and one setting more."""

    function: Callable[..., Any]
    case: Case
    setting: str
    value: Any
    dtype: Any
    default: Any = inspect.Parameter.empty

    def __str__(self) -> str:
        return (
            f"{self.function.__name__}({', '.join(str(np.shape(x)) for x in self.case.xs)} of "
            f"{np.dtype(self.dtype)}, {dict(self.case.settings)}, {self.setting}={self.value!r})"
        )

    def on(self, xs: Any) -> list[Any]:
        return as_list(self.case.numpy_call(self.function, xs))


def converted(x: Any, dtype: Any) -> Any:
    """The input in another dtype: integers of several values, booleans of both."""
    if np.asarray(x).dtype.kind != "f":
        return x
    if np.dtype(dtype).kind == "f":
        return np.asarray(x, dtype)
    x = np.asarray(x)
    return np.asarray(np.rint(x * 3).astype(np.int64) if dtype is np.int64 else x > 0.2)


def answering() -> dict[str, tuple[Entry, Callable[..., Any]]]:
    """Every function here that answers to one of NumPy's, and that one."""
    return {name: (entry, entry.numpy[0]) for name, entry in ENTRIES.items() if entry.numpy}


def documented(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter] | None:
    """The arguments that NumPy documents; None where this NumPy does not tell."""
    try:
        return inspect.signature(function).parameters
    except ValueError:
        return None


def bases(entry: Entry) -> list[Case]:
    """Calls to add a setting to: the first sample of each rank, without settings where that is enough."""
    found: dict[Any, Any] = {}
    for sample in entry.samples:
        ranks = tuple(len(s) for s in sample.shapes)
        old = found.get(ranks)
        if old is None or len(sample.settings) < len(old.settings):
            found[ranks] = sample
    best = sorted(
        found.values(), key=lambda s: (len(s.settings), -max((len(x) for x in s.shapes), default=0))
    )
    return [case_of(entry, sample) for sample in best[:2]]


def calls(name: str, dtypes: tuple[Any, ...] = DTYPES) -> Iterator[Call]:
    """The census of one function."""
    entry, function = answering()[name]
    parameters = documented(function) or {}
    first, *others = bases(entry)
    tried = [(first, dtype) for dtype in dtypes] + [(case, dtypes[0]) for case in others]
    for case, dtype in tried:
        if name == "interp" and dtype is np.bool_:
            continue  # its places have to ascend, and booleans are two
        xs = tuple(converted(x, dtype) for x in case.xs)
        yield Call(function, Case(entry, xs, case.settings, case.arrange), "", None, dtype)
        inputs = len(xs) if case.arrange is None and not entry.sequence else 1
        for parameter in [p for p in parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)][
            inputs:
        ]:
            if parameter.kind is parameter.POSITIONAL_ONLY:
                continue
            default = () if parameter.default in (parameter.empty, np._NoValue) else (parameter.default,)
            for value in (*GIVEN.get(parameter.name, FEW), *default):
                settings = {**case.settings, parameter.name: value}
                yield Call(
                    function,
                    Case(entry, xs, settings, case.arrange),
                    parameter.name,
                    value,
                    dtype,
                    parameter.default,
                )


REFUSALS = (TypeError, ValueError, IndexError, ZeroDivisionError, np.linalg.LinAlgError)
RAW = (
    "unexpected keyword",
    "positional argument",
    "object has no attribute",
    "unsupported operand",
    "'NoneType' object",
)


def fault(call: Call) -> str | None:
    """What is wrong with an answer, or None: NumPy's value, shape, dtype and a derivative, or a refusal."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want: Any = call.on([np.array(x) for x in call.case.xs])
    except Exception as error:  # noqa: BLE001  (whatever NumPy makes of it)
        want = error
    ts = [tg.Tensor(x) if isinstance(x, np.ndarray) and x.dtype.kind in "fiub" else x for x in call.case.xs]
    differentiable = [k for k, t in enumerate(ts) if isinstance(t, Tensor) and t.requires_grad]
    try:
        got = call.on(ts)
    except REFUSALS as error:
        if isinstance(error, KeyError):
            return f"raised {error!r}"
        if isinstance(want, Exception):
            return None
        house = str(error).startswith(f"{call.case.entry.name}: ") and not any(w in str(error) for w in RAW)
        return None if house else f"refused, not in the style of the house: {error}"
    except Exception as error:  # noqa: BLE001
        return f"raised {type(error).__name__}: {error}"
    if isinstance(want, Exception):
        if call.value is call.default:
            return None  # np.add(x, y, signature=None): NumPy refuses what its signature says
        return f"accepted what NumPy refuses: {want!r}"
    return _differs(got, want, call.dtype) or _without_derivative(
        call.case.entry.name, got, [ts[k] for k in differentiable]
    )


def _differs(got: list[Any], want: list[Any], dtype: Any) -> str | None:
    if len(got) != len(want):
        return f"{len(got)} results instead of {len(want)}"
    for y, z in zip(got, want, strict=True):
        a, b = np.asarray(plain(y)), np.asarray(z)
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            return f"shape and dtype {a.shape} {a.dtype} instead of {b.shape} {b.dtype}"
        rtol = 1e-4 if np.float32 in (dtype, b.dtype.type) else 1e-9
        if not np.allclose(a, b, rtol=rtol, atol=rtol, equal_nan=True):
            return f"value {a.ravel()[:6]} instead of {b.ravel()[:6]}"
    return None


def _without_derivative(name: str, got: list[Any], inputs: list[Any]) -> str | None:
    ys = [y for y in got if isinstance(y, Tensor) and y.requires_grad]
    if not ys or not inputs:
        return None
    try:
        gradients = tg.grad(sum((tg.sum(y) for y in ys), start=tg.Tensor(0.0)), inputs)
    except Exception as error:  # noqa: BLE001
        if str(error).startswith(f"{name}: "):
            return None  # vectors that are not unique: refused when they are differentiated
        return f"accepted, and not differentiated: {type(error).__name__}: {error}"
    for g, x in zip(gradients, inputs, strict=True):
        if g.shape != x.shape or g.dtype != x.dtype:
            return f"gradient of shape and dtype {g.shape} {g.dtype} for {x.shape} {x.dtype}"
    return None
