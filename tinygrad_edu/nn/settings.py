"""Settings that there are not: the message says what they are called here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

from tinygrad_edu.errors import unknown

__all__ = ["naming_settings", "refuse"]


def refuse(called: str, given: Iterable[str], known: Mapping[str, str], own: Iterable[str]) -> None:
    """Raises TypeError for the first of the given names that is none of the own.

    >>> refuse("tg.nn.fit", ["lr"], {"lr": "optimizer=tg.optim.SGD(lr=...)"}, ["epochs"])
    Traceback (most recent call last):
    ...
    TypeError: tg.nn.fit has no lr; here it is optimizer=tg.optim.SGD(lr=...)
    """
    own = list(own)
    for name in given:
        if name not in own:
            raise TypeError(str(unknown(called, name, known, own)))


def naming_settings(cls: type, known: Mapping[str, str]) -> None:
    """Lets a class say of a setting that it has not what it is called here.

    >>> class Point:
    ...     def __init__(self, width=1): self.width = width
    >>> naming_settings(Point, {"w": "width="})
    >>> Point(w=2)
    Traceback (most recent call last):
    ...
    TypeError: Point has no w; here it is width=
    """
    init: Callable[..., None] = cls.__init__  # type: ignore[misc]
    taken = inspect.signature(init).parameters
    if any(p.kind is p.VAR_KEYWORD for p in taken.values()):
        return  # it looks itself

    @wraps(init)
    def checked(self: Any, *args: Any, **given: Any) -> None:
        refuse(cls.__name__, given, known, [*taken][1:])
        init(self, *args, **given)

    cls.__init__ = checked  # type: ignore[misc]
