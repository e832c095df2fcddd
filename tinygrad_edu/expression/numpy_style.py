"""NumPy source: ``W2.T @ dZ2``, ``np.sum(dZ, axis=1, keepdims=True)``, ``sigmoid(Z)``.

An operation that NumPy has is written as NumPy writes it; any other is called by its name, and
:func:`~tinygrad_edu.expression.definitions.definitions` gives the functions that those calls need.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from string import Formatter
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.core.facts import ATOM, SIGN, Sign
from tinygrad_edu.expression.named_settings import Count, Held, Picked, index_parts
from tinygrad_edu.expression.node import Node
from tinygrad_edu.expression.writer import STYLES, Style, Text

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op

Like = Mapping[tuple[tuple[int, ...], np.dtype[Any]], str]
"""A name of each shape and dtype that is at hand, from which what is repeated takes its shape."""


class NumPy(Style):
    """Source that Python reads back to the recorded value."""

    typed = True

    def __init__(self, like: Like | None = None) -> None:
        self.like = like or {}

    def number(self, value: Any) -> Text:
        """As a literal."""
        return literal(value)

    def array(self, node: Node) -> Text:
        """As a literal."""
        return literal(node.value)

    def own(
        self,
        op: Op,
        operands: Sequence[Text],
        settings: Mapping[str, Any],
        shape: tuple[int, ...],  # noqa: ARG002
    ) -> Text | None:
        """The operation's ``source``."""
        if callable(op.source):
            found = op.source(settings, *operands)
            return Text(found) if isinstance(found, str) else found
        return None if op.source is None else _filled(op, op.source, operands, settings)

    def has(self, sign: Sign, operands: Sequence[Text], settings: Mapping[str, Any]) -> bool:
        """``|`` and ``&`` are used between booleans alone."""
        return not settings and not (sign.booleans and any(x.dtype.kind != "b" for x in operands))

    def sign(self, sign: Sign, operands: Sequence[Text]) -> str:  # noqa: ARG002
        """With a space on each side, but in powers."""
        return f" {sign.text} " if sign.place == "infix" and sign.strength < SIGN else sign.text

    def call(self, op: Op, operands: Sequence[Text], settings: Mapping[str, Any]) -> Text:
        """By NumPy's function, else by name."""
        function = in_numpy(op)
        texts = [x.text for x in operands]
        if op.variadic and function is not None:  # np.concatenate([a, b])
            texts = [f"[{', '.join(texts)}]"]
        needed = {k: v for k, v in _needed(op).items() if k not in settings}
        texts += [f"{k}={literal(v)}" for k, v in {**settings, **needed}.items()]
        return Text(f"{function or op.name}({', '.join(texts)})")

    def operand(self, text: Text, node: Node, user: Node) -> Text:
        """A number as an array where the operation may ask its operands for their axes."""
        if node.is_number and user.op is not None and user.op.kind != "elementwise" and not user.op.silent:
            value = float(node.value) if node.dtype.kind == "f" else node.value
            return Text(f"np.array({literal(value)})", ATOM, (), node.dtype)
        return text

    def written(self, op: Op, operands: Sequence[Text], settings: Mapping[str, Any], **result: Any) -> Text:
        """What repeats a number takes its shape from a name that has it."""
        if op.silent and operands[0].shape == () != result.get("shape", ()):
            shape, dtype = result["shape"], result["dtype"]
            model = self.like.get((shape, dtype))
            if model is not None:
                return Text(f"np.full_like({model}, {operands[0]})", ATOM, **result)
            model = next((name for (one, _), name in self.like.items() if one == shape), None)
            if model is not None:
                return Text(f"np.full_like({model}, {operands[0]}, dtype=np.{dtype})", ATOM, **result)
        return super().written(op, operands, settings, **result)


def _filled(op: Op, template: str, operands: Sequence[Text], settings: Mapping[str, Any]) -> Text:
    """The template with its operands and settings; ``{x}`` alone is the operand itself."""
    inputs = dict(zip(op.parameters, operands, strict=False))
    text = ""
    named = {field for _, field, _, _ in Formatter().parse(template) if field}
    for before, field, _, _ in Formatter().parse(template):
        text += before
        if field is None:
            continue
        after = template[template.index(f"{{{field}}}") + len(field) + 2 :]
        if field in inputs:
            if not text and not after:
                return inputs[field]
            text += inputs[field].subject if after[:1] in (".", "[") else inputs[field].text
        elif field == "settings":
            text += "".join(f", {k}={literal(v)}" for k, v in settings.items() if k not in named)
        elif text.endswith("["):
            text += index_text(settings[field])
        else:
            text += literal(settings[field]).text
    return Text(text)


@cache
def in_numpy(op: Op) -> str | None:
    """The NumPy function that an operation is, with its path; None where it has no such one.

    >>> import tinygrad_edu as tg
    >>> in_numpy(tg.exp), in_numpy(tg.sigmoid)
    ('np.exp', None)
    """
    function = _function(op)
    if function is None:
        return None
    module = (getattr(function, "__module__", None) or "numpy").removeprefix("numpy")
    return f"np{module}.{function.__name__}"


def _function(op: Op) -> Callable[..., Any] | None:
    """The NumPy function that has all of the operation's settings."""
    return next((f for f in op.numpy if set(op.settings) <= _parameters(f).keys()), None)


@cache
def _needed(op: Op) -> Mapping[str, Any]:
    """The operation's defaults of settings that NumPy's function asks for, as NumPy 2.0 does for an axis."""
    function = _function(op)
    theirs = {} if function is None else _parameters(function)
    own = inspect.signature(op.forward).parameters
    asked = (k for k in op.settings if k in theirs and theirs[k].default is inspect.Parameter.empty)
    return {k: own[k].default for k in asked if own[k].default is not inspect.Parameter.empty}


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    if isinstance(function, np.ufunc):
        return {}
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # some of NumPy's compiled functions don't say
        return {}


def needing_definitions(ops: Iterable[Op]) -> list[Op]:
    """The operations that are called by their own name: those that NumPy does not have."""
    return [
        op
        for op in dict.fromkeys(ops)
        if op.source is None and (op.sign is None or op.sign.booleans) and in_numpy(op) is None
    ]


def literal(value: Any) -> Text:
    """A number, array, dtype or index as source.

    A float64 scalar is written as a plain number: among float64 arrays the two are the same.

    >>> [literal(v).text for v in (0.5, -1, np.float32(2), (slice(1, None), 0), np.dtype("f4"))]
    ['0.5', '-1', 'np.float32(2.0)', 'np.s_[1:, 0]', 'np.float32']
    """
    if isinstance(value, (Held, Count, Picked)) and value.called:
        return Text(value.called, ATOM, np.shape(value), np.asarray(value).dtype)
    if isinstance(value, (bool, np.bool_)):
        return Text(str(bool(value)), dtype=np.dtype(np.bool_))
    if isinstance(value, (int, float)):  # float64 among them
        text = _number(value)
        return Text(text, SIGN if text.startswith("-") else ATOM, (), np.dtype(type(value)))
    if isinstance(value, np.generic):
        return Text(repr(value), ATOM, (), value.dtype)
    if isinstance(value, np.ndarray) and not value.size:
        return Text(f"np.zeros({value.shape}, dtype=np.{value.dtype})", ATOM, value.shape, value.dtype)
    if counts_up(value):
        function = "range" if isinstance(value, range) else "np.arange"
        return Text(f"{function}({len(value)})", ATOM, (len(value),), np.dtype(np.int64))
    if isinstance(value, np.ndarray):
        plain = value.dtype in (np.float64, np.int64, np.bool_)
        suffix = "" if plain else f", dtype=np.{value.dtype}"
        return Text(f"np.array({_plain(value.tolist())}{suffix})", ATOM, value.shape, value.dtype)
    return Text(_plain(value))


def counts_up(value: Any) -> bool:
    """Whether it is ``np.arange`` or ``range`` of its size.

    >>> counts_up(np.array([0, 1, 2])), counts_up(np.array([0, 2]))
    (True, False)
    """
    if isinstance(value, range):
        return value == range(len(value))
    whole = isinstance(value, np.ndarray) and value.dtype == np.int64 and value.ndim == 1 and value.size > 1
    return whole and bool(np.array_equal(value, np.arange(value.size)))


def _number(value: Any) -> str:
    if isinstance(value, int):  # of any length
        return repr(int(value))
    if math.isfinite(value):
        return repr(float(value))
    return {"nan": "np.nan", "inf": "np.inf", "-inf": "-np.inf"}[repr(float(value))]


def _plain(value: Any) -> str:
    if any(isinstance(part, slice) or part is Ellipsis for part in index_parts(value)):
        return f"np.s_[{index_text(value)}]"
    if isinstance(value, tuple):
        return f"({', '.join(literal(v).text for v in value)}{',' * (len(value) == 1)})"
    if isinstance(value, list):
        return f"[{', '.join(literal(v).text for v in value)}]"
    if isinstance(value, np.dtype) or (isinstance(value, type) and issubclass(value, np.generic)):
        return f"np.{np.dtype(value)}"
    if isinstance(value, str) and '"' not in value:
        return f'"{value}"'
    return repr(value)


def index_text(index: Any) -> str:
    """What stands between the square brackets.

    >>> index_text((slice(None), 0)), index_text(None), index_text(np.int64(2))
    (':, 0', 'None', '2')
    """
    if isinstance(index, np.integer):  # NumPy's number picks as Python's does
        return str(index)
    if isinstance(index, slice):
        ends = ["" if end is None else literal(end).text for end in (index.start, index.stop, index.step)]
        return ":".join(ends if index.step is not None else ends[:2])
    if index is Ellipsis:
        return "..."
    if isinstance(index, tuple) and index:
        return ", ".join(map(index_text, index)) + "," * (len(index) == 1)
    return (
        re.sub(r"^np\.array\((.*)\)$", r"\1", literal(index).text)
        if isinstance(index, list)
        else literal(index).text
    )


NUMPY = NumPy()
STYLES["numpy"] = NUMPY
