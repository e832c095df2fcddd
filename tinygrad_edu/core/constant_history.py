"""How constants were computed from Tensors without gradient, kept without the values.

Such results have no history: a training loop would carry it along. A recipe names the operation and refers
weakly to what it was computed from. Whoever draws or derives computes it again, and takes it only where the
same value comes out; where something is gone or has changed, the constant is given, as any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import ReferenceType, ref

import numpy as np

from tinygrad_edu.core.copied_arrays import remember
from tinygrad_edu.core.guard import same_values
from tinygrad_edu.core.op import Op

_LONGEST = 16
"""The most operations in a recipe: a constant that is updated for ever must not keep all its past."""
_LARGEST = 1024
"""How many entries an index array may have that a recipe keeps."""


class Recipe:
    """One operation on constants."""

    __slots__ = ("args", "made", "op", "scope", "seq", "settings", "size")

    args: tuple[Any, ...]
    """Recipes, weak references to Tensors and arrays, and numbers."""
    made: ReferenceType[Any]
    """The Tensor that was made, as long as it lives."""

    def __init__(
        self, op: Op, args: tuple[Any, ...], settings: Mapping[str, Any], size: int, made: Any
    ) -> None:
        self.op, self.args, self.settings, self.size = op, args, settings, size
        self.made, self.seq, self.scope = ref(made), made.seq, made.scope


def recipe_for(op: Op, args: tuple[Any, ...], settings: Mapping[str, Any], made: Any) -> Recipe | None:
    """The recipe of a constant that was just made, unless it would be long, large, or random."""
    if "rng" in settings or any(map(_large, settings.values())):
        return None
    kept: list[Any] = []
    size = 1
    for arg in args:
        known = getattr(arg, "guards", None)
        if isinstance(known, Recipe):
            kept.append(known)
            size += known.size
        elif hasattr(arg, "seq"):
            if arg.requires_grad:
                return None
            kept.append(ref(arg))
        elif isinstance(arg, np.ndarray) and arg.ndim:
            kept.append(ref(arg))
        else:
            kept.append(arg)
    return Recipe(op, tuple(kept), settings, size, made) if size <= _LONGEST else None


def _large(setting: Any) -> bool:
    if isinstance(setting, np.ndarray):
        return setting.size > _LARGEST
    return isinstance(setting, (tuple, list)) and (len(setting) > _LARGEST or any(map(_large, setting)))


class Recipes:
    """The constants of one graph, computed again: each a Tensor with the history that the constant lacks."""

    def __init__(self, new: type[Any]) -> None:
        self._new = new
        self._made: dict[int, Any] = {}
        self._kept: list[Recipe] = []
        self.users: dict[Any, Any] = {}
        """Of what stands in for a constant of the user's: that one."""

    def recorded(self, tensor: Any) -> Any:
        """The constant with its history; itself where it has none, or another value comes out now."""
        recipe = tensor.guards
        if tensor.op is not None or not isinstance(recipe, Recipe):
            return tensor
        found = self._cook(recipe)
        return tensor if found is None else found

    def _cook(self, recipe: Recipe) -> Any:
        if id(recipe) not in self._made:
            self._kept.append(recipe)
            self._made[id(recipe)] = self._again(recipe)
        return self._made[id(recipe)]

    def _again(self, recipe: Recipe) -> Any:
        parents: list[Any] = []
        saved: list[Any] = []
        for arg in recipe.args:
            given = arg() if isinstance(arg, ref) else self._cook(arg) if isinstance(arg, Recipe) else arg
            if given is None:
                return None
            if isinstance(given, np.ndarray):
                saved.append(given.copy())
                remember(given, saved[-1])
                parents.append(None)
            else:
                tensor = hasattr(given, "seq")
                parents.append(given if tensor else None)
                saved.append(given._data if tensor else given)
        with np.errstate(all="ignore"):
            try:
                value = recipe.op.forward(*saved, **recipe.settings)
            except Exception:  # noqa: BLE001  (what it was computed from has another shape now)
                return None
        alive = recipe.made()
        if alive is not None and not same_values(value, alive._data):
            return None
        return self._stand_in(recipe, value, parents, saved, alive)

    def _stand_in(self, recipe: Recipe, value: Any, parents: list[Any], saved: list[Any], alive: Any) -> Any:
        tensor = object.__new__(self._new)
        tensor._data = value if alive is None else alive._data
        tensor._pending = tensor.guards = None
        tensor.name = None if alive is None else alive.name
        tensor.scope, tensor.seq, tensor.requires_grad = recipe.scope, recipe.seq, False
        tensor.came_from(recipe.op, parents, saved)
        tensor.settings = recipe.settings
        if alive is not None:
            self.users[tensor] = alive
        return tensor
