"""Conversions that lose a Tensor's history: to a number, to an array, by the choice of ``max(0, z)``."""

from __future__ import annotations

import ast
import linecache
import math
import sys
from collections.abc import Collection
from dis import get_instructions, opmap, opname
from types import FrameType
from typing import Any

from tinygrad_edu import errors
from tinygrad_edu.core.call_sites import outer_frame, written_at
from tinygrad_edu.core.user_warnings import told_once

_COMPARE = opmap["COMPARE_OP"]
_STORES = {opmap[name] for name in ("STORE_SUBSCR", "STORE_SLICE") if name in opmap}
_DRAWS = ("matplotlib", "mpl_toolkits", "seaborn")
_ENTRYWISE = {"max": "maximum", "min": "minimum", "sorted": "sort"}
"""Python's functions that compare, and NumPy's that do so entry by entry."""
_BETWEEN = {opmap[name] for name in ("CACHE", "EXTENDED_ARG", "COPY", "TO_BOOL", "PRECALL") if name in opmap}
"""What may stand between a comparison and what takes its result."""


def _instruction(frame: FrameType) -> int:
    return frame.f_code.co_code[frame.f_lasti]


def _asking() -> FrameType | None:
    """The frame of the caller, outside this package and NumPy."""
    frame = outer_frame()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "numpy":
        frame = frame.f_back
    return frame


def _is_drawn(frame: FrameType) -> bool:
    """Whether the caller is a plotting library. It gets values: nobody differentiates through a picture."""
    return frame.f_globals.get("__name__", "").partition(".")[0] in _DRAWS


def plain_number(tensor: Any, what: str) -> Any:
    """The value of a 0-d tensor. Warns if it is differentiable.

    Raises:
        TypeError: it has axes, or is written into an array.
    """
    if tensor.ndim:
        write = "t.item()" if tensor.size == 1 else "t[i, j].item() for one entry, t.tolist() for all"
        got = errors.described(tensor, tensor.name)
        raise TypeError(f"{what} takes a 0-d Tensor, got {got}; write {write}")
    if tensor.requires_grad:
        _as_number(tensor, what)
    return tensor._data


def _as_number(tensor: Any, what: str) -> None:
    """Warns that a differentiable 0-d tensor becomes a plain number; refuses to write it into an array."""
    frame = _asking()
    if frame is None or _is_drawn(frame):
        return
    _refuse_writing_into(frame)
    source, _ = written_at(frame)
    called = tensor.name or "t"
    told_once(
        frame,
        f"{f'`{source}`' if source else what} makes a plain number of {called}, and no gradient flows "
        f"through what is computed from it. Where that is meant, say so: {called}.item()",
        errors.HistoryLostWarning,
    )


def as_array(what: str, tensor: Any = None) -> None:
    """Lets plotting libraries have a differentiable tensor as a plain array, and refuses others.

    A ``tensor`` that is given and holds one number is converted, with a warning.

    Raises:
        TypeError: it would lose its history.
    """
    frame = _asking()
    if frame is not None and _is_drawn(frame):
        return
    if frame is None or tensor is None or tensor.ndim or _gathers(frame, tensor):
        if frame is not None:
            _refuse_writing_into(frame)
        raise TypeError(errors.history_lost(what))
    _as_number(tensor, what)


def _gathers(frame: FrameType, tensor: Any) -> bool:
    """Whether the call takes more than the tensor: ``np.array([w1, w2])``, ``np.full(3, w1)``."""
    _, tree = written_at(frame)
    if not isinstance(tree, ast.Call) or not tree.args:
        return tree is None  # it cannot be read
    if getattr(tree.func, "attr", None) == "squeeze":
        return False  # np.squeeze(costs), as course code has it before plt.plot
    first = tree.args[0]
    if isinstance(first, ast.Name):
        names = {**frame.f_globals, **frame.f_locals}
        return names.get(first.id, tensor) is not tensor
    return isinstance(first, (ast.Constant, ast.List, ast.Tuple, ast.ListComp, ast.GeneratorExp))


def _refuse_writing_into(frame: FrameType) -> None:
    """Refuses ``A[i, j] += t``: an array of numbers cannot hold a history."""
    if _instruction(frame) in _STORES:
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno, frame.f_globals).strip()
        raise TypeError(errors.WRITTEN_INTO.format(line=line or "A[i] = t"))


def _condition(tree: ast.AST | None) -> str:
    """A comparison as arrays need it written: ``0 < t < 1`` is ``(0 < t) & (t < 1)``."""
    if not isinstance(tree, ast.Compare):
        return "t > 0"
    sides = [tree.left, *tree.comparators]
    pairs = [ast.Compare(a, [op], [b]) for a, op, b in zip(sides, tree.ops, sides[1:], strict=False)]
    told = list(map(ast.unparse, pairs))
    return told[0] if len(told) == 1 else " & ".join(f"({one})" for one in told)


def _decides(frame: FrameType, shape: tuple[int, ...]) -> bool:
    """Whether the result of a comparison is used as one answer: ``if``, ``and``, ``not``, ``bool(...)``.

    Python's ``any(...)`` and ``all(...)`` take one answer of each row.
    """
    code, at = frame.f_code.co_code, frame.f_lasti + 2
    while at < len(code) and code[at] in _BETWEEN:
        at += 2
    name = opname[code[at]]
    if name == "CALL":
        asking = ("bool", "any", "all") if math.prod(shape[1:]) != 1 else ("bool",)
        return _builtin_called(frame, at, asking) is not None
    if name == "YIELD_VALUE" and frame.f_back is not None:  # any(row > 0 for row in t)
        return _builtin_called(frame.f_back, frame.f_back.f_lasti, ("any", "all")) is not None
    jumps = "JUMP" in name and name.removesuffix("_OR_POP").endswith(("TRUE", "FALSE"))
    return jumps or name == "UNARY_NOT"


def _builtin_called(frame: FrameType, at: int, names: Collection[str]) -> str | None:
    """Which of the named built-in functions is called at an instruction; None where it is none of them.

    It is told by position: the function is loaded where the call starts. This works without source.
    """
    code = frame.f_code
    if not any(n in code.co_names and n not in frame.f_locals and n not in frame.f_globals for n in names):
        return None
    starts = {i.offset: i.positions[::2] for i in get_instructions(code) if i.positions is not None}
    if starts.get(at, (None,))[-1] is None:
        return None
    loads = (i for i in get_instructions(code) if starts.get(i.offset) == starts[at] and i.argval in names)
    return next((str(i.argval) for i in loads if i.opname.startswith("LOAD")), None)


def compared(tensor: Any, other: Any, depth: int = 2) -> None:
    """Refuses a comparison of arrays whose result ``if``, ``max`` or ``min`` uses as one answer.

    Raises:
        ValueError: the operands have more than one entry.
    """
    frame = sys._getframe(depth)
    several = next((a.shape for a in (tensor, other) if getattr(a, "size", 1) != 1), None)
    if _instruction(frame) == _COMPARE:
        if several is not None and _decides(frame, several):
            _, tree = written_at(frame)
            raise ValueError(errors.TRUTH.format(source=_condition(tree), shape=several))
        return
    function = _builtin_called(frame, frame.f_lasti, _ENTRYWISE)
    if function is None:
        return
    source, tree = written_at(frame)
    given = [ast.unparse(a) for a in getattr(tree, "args", [])] or ["t", "u"]
    instead = f"np.max(np.stack({given[0]}), axis=0)".replace("max", function) if len(given) == 1 else ""
    instead = instead or f"np.{_ENTRYWISE[function]}({', '.join(given)})"
    if several is not None:
        of_all = f"np.{function}(t)"
        if function == "sorted":
            instead, of_all = f"np.sort({given[0]}, axis=0)", f"np.sort({given[0]}, axis=None)"
        raise ValueError(
            errors.PYTHON_CHOICE.format(function=function, shape=several, instead=instead, of_all=of_all)
        )
    if tensor.requires_grad and isinstance(other, (int, float)):
        value = tensor._data
        if (other > value) if function == "max" else (other < value):
            told_once(
                frame,
                f"`{source}` gives the plain number {other}, which has no gradient: write {instead}",
                errors.HistoryLostWarning,
            )
