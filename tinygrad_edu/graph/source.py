"""Steps as NumPy source: ``W2.T @ dZ2``, ``np.sum(dZ, axis=1, keepdims=True)``, ``sigmoid(Z)``.

An operation that NumPy has is written as NumPy writes it; any other is called by its name, and
:func:`definitions` gives the functions that those calls need, so that the source is NumPy alone.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.graph.definitions import definitions

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op

__all__ = [
    "ATOM",
    "Code",
    "bracketed",
    "definitions",
    "in_numpy",
    "literal",
    "needing_definitions",
    "told",
    "written",
]

COMPARE, OR, XOR, AND, SUM, PRODUCT, SIGN, POWER, ATOM = range(1, 10)

_INFIX = {
    "greater": (">", COMPARE),
    "greater_equal": (">=", COMPARE),
    "less": ("<", COMPARE),
    "less_equal": ("<=", COMPARE),
    "equal": ("==", COMPARE),
    "not_equal": ("!=", COMPARE),
    "logical_or": ("|", OR),
    "logical_and": ("&", AND),
    "add": ("+", SUM),
    "subtract": ("-", SUM),
    "multiply": ("*", PRODUCT),
    "divide": ("/", PRODUCT),
    "floor_divide": ("//", PRODUCT),
    "remainder": ("%", PRODUCT),
    "matmul": ("@", PRODUCT),
    "power": ("**", POWER),
}
_FLOAT64: np.dtype[Any] = np.dtype(np.float64)
_BOOLEAN = {"logical_or", "logical_and"}  # | and & are these on booleans alone


@dataclass(frozen=True)
class Code:
    """An expression in NumPy: how tightly it binds, and what it comes to."""

    text: str
    binds: int = ATOM
    shape: tuple[int, ...] = ()
    dtype: np.dtype[Any] = _FLOAT64

    def __str__(self) -> str:
        return self.text


def written(
    op: Op,
    operands: Sequence[Code],
    settings: Mapping[str, Any],
    *,
    shape: tuple[int, ...] = (),
    dtype: np.dtype[Any] = _FLOAT64,
) -> Code:
    """An operation on operands that are written already; ``shape`` and ``dtype`` are the result's.

    >>> import tinygrad_edu as tg
    >>> dZ, X = Code("dZ", shape=(1, 5)), Code("X", shape=(3, 5))
    >>> written(tg.matmul, [dZ, written(tg.transpose, [X], {})], {}).text
    'dZ @ X.T'
    """
    if op.name in _INFIX and not (op.name in _BOOLEAN and any(x.dtype.kind != "b" for x in operands)):
        text, binds = _infix(op.name, *operands)
    elif op.name in _OWN_FORM:
        text, binds = _OWN_FORM[op.name](told(op, settings), *operands)
    else:
        text, binds = _called(op, operands, settings), ATOM
    return Code(text, binds, shape, dtype)


def _infix(name: str, left: Code, right: Code) -> tuple[str, int]:
    sign, binds = _INFIX[name]
    if name == "power":  # binds to the right, and tighter than a sign on its left
        return f"{bracketed(left, ATOM)}**{bracketed(right, SIGN)}", POWER
    # Python reads a - b - c from the left, and a < b < c as two questions.
    return f"{bracketed(left, binds + (binds == COMPARE))} {sign} {bracketed(right, binds + 1)}", binds


def bracketed(code: Code, needed: int) -> str:
    """The text, in brackets where it binds less tightly than needed."""
    return code.text if code.binds >= needed else f"({code.text})"


def in_numpy(op: Op) -> str | None:
    """The NumPy function that an operation is, with its path; None where it has no such one.

    >>> import tinygrad_edu as tg
    >>> in_numpy(tg.exp), in_numpy(tg.sigmoid)
    ('np.exp', None)
    """
    for function in op.numpy:
        if set(op.settings) <= _keywords(function):
            module = (getattr(function, "__module__", None) or "numpy").removeprefix("numpy")
            return f"np{module}.{function.__name__}"
    return None


def _keywords(function: Callable[..., Any]) -> set[str]:
    if isinstance(function, np.ufunc):
        return set()
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some of NumPy's compiled functions don't say
        return set()


def _called(op: Op, operands: Sequence[Code], settings: Mapping[str, Any]) -> str:
    name = in_numpy(op)
    texts = [x.text for x in operands]
    if op.variadic and name is not None:  # np.concatenate([a, b])
        texts = [f"[{', '.join(texts)}]"]
    texts += [f"{k}={literal(v)}" for k, v in told(op, settings).items()]
    return f"{name or op.name}({', '.join(texts)})"


def told(op: Op, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that must be written: those that are not what they are unless said otherwise.

    >>> import tinygrad_edu as tg
    >>> told(tg.sum, {"axis": 1, "keepdims": False})
    {'axis': 1}
    """
    parameters = inspect.signature(op.forward).parameters
    return {k: v for k, v in settings.items() if not _same(parameters[k].default, v)}


def _same(default: Any, value: Any) -> bool:
    return type(default) is type(value) and bool(default == value)


def literal(value: Any) -> Code:
    """A number, array, dtype or index as source.

    A float64 scalar is written as a plain number: among float64 arrays the two are the same.

    >>> [literal(v).text for v in (0.5, -1, np.float32(2), (slice(1, None), 0), np.dtype("f4"))]
    ['0.5', '-1', 'np.float32(2.0)', 'np.s_[1:, 0]', 'np.float32']
    """
    if isinstance(value, (bool, np.bool_)):
        return Code(str(bool(value)), dtype=np.dtype(np.bool_))
    if isinstance(value, (int, float)):  # float64 among them
        text = _number(value)
        return Code(text, SIGN if text.startswith("-") else ATOM, (), np.dtype(type(value)))
    if isinstance(value, np.generic):
        return Code(repr(value), ATOM, (), value.dtype)
    if isinstance(value, np.ndarray) and not value.size:
        return Code(f"np.zeros({value.shape}, dtype=np.{value.dtype})", ATOM, value.shape, value.dtype)
    if isinstance(value, np.ndarray):
        plain = value.dtype in (np.float64, np.int64, np.bool_)
        suffix = "" if plain else f", dtype=np.{value.dtype}"
        return Code(f"np.array({_plain(value.tolist())}{suffix})", ATOM, value.shape, value.dtype)
    return Code(_plain(value))


def _number(value: Any) -> str:
    if isinstance(value, int):  # of any length
        return repr(int(value))
    if math.isfinite(value):
        return repr(float(value))
    return {"nan": "np.nan", "inf": "np.inf", "-inf": "-np.inf"}[repr(float(value))]


def _plain(value: Any) -> str:
    if isinstance(value, slice) or value is Ellipsis:
        return f"np.s_[{_index(value)}]"
    if isinstance(value, tuple) and any(isinstance(v, slice) or v is Ellipsis for v in value):
        return f"np.s_[{_index(value)}]"
    if isinstance(value, tuple):
        return f"({', '.join(literal(v).text for v in value)}{',' * (len(value) == 1)})"
    if isinstance(value, list):
        return f"[{', '.join(literal(v).text for v in value)}]"
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return f"np.{np.dtype(value)}"
    if isinstance(value, str) and '"' not in value:
        return f'"{value}"'
    return repr(value)


def _index(index: Any) -> str:
    """What stands between the square brackets."""
    if isinstance(index, slice):
        ends = ["" if end is None else literal(end).text for end in (index.start, index.stop, index.step)]
        return ":".join(ends if index.step is not None else ends[:2])
    if index is Ellipsis:
        return "..."
    if isinstance(index, tuple) and index:
        return ", ".join(map(_index, index))
    return literal(index).text


# Operations that Python writes in a form of their own: each takes the settings and the operands.

Settings = Mapping[str, Any]


def _subject(x: Code) -> str:
    """The text before a dot or square bracket: a number needs round ones."""
    return f"({x})" if x.text[:1].isdigit() else bracketed(x, ATOM)


def _transpose(settings: Settings, x: Code) -> tuple[str, int]:
    axes = settings.get("axes")
    if axes is None or [a % len(x.shape) for a in axes] == list(range(len(x.shape)))[::-1]:
        return f"{_subject(x)}.T", ATOM
    return f"np.transpose({x}, {literal(tuple(axes))})", ATOM


def _getitem(settings: Settings, x: Code) -> tuple[str, int]:
    return f"{_subject(x)}[{_index(settings['index'])}]", ATOM


def _einsum(settings: Settings, *xs: Code) -> tuple[str, int]:
    products = ["optimize=True"] * (len(xs) > 1)  # by BLAS
    return f"np.einsum({', '.join([repr(settings['subscripts']), *(x.text for x in xs), *products])})", ATOM


def _sum_to(settings: Settings, x: Code) -> tuple[str, int]:
    """What undoes broadcasting is a sum over the axes along which it repeated."""
    shape = tuple(settings["shape"])
    lead = len(x.shape) - len(shape)
    repeated = [lead + k for k, n in enumerate(shape) if n == 1 and x.shape[lead + k] != 1]
    axes = (*range(lead), *repeated)
    if not axes:
        return x.text, x.binds
    which = literal(axes[0] if len(axes) == 1 else axes)
    narrow = x.dtype.kind == "f" and x.dtype.itemsize < 8  # added up in float64, as the engine does
    facts = f", axis={which}" * bool(shape or len(axes) < len(x.shape))
    facts += ", keepdims=True" * bool(repeated) + ", dtype=np.float64" * narrow
    text = f"np.sum({x}{facts})"
    if lead and repeated:
        text = f"{text}.reshape({literal(shape)})"
    return f"{text}.astype(np.{x.dtype})" if narrow else text, ATOM


def _by_position(name: str, setting: str) -> Callable[..., tuple[str, int]]:
    def form(settings: Settings, x: Code) -> tuple[str, int]:
        others = "".join(f", {k}={literal(v)}" for k, v in settings.items() if k != setting)
        return f"{name}({x}, {literal(settings[setting])}{others})", ATOM

    return form


_OWN_FORM: dict[str, Callable[..., tuple[str, int]]] = {
    "astype": lambda settings, x: (f"{_subject(x)}.astype({_plain(settings['dtype'])})", ATOM),
    "broadcast_to": _by_position("np.broadcast_to", "shape"),
    "contract": _einsum,
    "expand_dims": _by_position("np.expand_dims", "axis"),
    "getitem": _getitem,
    "negative": lambda _, x: (f"-{bracketed(x, SIGN)}", SIGN),
    "positive": lambda _, x: (x.text, x.binds),
    "reshape": _by_position("np.reshape", "shape"),
    "square": lambda _, x: (f"{bracketed(x, ATOM)}**2", POWER),
    "sum_to": _sum_to,
    "transpose": _transpose,
}


def needing_definitions(ops: Iterable[Op]) -> list[Op]:
    """The operations that are called by their own name: those that NumPy does not have."""
    return [
        op for op in dict.fromkeys(ops) if op.name not in _INFIX | _OWN_FORM.keys() and in_numpy(op) is None
    ]
