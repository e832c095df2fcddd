"""Recordings that outlive a step: an object that is trained again keeps them, and no copy of it does."""

from __future__ import annotations

from typing import Any

_NAME = "_recordings"
MOST = 8
"""Signatures that are kept between two trainings."""


class Recordings:
    """What was recorded for one object, by signature.

    Each recording knows what it found by name, so it is used only as long as all of that is what it was. In a
    copy and in a pickle this is empty: what was recorded reads the Tensors of the one object.
    """

    def __init__(self) -> None:
        self.steps: dict[Any, list[Any]] = {}
        self.forwards: dict[Any, Any] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Recordings, ()

    def let_go(self) -> None:
        """Gives the memory back that the steps work in, and forgets all but the latest signatures."""
        for known in (self.steps, self.forwards):
            for signature in list(known)[:-MOST]:
                del known[signature]
        for found in self.steps.values():
            for compiled in found:
                compiled.spare.clear()


def recordings_of(owner: Any) -> Recordings:
    """Those that an object keeps; new ones where it can keep none.

    >>> class Model: pass
    >>> model = Model()
    >>> recordings_of(model) is recordings_of(model)
    True
    """
    own = getattr(owner, "__dict__", None)
    if not isinstance(own, dict):
        return Recordings()
    found = own.setdefault(_NAME, Recordings())
    return found if isinstance(found, Recordings) else Recordings()
