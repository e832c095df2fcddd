"""A function of fixed data, recorded once for each shape, and from then on run for its values alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.compiler.free_variables import FreeVariables
from tinygrad_edu.compiler.pipeline import of_values
from tinygrad_edu.compiler.recording_cache import Recordings
from tinygrad_edu.compiler.trace import record_values
from tinygrad_edu.core.tensor import Tensor


@dataclass
class _Forward:
    """The compiled form of one signature."""

    make: Callable[[], Callable[..., Sequence[Any]]]
    once: Callable[..., list[Any]]
    """Computes from the data alone the first arguments of :attr:`make`'s function."""
    used: list[int]
    captured: list[Tensor]
    free_variables: FreeVariables


class CompiledForward:
    """What a function gives for the same arrays again and again, without gradients, as straight-line NumPy.

    Args:
        function: ordinary Tensor code that takes data and gives a list of Tensors. The Tensors that it
            finds elsewhere, such as a model's parameters, are read anew at each call.
        data: the arrays, which nobody writes to: what depends on them alone is computed once.
        recordings: where to keep what is recorded, under a key that tells this function from others.

    What the function finds by name is looked at in the first call, and in that after :meth:`look_again`.

    Raises:
        ValueDependence: on the first call, where the function asks for a value.

    >>> import numpy as np
    >>> w = Tensor([[2.0]])
    >>> forward = CompiledForward(lambda X: [np.tanh(w @ X)], [np.ones((1, 3))])
    >>> w.data *= 0
    >>> forward()
    (array([[0., 0., 0.]]),)
    """

    def __init__(
        self,
        function: Callable[..., Sequence[Tensor]],
        data: Sequence[Any],
        recordings: Recordings | None = None,
        key: Any = None,
    ) -> None:
        self.function, self.data = function, data
        self._signature = (key, *((d.shape, d.dtype) for d in data))
        self._cache: dict[Any, _Forward] = {} if recordings is None else recordings.forwards
        self._found: _Forward | None = None
        self._looked = False

    def __call__(self) -> Sequence[Any]:
        """The values of the outputs. Arrays among them hold until the next call."""
        if not self._looked:
            self._look()
        return self._run(*self._given, *[tensor._data for tensor in self._captured])

    def look_again(self) -> None:
        """At the next call, looks whether what the function finds by name is what it was."""
        self._looked = False

    def _look(self) -> None:
        found = self._cache.get(self._signature)
        if found is None or found.free_variables.changed() is not None:
            recorded = record_values(self.function, self.data)
            used = [k for k, name in enumerate(recorded.data) if name is not None]
            captured = list(recorded.captured.values())
            found = _Forward(*of_values(recorded), used, captured, recorded.free_variables)
            self._cache[self._signature] = found
        if found is not self._found:
            given = [self.data[k] for k in found.used]
            self._found, self._captured = found, found.captured
            self._run, self._given = found.make(), (*found.once(*given), *given)
        self._looked = True
