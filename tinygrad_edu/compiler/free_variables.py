"""What a function finds by name: arrays, numbers and flags in globals, closures, attributes and containers.

A recording holds their values, so it is good as long as they are what they were. That is looked at before
each call: names by identity, arrays by their entries, since they may have been written to in place.
"""

from __future__ import annotations

import re
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property, partial
from operator import is_
from types import BuiltinMethodType, FunctionType, MappingProxyType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from tinygrad_edu.compiler.bytecode import names_read
from tinygrad_edu.compiler.snapshots import (
    CONTAINERS,
    PLAIN,
    differ_in_results,
    entries_of,
    equal,
    members,
    same,
    stored,
)
from tinygrad_edu.core.callers import of_a_library
from tinygrad_edu.core.mode import Ambient, surroundings
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.tensor import Tensor

_ENGINE = re.compile(r"tinygrad_edu\.(core|ops|graph|compiler|autodiff)\b")
_OURS = re.compile(r"tinygrad_edu\b")
_LOOKS_EVERYWHERE = {
    *["getattr", "vars", "__dict__", "attrgetter", "locals", "globals", "eval", "exec", "dir"],
    *["asdict", "astuple", "fields", "__getattribute__", "copy", "deepcopy", "replace"],
}
"""Code with these names may read attributes that it does not name."""
_DIFFERENT_EACH_TIME = {
    *["next", "random", "default_rng", "RandomState", "time", "perf_counter", "monotonic", "now", "today"],
    *["urandom", "uuid4", "secrets", "choice", "shuffle", "sample", "pop", "popleft", "open", "readline"],
    *["send", "get_nowait", "randint", "uniform", "gauss"],
}
"""Code with these names may give another value when it runs again: it is run again, to see."""
_RECORDS = (SimpleNamespace, Namespace)
_NOT_LOOKED_INTO = (*PLAIN, Op)
_GONE = object()


def is_engine(module: str | None) -> bool:
    """Whether a module is one of those that record, and not of a user's or of ``nn``.

    >>> is_engine("tinygrad_edu.ops.networks.costs"), is_engine("tinygrad_edu.nn"), is_engine("notes")
    (True, False, False)
    """
    return _ENGINE.match(module or "") is not None


@dataclass
class FreeVariables:
    """What a function can find by name, as it is now.

    >>> import numpy as np
    >>> X = np.zeros(3)
    >>> found = FreeVariables(lambda w: w * X)
    >>> found.changed()
    >>> X[0] = 1.0
    >>> found.changed()
    'X'
    """

    function: Callable[..., Any]
    links: list[tuple[Callable[[Any], Any], Any, Any, str]] = field(default_factory=list)
    containers: list[tuple[Any, tuple[Any, ...], str]] = field(default_factory=list)
    arrays: list[tuple[Any, Any, str]] = field(default_factory=list)
    states: list[tuple[Any, bytes, str]] = field(default_factory=list)
    generators: list[np.random.Generator | np.random.RandomState] = field(default_factory=list)
    tensors: list[tuple[Tensor, str]] = field(default_factory=list)
    """Read anew at each call, but for those that are watched."""
    unsteady: bool = False
    """Whether the function may give something else when it is run again with all of that as it was."""
    names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        known = -1
        while known != len(self.names):  # a method found late may name an attribute of something found early
            known = len(self.names)
            for found in (
                *(self.links, self.containers, self.arrays, self.states, self.generators),
                self.tensors,
            ):
                found.clear()
            self._seen: dict[int, Any] = {}
            self._everything = bool(self.names & _LOOKS_EVERYWHERE)
            self._visit(self.function, getattr(self.function, "__name__", "function"))
        self.unsteady = self.unsteady or bool(self.names & _DIFFERENT_EACH_TIME)
        self._seen.clear()

    def changed(self) -> str | None:
        """What has changed, as code writes it; None where nothing has."""
        for entry in self.links:
            now = entry[0](entry[1])
            if now is not entry[2] and not same(now, entry[2]):
                return entry[3]
        if not (self.containers or self.arrays or self.states):
            return None
        return next((path for *_, path in self._held()), None)

    def watch(self, tensors: Iterable[Tensor]) -> None:
        """Also looks at the values of these Tensors, for the function has asked for them."""
        paths = dict(self.tensors)
        for tensor in tensors:
            self._link(_value_of, tensor, paths.get(tensor) or tensor.name or "a Tensor")

    def settled(self) -> str | None:
        """Lets go of what holds other results than it did: the function writes those before it reads them.

        Gives what has changed besides, as code writes it.
        """
        for entries, entry, now, kept, path in [*self._changes()]:
            if not differ_in_results(now, kept):
                return path
            entries.remove(entry)
        return None

    def _changes(self) -> Iterator[tuple[list[Any], Any, Any, Any, str]]:
        for link in self.links:
            now = link[0](link[1])
            if not same(now, link[2]):
                yield self.links, link, now, link[2], link[3]
        yield from self._held()

    def _held(self) -> Iterator[tuple[list[Any], Any, Any, Any, str]]:
        """What has changed in something that is still the same object."""
        for held in self.containers:
            now, kept = members(held[0]), held[1]
            if len(now) != len(kept) or not (all(map(is_, now, kept)) or all(map(same, now, kept))):
                yield self.containers, held, now, held[1], held[2]
        for array in self.arrays:
            if not equal(array[0], array[1]):
                yield self.arrays, array, array[0], None, array[2]
        for state in self.states:
            if stored(state[0]) != state[1]:
                yield self.states, state, None, state[1], state[2]

    def _link(self, read: Callable[[Any], Any], key: Any, path: str, *, fixed: bool = False) -> None:
        value = read(key)
        if not fixed and not isinstance(value, ModuleType):
            self.links.append((read, key, value, path))
        self._visit(value, path)

    def _visit(self, value: Any, path: str) -> None:  # noqa: C901  (one line for each kind of value)
        if isinstance(value, _NOT_LOOKED_INTO) or id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if isinstance(value, Tensor):
            self.tensors.append((value, path))
            return
        if isinstance(value, np.ndarray):
            self.arrays.append((value, entries_of(value), path))
        elif isinstance(value, (np.random.Generator, np.random.RandomState)):
            self.generators.append(value)
        elif isinstance(value, ModuleType):
            self._module(value, path)
        elif isinstance(value, FunctionType):
            self._function(value, path)
        elif isinstance(value, MethodType):
            self._visit(value.__self__, path.rpartition(".")[0] or "self")
            self._visit(value.__func__, path)
        elif isinstance(value, BuiltinMethodType):
            self._visit(value.__self__, path)
        elif isinstance(value, partial):
            for part in (value.func, value.args, value.keywords):
                self._visit(part, path)
        elif isinstance(value, ContextVar):
            self._link(partial(_setting, value), None, path)
        elif isinstance(value, (dict, MappingProxyType, *CONTAINERS)):
            self._container(value, path)
        elif isinstance(value, type):
            self._class(value, path)
        elif _is_looked_into(type(value)):
            self._object(value, path)
        else:
            self._opaque(value, path)

    def _module(self, module: ModuleType, path: str) -> None:
        file = getattr(module, "__file__", None)
        built_in = file is None and module.__name__.partition(".")[0] in sys.stdlib_module_names
        if not (built_in or _is_library(module.__name__, file or "")) or module.__name__ == "__main__":
            for name in sorted(self.names & vars(module).keys()):
                self._link(vars(module).get, name, f"{path}.{name}")

    def _function(self, function: FunctionType, path: str) -> None:
        if hasattr(function, "__wrapped__"):
            self._visit(function.__wrapped__, path)
        if _is_library(function.__module__, function.__code__.co_filename):
            return
        fixed = _is_fixed(function.__module__)
        for kind in ("__code__", "__defaults__", "__kwdefaults__"):
            if getattr(function, kind) is not None:
                self._link(partial(getattr, function), kind, f"{path}.{kind}", fixed=fixed)
        spaces, cells, names = names_read(function.__code__)
        self.names |= names
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            if name in cells:
                self._link(partial(_content, cell), None, name, fixed=fixed)
        for name in sorted(spaces & function.__globals__.keys()):
            self._link(function.__globals__.get, name, name, fixed=fixed)
        self._attributes(function, path)

    def _container(self, value: Any, path: str) -> None:
        parts = members(value)
        if not isinstance(value, (tuple, frozenset)):
            self.containers.append((value, parts, path))
        named = isinstance(value, (dict, MappingProxyType))
        for k, member in enumerate(parts[: len(parts) // 2] if named else parts):
            key = parts[len(parts) // 2 + k] if named else k
            self._visit(member, f"{path}[{key!r}]")
        if type(value).__module__ != "builtins" and _is_looked_into(type(value)):
            self._object(value, path)

    def _object(self, value: Any, path: str) -> None:
        self._class(type(value), path)
        self._attributes(value, path)
        if hasattr(type(value), "__next__"):
            self.unsteady = True

    def _attributes(self, value: Any, path: str) -> None:
        own = getattr(value, "__dict__", None)
        if isinstance(own, dict):
            fixed = _is_frozen(type(value))
            if self._everything or "hasattr" in self.names:
                self.links.append((tuple, own, tuple(own), path))  # which attributes there are
            for name in self._wanted(own):
                self._link(own.get, name, f"{path}.{name}", fixed=fixed)
            for cls in type(value).__mro__:  # an attribute of the class, which the object may get as its own
                if not _is_fixed(cls.__module__) and _is_looked_into(cls):
                    for name in self._wanted(cls.__dict__.keys() - own.keys()):
                        self._link(own.get, name, f"{path}.{name}")
        for cls in type(value).__mro__:
            slots = cls.__dict__.get("__slots__", ())
            for name in self._wanted((slots,) if isinstance(slots, str) else slots):
                if name not in ("__dict__", "__weakref__"):
                    self._link(partial(_attribute, value), name, f"{path}.{name}")

    def _class(self, cls: type, path: str) -> None:
        for base in cls.__mro__:
            if (id(base) in self._seen and base is not cls) or not _is_looked_into(base):
                continue
            self._seen[id(base)] = base
            for name, member in list(vars(base).items()):
                special = name.startswith("__") and name != "__init__" and isinstance(member, FunctionType)
                if name in self.names or special:
                    for part in _functions_of(member):
                        self._visit(part, f"{path}.{name}")
                    if name in self.names and not _is_fixed(base.__module__):
                        self.links.append((vars(base).get, name, member, f"{path}.{name}"))

    def _wanted(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self._everything or name in self.names]

    def _opaque(self, value: Any, path: str) -> None:
        """An object of a library: its pickle shows whether it has changed."""
        if hasattr(type(value), "__next__"):
            self.unsteady = True
        if (callable(value) and not hasattr(value, "__dict__")) or is_engine(type(value).__module__):
            return
        state = stored(value)
        if state:
            self.states.append((value, state, path))


def _is_library(module: str | None, file: str) -> bool:
    """Whether code is a library's, or the engine's own, which reads nothing of the user's by name."""
    return of_a_library(file) and (not _OURS.match(module or "") or is_engine(module))


def _is_fixed(module: str | None) -> bool:
    """Whether a module is of this package: its names are bound once, so only what is in them is looked at."""
    return _OURS.match(module or "") is not None


def _is_frozen(cls: type) -> bool:
    """Whether nobody binds the attributes of these objects anew: a frozen dataclass of this package."""
    parameters = getattr(cls, "__dataclass_params__", None)
    return _is_fixed(cls.__module__) and getattr(parameters, "frozen", False)


def _is_looked_into(cls: type) -> bool:
    """Whether the attributes of a class are the user's, or a model's."""
    if cls in _RECORDS:
        return True
    if cls.__module__.partition(".")[0] in sys.stdlib_module_names and cls.__module__ != "__main__":
        return False
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return not _is_library(cls.__module__, file or "")


def _functions_of(member: Any) -> list[Any]:
    """What a member of a class comes to: a property its functions, everything else itself."""
    if isinstance(member, property):
        return [f for f in (member.fget, member.fset) if f is not None]
    if isinstance(member, (staticmethod, classmethod)):
        return [member.__func__]
    if isinstance(member, cached_property):
        return [member.func]
    return [member]


def _content(cell: Any, _: None) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return _GONE


def _value_of(tensor: Tensor) -> Any:
    value = tensor._data
    return value if value.ndim else value[()]


def _setting(variable: ContextVar[Any], _: None) -> Any:
    """What a context variable holds; of a block of the engine's, what it says, and not which block it is."""
    value = variable.get(None)
    if not isinstance(value, Ambient):
        return value
    here = surroundings(variable)
    return None if here is None else (here.recording, here.scope, here.constants)


def _attribute(value: Any, name: str) -> Any:
    return getattr(value, name, _GONE)
