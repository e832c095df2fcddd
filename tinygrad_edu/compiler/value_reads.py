"""Tensors whose values a function asks for while it is recorded: the answer is frozen into the recording.

A Tensor that is found by name is read anew at each call where the recording has it as an input. Where its
value is asked for instead (``t.data``, ``float(t)``, ``t > 0``, ``np.allclose(t, u)``), the recording is good
for that value alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import CodeType, FrameType
from typing import Any

from tinygrad_edu.core.application import apply
from tinygrad_edu.core.constant_history import Recipe
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.ops.numpy_coverage.non_differentiable import plain

_METHODS = [
    *["numpy", "item", "tolist", "detach", "__bool__", "__float__", "__int__", "__index__", "__array__"],
    *["__contains__", "__format__", "__reduce__", "__repr__", "_mask"],
]


def _code(name: str) -> CodeType:
    member = vars(Tensor)[name]
    code: CodeType = getattr(member, "fget", member).__code__
    return code


_ASKING: Mapping[CodeType, str] = {
    **{_code(name): "self" for name in ("data", *_METHODS)},
    Tensor.__init__.__code__: "value",
    plain.__code__: "value",
}
"""The functions that give a Tensor's value to Python, and their variable that holds the Tensor."""
_APPLY = apply.__code__


def asked(frame: FrameType, event: str, result: Any) -> Iterator[Tensor]:
    """The Tensors whose values are asked for in this event of a profile: a call that begins, or ends.

    A constant that was computed from others without telling how (:func:`recipe_for`) has their values in it.
    """
    code = frame.f_code
    if event == "call" and code in _ASKING:
        here = frame.f_locals
        value = here[_ASKING[code]]
        if type(value) is Tensor and not here.get("of_any_value", False):
            yield value
    elif code is _APPLY and (event == "call" or type(result) is Tensor):
        here = frame.f_locals
        frozen = here["op"].constant if event == "call" else not _tells_how(result)
        tensors = [a for a in here["args"] if isinstance(a, Tensor)] if frozen else []
        if all(type(t) is Tensor for t in tensors):  # with a Symbol among them it is recorded
            yield from tensors


def _tells_how(made: Tensor) -> bool:
    return made.op is not None or isinstance(made.guards, Recipe)


def sources(tensors: Iterable[Tensor]) -> list[Tensor]:
    """The leaves that Tensors were computed from, constants too.

    >>> x = Tensor([1.0, 2.0])
    >>> sources([2.0 * x + 1.0]) == [x]
    True
    """
    found = list(tensors)
    seen = set(found)
    for tensor in found:
        new = [t for t in tensor.inputs if t not in seen]
        seen.update(new)
        found += new
    return [t for t in found if not t.inputs]
