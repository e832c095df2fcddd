"""Calling a user's function with the quantities that its parameters are named after."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_edu.check.manual import given_arrays
from tinygrad_edu.core.tensor import Tensor

_ALL_PARAMETERS = ("params", "parameters", "theta")
_ALL_VALUES = ("cache", "caches", "values", "memory")


def arguments_for(
    f: Callable[..., Any], values: Mapping[str, Any], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """What to call a function with, by the names of its parameters.

    ``params`` or ``parameters`` stands for the dict of all parameters, ``cache`` for that of all values.

    Raises:
        TypeError: a parameter is named after nothing that is known.
    """
    found: dict[str, Any] = {}
    for name, parameter in inspect.signature(f).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name in values:
            found[name] = values[name]
        elif name in _ALL_PARAMETERS:
            found[name] = dict(parameters)
        elif name in _ALL_VALUES:
            found[name] = dict(values)
        elif parameter.default is parameter.empty:
            known = ", ".join(values)
            raise TypeError(f"{_called(f)}: no quantity is called {name!r}; there are: {known}")
    return found


def _called(f: Callable[..., Any]) -> str:
    return str(getattr(f, "__name__", "the function"))


def called(f: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """The result of calling by name, positional-only parameters included."""
    positional = []
    named = dict(arguments)
    for name, parameter in inspect.signature(f).parameters.items():
        if parameter.kind is parameter.POSITIONAL_ONLY and name in named:
            positional.append(named.pop(name))
    return f(*positional, **named)


def recorded(f: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The result of a function, and the variables that it had when it returned.

    So the quantities of a forward pass keep the names that its author gave them.
    """
    variables: dict[str, Any] = {}
    code = getattr(inspect.unwrap(f), "__code__", getattr(getattr(f, "__func__", f), "__code__", None))

    def watch(frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is code:
            variables.update(frame.f_locals)

    before = sys.getprofile()
    try:  # before the profile is set: an interrupt may come between any two lines
        sys.setprofile(watch)
        result = called(f, arguments)
    finally:
        sys.setprofile(before)
    return result, variables


def gradients_of(
    backward: Callable[..., Any], values: Mapping[str, Any], parameters: Mapping[str, Any]
) -> tuple[dict[Any, Any], dict[str, Any]]:
    """The gradients that a hand-written backward pass returns, as a dict ``{"dW1": array, ...}``.

    A tuple is named by the variables it was returned from. Beside it the gradients of other known quantities
    that the function had in variables of its own, such as dZ1, when it returned.

    Raises:
        TypeError: it returns something else.
    """
    copies = {k: np.array(v) if isinstance(v, np.ndarray) else v for k, v in values.items()}
    own = {k: copies[k] for k in parameters}
    result, variables = recorded(backward, arguments_for(backward, copies, own))
    result = _without_cost(result)
    if isinstance(result, (tuple, list)):
        named = {id(v): k for k, v in variables.items() if k.startswith("d")}
        if not all(id(g) in named for g in result):
            raise TypeError(
                "the backward pass returns unnamed arrays: expected a dict such as {'dW1': dW1, 'db1': db1}"
            )
        result = {named[id(g)]: g for g in result}
    if not isinstance(result, Mapping):
        raise TypeError(
            "the backward pass: expected a dict such as {'dW1': dW1, 'db1': db1}, "
            f"got {type(result).__name__}"
        )
    given_arrays(result, _called(backward))
    on_the_way = {
        name: value
        for name, value in variables.items()
        if name not in result and name[:1] == "d" and name[1:] in copies and isinstance(value, np.ndarray)
    }
    return dict(result), on_the_way


def _without_cost(result: Any) -> Any:
    """The dict of gradients out of ``grads, cost`` or ``cost, grads``; anything else as it is."""
    if isinstance(result, (tuple, list)):
        dicts = [part for part in result if isinstance(part, Mapping)]
        if len(dicts) == 1 and all(np.size(part) == 1 for part in result if part is not dicts[0]):
            return dicts[0]
    return result


def plain(value: Any) -> Any:
    """A Tensor's array; anything else as it is, one level into dicts, lists and tuples."""
    if isinstance(value, Tensor):
        return np.array(value._data)
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(v) for v in value)
    return value
