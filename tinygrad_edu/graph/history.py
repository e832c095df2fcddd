"""What some outputs were computed from: Tensors in the order of recording, and plain arrays as leaves."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.constant_history import Recipes
from tinygrad_edu.core.copied_arrays import called, origin, remember
from tinygrad_edu.core.guard import same_values
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.arithmetic import MULTIPLY
from tinygrad_edu.graph.code import Said, made_of_others, sign_of_another

Operands = tuple[Tensor | Any, ...]
"""What a result was computed from: Tensors, and numbers that stay as they are."""


class History:
    """Everything the outputs were computed from, computed constants included."""

    def __init__(self, outputs: tuple[Tensor, ...]) -> None:
        self._recipes = Recipes(Tensor)
        self._nodes: dict[Tensor, Tensor] = {}
        self._constants = _Constants()
        self.users: Mapping[Tensor, Tensor] = self._recipes.users
        """For a Tensor that replaces one of the user's: the user's."""
        waiting = [self.node(output) for output in dict.fromkeys(outputs)]
        seen = set(waiting)
        for tensor in waiting:
            for parent in tensor.parents:
                node = None if parent is None else self.node(parent)
                if node is not None and node not in seen:
                    seen.add(node)
                    waiting.append(node)
        in_order = sorted(waiting, key=lambda tensor: tensor.seq)
        self.operands: dict[Tensor, Operands] = {tensor: self._operands(tensor) for tensor in in_order}

    @property
    def tensors(self) -> list[Tensor]:
        """The results and leaves, each after those it was computed from."""
        every = (
            t for tensor, args in self.operands.items() for t in (*args, tensor) if isinstance(t, Tensor)
        )
        return list(dict.fromkeys(every))

    @property
    def leaves(self) -> list[Tensor]:
        """The leaves."""
        return [tensor for tensor in self.tensors if tensor.op is None]

    @property
    def computed(self) -> Mapping[Tensor, Operands]:
        """The results, each with its operands."""
        return {tensor: args for tensor, args in self.operands.items() if tensor.op is not None}

    def node(self, tensor: Tensor) -> Tensor:
        """The tensor with the history: for a computed constant, the one that replaces it."""
        if tensor.guards is None or tensor.op is not None:
            return tensor
        if tensor not in self._nodes:
            self._nodes[tensor] = self._recipes.recorded(tensor)
        return self._nodes[tensor]

    def _operands(self, tensor: Tensor) -> Operands:
        return tuple(
            self.node(parent)
            if parent is not None
            else self._constants.leaf(value)
            if np.ndim(value)
            else value
            for parent, value in zip(tensor.parents, tensor.saved, strict=True)
        )

    def tell_computed_arrays(self, unnamed: Container[Tensor], said: Said) -> bool:
        """Adds the history of arrays that NumPy computed before the recording: ``1 - Y``, ``X / 255``.

        Args:
            unnamed: what no variable of the caller's holds.
            said: what the caller's code says of the arrays. Told of the numbers in what it says.

        Returns:
            Whether there was any.
        """
        data = [leaf for leaf in self.leaves if not leaf.requires_grad and leaf.ndim]
        gone = [leaf for leaf in data if leaf in unnamed]
        told = {leaf: said.arrays[leaf] for leaf in gone if leaf in said.arrays}
        again = ((leaf, code.on_tensors(leaf, self._standing_for)) for leaf, code in told.items())
        found = {leaf: made for leaf, made in again if made is not None}
        read = [told[leaf] for leaf in found]
        known_first = sorted(data, key=lambda leaf: leaf in unnamed)
        found |= made_of_others([leaf for leaf in gone if leaf not in found], known_first)
        found |= dict(self._signs({leaf for leaf in gone if leaf not in found}))
        numbers = self._computed_numbers(said)
        if not found and not numbers:
            return False
        known = {leaf: self.node(made) for leaf, made in found.items()}
        said.locals = {known.get(tensor, tensor): name for tensor, name in said.locals.items()}
        said.loops = {known.get(tensor, tensor): name for tensor, name in said.loops.items()}
        for code in (*read, *(said.computed[place] for place in numbers)):
            said.numbers |= {(self.node(tensor), k): text for (tensor, k), text in code.numbers.items()}
        before, self.operands = self.operands, {}
        for tensor, args in before.items():
            every = (known.get(a, a) if isinstance(a, Tensor) else a for a in args)
            self._enter(tensor, tuple(numbers.get((tensor, k), a) for k, a in enumerate(every)))
        return True

    def _computed_numbers(self, said: Said) -> dict[tuple[Tensor, int], Any]:
        """Plain numbers that NumPy computed of arrays: ``J = ... / np.sum(mask)``."""
        numbers = {}
        for (tensor, k), code in said.computed.items():
            value = self.operands[tensor][k]
            if isinstance(value, np.generic):
                made = code.on_tensors(Tensor(value, requires_grad=False), self._standing_for)
                if made is not None:
                    numbers[tensor, k] = self.node(made)
        for place in numbers:
            del said.numbers[place]
        return numbers

    def _signs(self, masks: Collection[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Masks beside what they are the signs of: ``Z * (Z > 0)``, ``where(Z > 0, Z, c * Z)``."""
        for args in self.operands.values() if masks else ():
            nodes = [a for a in args if isinstance(a, Tensor)]
            for mask in nodes:
                if mask in masks:
                    others = [a for a in nodes if a is not mask]
                    same = [a for a in others if all(b is a or self._multiple(b) is a for b in others)]
                    made = sign_of_another(mask, same)
                    if made is not None:
                        yield mask, made

    def _multiple(self, tensor: Tensor) -> Tensor | None:
        """Of what a result is a number times; None where it isn't."""
        if tensor.op is None or tensor.op.kernel != MULTIPLY.kernel:
            return None
        nodes = [a for a in self.operands.get(tensor, ()) if isinstance(a, Tensor)]
        return nodes[0] if len(nodes) == 1 else None

    def _standing_for(self, value: NDArray[Any] | Tensor) -> Tensor:
        return self.node(value) if isinstance(value, Tensor) else self._constants.leaf_of(value)

    def _enter(self, tensor: Tensor, args: Operands) -> None:
        """A result, after those of its operands that are new."""
        for arg in args:
            if isinstance(arg, Tensor) and arg.op is not None and arg not in self.operands:
                self._enter(arg, self._operands(arg))
        self.operands[tensor] = args


class _Constants:
    """The plain arrays among the operands, as constant leaves: one array, as it was then, is one node."""

    def __init__(self) -> None:
        self.leaves: dict[int, list[Tensor]] = {}
        self.origins: list[Any] = []

    def leaf(self, array: NDArray[Any]) -> Tensor:
        source = origin(array)
        whole = None if source is None else source()
        same = source if whole is None else whole
        alike = self.leaves.setdefault(id(array if same is None else same), [])
        self.origins.append(same)  # an id is told apart only while its object lives
        for leaf in alike:
            if same_values(leaf._data, array):  # it may have been written to in between
                return leaf
        leaf = Tensor(0.0, requires_grad=False, name=called(whole))
        array.setflags(write=False)  # the graph's own copy, and from here on the reader's, too
        leaf._data = array
        alike.append(leaf)
        return leaf

    def leaf_of(self, array: NDArray[Any]) -> Tensor:
        """The leaf for an array of the caller's."""
        copy = array.copy()
        remember(array, copy)
        return self.leaf(copy)
