"""Calling an operation: computes the value and records the operands."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.core.arguments import Arguments, refuse_unreal
from tinygrad_edu.core.backward import NO_SETTINGS
from tinygrad_edu.core.call_sites import calling_frame
from tinygrad_edu.core.callers import variables_of_the_caller
from tinygrad_edu.core.constant_history import recipe_for
from tinygrad_edu.core.copied_arrays import remember
from tinygrad_edu.core.error_messages import in_house_style, in_our_words
from tinygrad_edu.core.guard import Guard, hold
from tinygrad_edu.core.kernel_analysis import hands_on, in_float64, is_arithmetic, keeps_float64, ufunc_of
from tinygrad_edu.core.mode import surroundings
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.pitfalls import watch_for_updates, with_repeats
from tinygrad_edu.core.real_arrays import real
from tinygrad_edu.core.signatures import shown
from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.core.table import OPS
from tinygrad_edu.core.tensor import Tensor, is_watched, recorded_at

_MISSING: Any = object()


@dataclass(frozen=True, eq=False, repr=False)
class CallableOp(Op):
    """An operation that can be called.

    With at least one Tensor it gives a Tensor; with plain arrays alone it is a NumPy function.
    """

    def __post_init__(self) -> None:
        signature = inspect.signature(self.forward).parameters.values()
        names = tuple(p.name for p in signature if p.kind is p.POSITIONAL_OR_KEYWORD)
        put = partial(object.__setattr__, self)
        put("kernel", self.kernel or self.name)
        put("label", self.label or self.name)
        put("variadic", any(p.kind is p.VAR_POSITIONAL for p in signature))
        put("parameters", tuple(p.name for p in signature if p.kind is p.VAR_POSITIONAL) or names)
        put("arity", -1 if self.variadic else len(names))
        put("settings", tuple(p.name for p in signature if p.kind is p.KEYWORD_ONLY))
        put("constant", all(pullback is None for pullback in self.pullbacks))
        always = None not in self.pullbacks and not self.stops
        put("short", len(self.pullbacks) <= 2 and always and not self.variadic)
        put("ufunc", ufunc_of(self.forward))
        arithmetic = self.short and keeps_float64(self.ufunc) and all(map(is_arithmetic, self.pullbacks))
        rules = tuple(None if hands_on(rule) else rule for rule in self.pullbacks) if arithmetic else None
        put("numeric", rules)
        put("quick", rules and tuple(rule and in_float64(rule) for rule in rules))
        further = self.general or self._in_precision if self._floating() else self.general
        put("arguments", Arguments(self.name, self.forward, self.numpy, further))
        put("recorded", lambda *args: apply(self, args, {}))
        put("__doc__", self.forward.__doc__)
        put("__name__", self.name)
        put("__module__", self.forward.__module__)
        put("__wrapped__", self.forward)  # what inspect.getsource shows
        put("__signature__", shown(self.forward, np.ndarray if self.constant else Tensor))
        if len(self.pullbacks) != len(self.parameters):
            raise TypeError(
                f"{self.name}: expected a pullback for each of {self.parameters}, got {len(self.pullbacks)}"
            )

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __get__(self, instance: Any, owner: Any = None) -> CallableOp:
        """Returns the operation itself. With ``__get__``, ``help`` shows it as a function."""
        return self

    def _generally(self, inputs: tuple[Any, ...], given: Mapping[str, Any]) -> Any:
        """The value with settings that the kernel does not take: computed by other operations."""
        try:
            return self.arguments.further(*inputs, **given)
        except (TypeError, ValueError, IndexError) as error:
            errors.raise_for(error, in_house_style(self.name, error))

    def _floating(self) -> bool:
        """Whether it is a universal function of NumPy's with a float result, whose dtype may be chosen."""
        return bool(self.numpy) and isinstance(self.numpy[0], np.ufunc) and not self.constant

    def _in_precision(self, *xs: Any, dtype: Any = None, casting: Any = "same_kind", **settings: Any) -> Any:
        """NumPy's ``dtype`` of a universal function: what it computes in, so its operands are cast first."""
        function: Any = self.numpy[0]
        if dtype is not None and np.dtype(dtype).kind != "f":
            raise TypeError(self.arguments.refusal("dtype", dtype))
        weak = [
            type(x) if type(x) in (int, float) else getattr(x, "dtype", None) or np.asarray(x).dtype
            for x in xs
        ]
        asked = (None,) * function.nin + (None if dtype is None else np.dtype(dtype),) * function.nout
        try:
            loop = function.resolve_dtypes(
                (*weak, *(None,) * function.nout), signature=asked, casting=casting
            )
        except TypeError as error:
            raise TypeError(f"{self.name}: {error}; cast the operands with t.astype(dtype)") from None
        if dtype is not None:
            xs = tuple(OPS["astype"](x, dtype=to) for x, to in zip(xs, loop, strict=False))
        return self(*xs, **settings)

    def __reduce__(self) -> Any:
        return _named, (self.name,)

    def __call__(self, x: Any = _MISSING, /, *others: Any, **settings: Any) -> Any:
        """The value: a Tensor where one of the inputs is one, else an array."""
        if not others and not settings and self.arity == 1 and x is not _MISSING:
            return self.recorded(x)
        args = () if x is _MISSING else (x, *others)
        if len(args) == self.arity:
            if not settings:
                return self.recorded(*args)
            if self.arguments.ready(settings):
                return apply(self, args, settings)
        if self.variadic and args and not isinstance(args[0], (list, tuple)):
            rows = self.numpy and len(args) == 1 and isinstance(args[0], Tensor)
            args = (list(args[0]) if rows else args,)  # NumPy takes an array for the list of its rows
        given = self.arguments.bound(args, settings)
        inputs = tuple(
            given.pop(self.parameters[0], ()) if self.variadic else map(given.pop, self.parameters)
        )
        if not given and not self.variadic:
            return self.recorded(*inputs)
        for setting, value in given.items():
            if setting not in self.settings:
                return self._generally(inputs, given)
            if isinstance(value, Tensor):
                raise TypeError(f"{self.name}: {setting} must be a plain value, not a Tensor")
        return apply(self, inputs, given)


def _named(name: str) -> Op:
    return OPS[name]


_PLAIN = (np.ndarray, np.generic, float, int)


def _constant(value: Any, what: str) -> Any:
    """A constant operand as the graph keeps it: a copy, so that later writes do not change it."""
    if isinstance(value, (float, int)):
        return value
    array = real(value, what=what)
    if not array.ndim:
        return array[()]
    remember(value, array)
    return array


def _own(setting: Any) -> Any:
    """A setting as the graph keeps it. Arrays are copied, so that later writes do not change it."""
    if isinstance(setting, np.ndarray):
        copy = setting.copy()
        remember(setting, copy)
        return copy
    if isinstance(setting, (dict, MappingProxyType)):
        return {name: _own(value) for name, value in setting.items()}
    return type(setting)(map(_own, setting)) if type(setting) in (list, tuple) else setting


def with_history(value: Any, op: Op, operands: Sequence[Any], settings: Mapping[str, Any]) -> Tensor:
    """A plain result, as of a comparison, as a Tensor that has its history; a Tensor as it is."""
    if isinstance(value, Tensor):
        return value
    tensor = Tensor(value, requires_grad=False)
    tensor.guards = recipe_for(op, tuple(operands), settings, tensor)
    if tensor.guards is None:  # of Tensors that have a history themselves
        tensor.settings = settings
        parents = tuple(x if isinstance(x, Tensor) else None for x in operands)
        tensor.came_from(op, parents, (x._data if isinstance(x, Tensor) else x for x in operands))
    return tensor


def apply(op: Op, args: tuple[Any, ...], settings: Mapping[str, Any], value: Any = None) -> Any:
    """The value of an operation, recorded when one of its inputs is to be differentiated.

    ``value`` spares computing it where it came out of a larger computation (a decomposition, say).
    """
    parents = tuple(a if isinstance(a, Tensor) else None for a in args)
    if not any(p is not None for p in parents):
        arrays = [a if isinstance(a, _PLAIN) else np.asarray(a) for a in args]
        refuse_unreal(op.name, arrays)
        return _compute(op, args, arrays, settings) if value is None else value
    symbolic = any(type(p) is Symbol for p in parents)
    around = surroundings()
    differentiable = _differentiable(op, parents)
    recording = symbolic or (
        differentiable if around is None else around.recording and (differentiable or around.constants)
    )
    guards: list[Guard] = []
    if op.constant and not symbolic:
        saved = [a if p is None else p._data for a, p in zip(args, parents, strict=True)]
    else:
        saved = _kept(op.name, args, parents, recording, guards)
    if value is None:
        try:
            value = (_undrawn if symbolic and "rng" in settings else _compute)(op, args, saved, settings)
        except Exception:
            guards.clear()  # the error's traceback keeps this frame, and must not keep arrays read-only
            raise
    if len(args) > 1 and op.kind == "elementwise":
        with_repeats(args, np.shape(value))
    if op.constant and not symbolic:
        return value
    result: Tensor = object.__new__(Symbol if symbolic else Tensor)
    result._data = value
    result._pending = result.name = None
    result.scope = ()
    result.seq = recorded_at()
    if not recording:
        result.requires_grad = False
        result.op = result._guard = None
        result.settings = NO_SETTINGS
        result.guards = recipe_for(op, args, settings, result) if around is None or around.recording else None
        return result
    flows = differentiable and (around is None or around.recording)  # a Symbol's history is kept in any case
    result.requires_grad = flows and np.asarray(value).dtype.kind == "f"
    result.came_from(op, parents, saved)
    result.settings = _own(settings) if settings else NO_SETTINGS
    result.guards = tuple(guards) or None
    if around is not None and around.scope:
        result.scope = around.scope
    watch_for_updates(op, filter(is_watched, parents), result)
    return result


def _differentiable(op: Op, parents: tuple[Tensor | None, ...]) -> bool:
    rules = op.pullbacks * len(parents) if op.variadic else op.pullbacks
    return any(
        p is not None and p.requires_grad and rule is not None
        for p, rule in zip(parents, rules, strict=False)
    )


def _kept(
    name: str, args: tuple[Any, ...], parents: tuple[Tensor | None, ...], recording: bool, guards: list[Guard]
) -> list[Any]:
    """The operands' values as the graph keeps them. Adds a guard for each array that can be written to."""
    saved: list[Any] = []
    for a, parent in zip(args, parents, strict=True):
        if parent is None:
            saved.append(_constant(a, f"{name}: "))
        elif recording and parent.op is None and type(parent) is Tensor and type(parent._data) is np.ndarray:
            guards.append(hold(parent))
            saved.append(guards[-1].value)
        else:
            saved.append(parent._data)
    return saved


def _compute(op: Op, args: Any, values: Any, settings: Mapping[str, Any]) -> Any:
    try:
        return op.forward(*values, **settings)
    except (ValueError, IndexError, TypeError, np.linalg.LinAlgError) as error:
        errors.raise_for(error, _explained(op, args, settings, error))


_SIGNS = ("+", "−", "*", "/", "**", "@")


def _undrawn(op: Op, args: Any, values: Any, settings: Mapping[str, Any]) -> Any:
    """A random value for a Symbol to show. The generator's state is put back afterwards."""
    bits = settings["rng"].bit_generator
    state = bits.state
    try:
        return _compute(op, args, values, settings)
    finally:
        bits.state = state


def _explained(op: Op, args: Any, settings: Mapping[str, Any], error: Exception) -> Exception:
    """The same kind of error, with the operation's name, and every operand by name and shape."""
    if not any(isinstance(a, Tensor) for a in args) and calling_frame() is None:
        return error  # called by another operation, which names its own operands
    try:
        op.arguments.check(settings)
    except TypeError as told:
        return told
    if not isinstance(error, (ValueError, IndexError)):
        return in_house_style(op.name, error)
    names = variables_of_the_caller((Tensor, np.ndarray, np.generic))
    operands = [errors.described(a, getattr(a, "name", None) or names.get(id(a))) for a in args]
    sign = op.label if op.label in _SIGNS else None
    return type(error)(errors.shape_mismatch(op.name, operands, in_our_words(str(error)), sign))
