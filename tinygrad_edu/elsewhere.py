"""Names that a package imports later, and names that only other libraries' objects have."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from tinygrad_edu.errors import did_you_mean, unknown


def deferred(package: str, name: str, later: Mapping[str, str | None]) -> Any:
    """What a package imports when somebody asks for it: its ``__getattr__``.

    Args:
        package: its ``__name__``.
        name: what is asked for.
        later: by name the module of the package that has it, or None where it is a module itself.

    Raises:
        AttributeError: the package has nothing of that name.
        MissingExtraError: the module needs a library that is not installed.
    """
    whole = sys.modules[package]
    if name not in later:
        text = f"module {package!r} has no attribute {name!r}{_elsewhere(whole, name)}"
        # With the package as obj, Python adds a guess of its own.
        raise AttributeError(text, name=name, obj=None)
    home = later[name]
    module = importlib.import_module(f"{package}.{home or name}")
    value = module if home is None else getattr(module, name)
    setattr(whole, name, value)
    return value


def _elsewhere(whole: ModuleType, name: str) -> str:
    """Where a package has the name instead. Tools ask for their own, ``__wrapped__``: not for those."""
    if name.startswith("_"):
        return ""
    there = [k for k in whole.__all__ if name in getattr(getattr(whole, k), "__all__", ())]
    told = " or ".join(f"tg.{room}.{name}" for room in there)
    return f"; it is {told}" if told else did_you_mean(name, whole.__all__)


class _Elsewhere:
    """An attribute of a class's objects that is answered, and not there. A subclass may have its own."""

    def __init__(self, name: str, instead: str) -> None:
        self.name, self.known = name, {name: instead}

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        own = getattr(instance, "__dict__", {})
        if self.name in own:
            return own[self.name]
        raise unknown((owner or type(instance)).__name__, self.name, self.known)

    def __set__(self, instance: Any, value: Any) -> None:
        if type(instance).__module__.startswith("tinygrad_edu."):  # it would change nothing, silently
            raise unknown(type(instance).__name__, self.name, self.known)
        vars(instance)[self.name] = value


def attributes_explained(cls: Any, known: Mapping[str, str]) -> None:
    """Lets the objects of a class say of an attribute that they have not what to write here.

    >>> class Point:
    ...     width = 1
    >>> attributes_explained(Point, {"w": "width"})
    >>> Point().w
    Traceback (most recent call last):
    ...
    AttributeError: Point has no w; here it is width
    >>> hasattr(Point(), "w"), "w" in dir(Point())
    (False, False)
    """
    for name, instead in known.items():
        if name not in dir(cls):
            setattr(cls, name, _Elsewhere(name, instead))
    listed = cls.__dir__

    def names(self: Any) -> Iterable[str]:
        of_class = {name: value for c in reversed(type(self).__mro__) for name, value in vars(c).items()}
        own = getattr(self, "__dict__", {})
        return [n for n in listed(self) if type(of_class.get(n)) is not _Elsewhere or n in own]

    cls.__dir__ = names
