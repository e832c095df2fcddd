"""Finds the Tensors that an object holds: in its attributes, and in the lists, dicts and objects in these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, ValuesView
from collections.abc import Set as AbstractSet
from types import FunctionType, MethodType, ModuleType
from typing import Any, TypeVar

import numpy as np

from tinygrad_edu.compiler.recording_cache import Recordings
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import did_you_mean, shown

T = TypeVar("T")

_OTHERS = (
    str, bytes, int, float, np.ndarray, np.generic, type, ModuleType, FunctionType, np.random.Generator, Op,
    Recordings,
)  # fmt: skip
"""Types that are not searched for parameters."""


class _Name(str):
    """The name of a parameter. Using it like the parameter raises an error that says where that is."""

    __slots__ = ()

    def __getattr__(self, asked: str) -> Any:
        if asked.startswith("__"):
            raise AttributeError(asked)
        raise self._no(asked)

    def __setattr__(self, asked: str, _: Any) -> None:
        raise self._no(asked)

    def _no(self, asked: str) -> AttributeError:
        return AttributeError(
            f"model.parameters() goes through names, and {str(self)!r} has no {asked}; the Tensors are "
            "model.parameters().values()"
        )


class Parameters(dict[str, Tensor]):
    """Parameters by name. Joining those of two models with ``|`` refuses names that both have.

    >>> Parameters(W1=Tensor([1.0])) | Parameters(W1=Tensor([2.0]))
    Traceback (most recent call last):
    ...
    ValueError: both have parameters called W1, of which one would be lost: name them apart, ...
    """

    def __iter__(self) -> Iterator[str]:
        return map(_Name, super().__iter__())

    def __missing__(self, name: Any) -> Any:
        raise KeyError(f"{name}: there are {', '.join(self)}{did_you_mean(str(name), self)}")

    def __or__(self, other: Any) -> Any:
        both = sorted(name for name in self.keys() & other.keys() if self[name] is not other[name])
        if both:
            raise ValueError(
                f"both have parameters called {', '.join(both)}, of which one would be lost: "
                'name them apart, {f"a_{name}": p for name, p in a.parameters().items()}'
            )
        return Parameters({**self, **other})

    def update(self, *given: Any, **others: Any) -> None:
        """As ``|``, in place."""
        super().update(self | dict(*given, **others))

    __ior__: Any = __or__


def _tensors_of(holder: Any) -> dict[str, Tensor]:
    """The leaf Tensors that an object holds, by the path to each: ``{"W": ..., "cells_0_W": ...}``.

    An object among them that has a method ``parameters()`` answers for itself. A Tensor that is held twice
    counts once.

    >>> class Scale:
    ...     def __init__(self):
    ...         self.by, self.more = Tensor([2.0]), [Tensor([0.0]), {"last": Tensor([1.0])}]
    >>> list(_tensors_of(Scale()))
    ['by', 'more_0', 'more_1_last']
    """
    seen = {id(holder)}
    found: dict[str, Tensor] = {}
    for key, part in _parts(holder):
        for path, tensor in _walk(part, str(key), seen):
            if tensor.op is None and id(tensor) not in seen:
                seen.add(id(tensor))
                found[path] = tensor
    return found


def parameters_of(layer: Any) -> dict[str, Tensor]:
    """The parameters of a layer: those of its method ``parameters()``, or else the Tensors found in it.

    >>> parameters_of(np.tanh)
    {}
    """
    own = getattr(layer, "parameters", None)
    if not callable(own):
        return {name: t for name, t in _tensors_of(layer).items() if t.requires_grad}
    answer = own()
    found = {str(k): t for k, t in (answer.items() if isinstance(answer, Mapping) else enumerate(answer))}
    for name, t in found.items():
        if not isinstance(t, Tensor):
            raise TypeError(
                f"parameters: {name}: expected a Tensor, got {shown(t)}; to give one other values, write "
                "layer.W.data = values"
            )
    if says_less(layer):
        known = {*map(id, found.values())}
        more = _tensors_of(layer).items()
        found |= {name: t for name, t in more if t.requires_grad and id(t) not in known}
    return found


def says_less(part: Any) -> bool:
    """Whether a subclass of one's own has ``parameters()`` of the class of ``tg.nn`` that it extends."""
    cls, ours = type(part), __name__.split(".")[0]
    method = getattr(cls, "parameters", None)
    said_by = getattr(method, "__module__", None)  # None in code that is run by exec
    return str(cls.__module__).split(".")[0] != ours == str(said_by).split(".")[0]


def buffers_of(layer: Any) -> dict[str, Tensor]:
    """The untrained state of a layer: that of its method ``buffers()``, or that of its parts."""
    return dict(_buffers(layer, "", set()))


def _buffers(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, (Tensor, *_OTHERS)) or value is None or id(value) in seen:
        return
    seen.add(id(value))
    own = getattr(value, "buffers", None)
    if callable(own):
        yield from ((f"{path}{name}", tensor) for name, tensor in own().items())
        return
    for key, part in _parts(value):
        yield from _buffers(part, f"{path}{key}_", seen)


def objects_in(holder: Any, kind: type[T] | tuple[type[T], ...]) -> list[T]:
    """The objects of a type, or of several, that an object holds, at any depth, each once.

    >>> objects_in({"a": [True, (2, "b")]}, str)
    ['b']
    """
    seen: set[int] = set()
    found: list[T] = []
    waiting = [holder]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, kind):
            found.append(value)
        elif not isinstance(value, (Tensor, *_OTHERS)) and value is not None and id(value) not in seen:
            waiting = [part for _, part in _parts(value)] + waiting
        seen.add(id(value))
    return [*{id(part): part for part in found}.values()]


def _walk(value: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield path, value
    elif value is not None and not isinstance(value, _OTHERS) and id(value) not in seen:
        seen.add(id(value))
        own = getattr(value, "parameters", None)
        for key, part in parameters_of(value).items() if callable(own) else _parts(value):
            yield from _walk(part, f"{path}_{key}", seen)


def _parts(value: Any) -> Iterable[tuple[Any, Any]]:
    """The attributes or elements of an object, each with its name."""
    if isinstance(value, Mapping):
        return value.items()
    if isinstance(value, (Sequence, AbstractSet, ValuesView)):
        return enumerate(value)
    if isinstance(value, MethodType):  # a bound method used as a layer
        return [("self", value.__self__)]
    slots = [s for c in type(value).__mro__ for s in getattr(c, "__slots__", ()) if hasattr(value, s)]
    return {
        **{s: getattr(value, s) for s in slots if isinstance(s, str)},
        **getattr(value, "__dict__", {}),
    }.items()
