"""Attributes that objects of other libraries have: the error says what to write here.

``hasattr`` stays false. A ``__getattr__`` would do the same, and make every other read slower by
several times; a descriptor for each name costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Never

import numpy as np

BACKWARD = {
    "create_graph": "tg.grad(J, [w], create_graph=True)",
    "inputs": "tg.grad(J, inputs), which returns the gradients",
}
"""Settings of PyTorch's ``backward``."""
SETTINGS = {
    "device": "no setting at all: values are in the computer's memory",
    **dict.fromkeys(["data", "initial_value"], "value, the first argument"),
    "shape": "tg.Tensor(np.zeros(shape))",
    "label": "name=",
    **dict.fromkeys(["trainable", "stop_gradient"], "requires_grad="),
}
"""Settings of other libraries' tensors."""

_ASTYPE = "t.astype(np.{})"
_IN_PLACE = "a new Tensor: t = {}; or, under tg.no_grad(), an operator such as t -= ..."
_NOTHING = "nothing: {}"
_ARRAY = "t.data.{name} of the array that it holds"

ANSWERS: Mapping[str, str] = {
    "unsqueeze": "np.expand_dims(t, axis), or t[:, None]",
    "view": "t.reshape(...)", "view_as": "t.reshape(u.shape)", "reshape_as": "t.reshape(u.shape)",
    "permute": "t.transpose(...)", "t": "t.T", "H": "t.T", "mH": "t.mT", "adjoint": "t.mT",
    "numel": "t.size", "nelement": "t.size", "dim": "t.ndim", "rank": "t.ndim", "get_shape": "t.shape",
    "cpu": _NOTHING.format("values are in the computer's memory"),
    "cuda": _NOTHING.format("values are in the computer's memory"),
    "to": "t.astype(dtype); values are in the computer's memory",
    "device": _NOTHING.format("values are in the computer's memory"),
    "contiguous": _NOTHING.format("layouts in memory make no difference here"),
    "float": _ASTYPE.format("float32"), "double": _ASTYPE.format("float64"),
    "half": _ASTYPE.format("float16"),
    "long": _ASTYPE.format("int64"), "int": _ASTYPE.format("int32"), "bool": _ASTYPE.format("bool_"),
    "type": "t.astype(dtype)", "cast": "t.astype(dtype)",
    "mm": "t @ u", "bmm": "t @ u", "mv": "t @ u", "ger": "np.outer(t, u)", "addmm": "t + u @ v",
    "abs": "np.abs(t)", "neg": "-t", "sub": "t - u", "mul": "t * u", "div": "t / u", "pow": "t ** p",
    "true_divide": "t / u", "rsqrt": "1 / np.sqrt(t)", "inverse": "np.linalg.inv(t)",
    "eq": "t == u", "ne": "t != u", "lt": "t < u", "le": "t <= u", "gt": "t > u", "ge": "t >= u",
    "clamp": "np.clip(t, low, high)", "clamp_min": "np.maximum(t, low)", "clamp_max": "np.minimum(t, high)",
    "amax": "np.max(t, axis=...)", "amin": "np.min(t, axis=...)", "topk": "np.sort(t)[..., -k:]",
    "expand": "np.broadcast_to(t, shape)", "expand_as": "np.broadcast_to(t, u.shape)",
    "repeat_interleave": "np.repeat(t, n, axis=...)", "gather": "np.take_along_axis(t, index, axis)",
    "index_select": "np.take(t, index, axis=...)", "masked_fill": "np.where(mask, value, t)",
    "masked_select": "t[mask]", "narrow": "a slice: t[:, start:stop]", "select": "an index: t[:, k]",
    "chunk": "np.array_split(t, n, axis=...)", "unbind": "np.unstack(t, axis=...)",
    "cat": "np.concatenate([t, u])",
    "unfold": "np.lib.stride_tricks.sliding_window_view(t, size)",
    "at": "np.where(mask, new, t) or np.concatenate, which give a new Tensor",
    "clone": "t.copy()", "new": "tg.Tensor(value)", "new_tensor": "tg.Tensor(value)",
    "new_zeros": "np.zeros(shape)", "new_ones": "np.ones(shape)",
    "requires_grad_": "t.requires_grad = True, or False", "trainable": "t.requires_grad",
    "stop_gradient": "t.detach()", "detach_": "t.detach()",
    "retain_grad": _NOTHING.format("after backward() every tensor that took part has its .grad"),
    "is_leaf": "t.op is None", "grad_fn": "t.op", "creator": "t.op", "_prev": "t.inputs",
    "register_hook": "tg.grad(J, [t]), which gives the gradient of any tensor",
    "cleargrad": "t.zero_grad()", "grad_zero": "t.zero_grad()", "gradient": "t.grad, or tg.grad(J, [t])",
    "derivative": "t.grad, or tg.grad(J, [t])",
    "forward": _NOTHING.format("a value is computed as it is written"),
    "value": "t.data, or t.item() of one number", "val": "t.data, or t.item() of one number",
    "values": "t.numpy()", "to_numpy": "t.numpy()", "get": "t.numpy()", "eval": "t.numpy()",
    "realize": _NOTHING.format("a value is computed as it is written"),
    "block_until_ready": _NOTHING.format("a value is computed as it is written"),
    "assign": "t.data = value", "assign_sub": "t.data -= value", "assign_add": "t.data += value",
    "imag": "0: values are real", "fill": _IN_PLACE.format("np.full_like(t, value)"),
    "put": _IN_PLACE.format("np.where(mask, new, t)"), "resize": "np.resize(t, shape)",
    "partition": _IN_PLACE.format("np.partition(t, k)"),
    "itemset": _IN_PLACE.format("np.where(mask, new, t)"),
    **dict.fromkeys(
        ["base", "byteswap", "ctypes", "data_ptr", "dump", "dumps", "element_size", "flags", "flat",
        "getfield"],
        _ARRAY,
    ),
    **dict.fromkeys(["itemsize", "nbytes", "setfield", "setflags", "strides", "tobytes", "tofile"], _ARRAY),
    **{
        f"{name}_": _IN_PLACE.format(instead)
        for name, instead in {
            "add": "t + u", "sub": "t - u", "mul": "t * u", "div": "t / u", "pow": "t ** p", "neg": "-t",
            "exp": "np.exp(t)", "log": "np.log(t)", "sqrt": "np.sqrt(t)", "tanh": "np.tanh(t)",
            "abs": "np.abs(t)",
            "relu": "tg.relu(t)", "sigmoid": "tg.sigmoid(t)", "clamp": "np.clip(t, low, high)",
            "clip": "np.clip(t, low, high)", "zero": "np.zeros_like(t)", "fill": "np.full_like(t, value)",
            "copy": "tg.Tensor(value)", "unsqueeze": "np.expand_dims(t, axis)", "squeeze": "np.squeeze(t)",
            "masked_fill": "np.where(mask, value, t)", "normal": "tg.Tensor(rng.normal(size=t.shape))",
            "uniform": "tg.Tensor(rng.uniform(size=t.shape))", "t": "t.T", "transpose": "t.transpose(...)",
        }.items()
    },
}  # fmt: skip
"""By the name in PyTorch, TensorFlow, JAX, micrograd or ndarray: what to write here."""


class _Answer:
    """A class attribute that does not exist, and whose error says what to write."""

    __slots__ = ("instead", "name")

    def __init__(self, name: str, instead: str) -> None:
        self.name, self.instead = name, instead.replace("{name}", name)

    def __get__(self, instance: Any, owner: Any = None) -> Never:
        raise AttributeError(f"a Tensor has no attribute {self.name!r}; write {self.instead}")


class WithoutElsewhere(type):
    """The metaclass of Tensor: hides these attributes from ``dir`` and ``help``."""

    def __dir__(cls) -> Iterable[str]:
        names = super().__dir__()
        answered = {name for name, value in vars(Elsewhere).items() if type(value) is _Answer}
        own = {name for base in cls.__mro__ if base is not Elsewhere for name in vars(base)}
        return [name for name in names if name not in answered or name in own]


class Elsewhere:
    """The last base of Tensor, so that whatever Tensor has itself comes first."""

    __slots__ = ()

    def __dir__(self) -> Iterable[str]:
        return dir(type(self))


def _answer(name: str, instead: str) -> None:
    """Adds an attribute of that name whose error says what to write, unless there is one."""
    if not name.startswith("__") and name not in vars(Elsewhere):
        setattr(Elsewhere, name, _Answer(name, instead))


def function_not_method(name: str, numpy: tuple[Callable[..., Any], ...], *, alone: bool = False) -> None:
    """Adds the error for a method of a public function's name: ``t.tanh()`` is ``np.tanh(t)``."""
    first = numpy[0] if numpy else None
    homes = [m for m, home in (("np", np), ("np.linalg", np.linalg)) if getattr(home, name, None) is first]
    _answer(name, f"{homes[0] if first and homes else 'tg'}.{name}({'t' if alone else 't, ...'})")


for _name, _instead in ANSWERS.items():
    _answer(_name, _instead)
