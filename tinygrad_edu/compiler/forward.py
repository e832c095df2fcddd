"""A function of data, recorded once for each shape, and from then on run for its values alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tinygrad_edu.compiler.free_variables import FreeVariables
from tinygrad_edu.compiler.pipeline import of_values
from tinygrad_edu.compiler.recording_cache import Recordings
from tinygrad_edu.compiler.trace import record_values
from tinygrad_edu.core.tensor import Tensor

__all__ = ["CompiledForward"]


@dataclass
class _Forward:
    """The compiled form of one signature."""

    make: Callable[[], Callable[..., Any]]
    once: Callable[..., list[Any]]
    """Computes from the data alone the first arguments of :attr:`make`'s function."""
    used: list[int]
    captured: list[Tensor]
    free_variables: FreeVariables
    spare: list[Callable[..., Any]] = field(default_factory=list)
    """The function, in memory of its own; none where that was given back."""


class CompiledForward:
    """What a function gives for arrays, as straight-line NumPy and without gradients.

    Args:
        function: ordinary Tensor code that takes data and gives a list of Tensors. The Tensors that it
            finds elsewhere, such as a model's parameters, are read anew at each call.
        recordings: where to keep what is recorded, under a key that tells this function from others.
        fixed: whether every call is given the same arrays, and nobody writes to them. What depends on them
            alone is then computed once, and what the function finds by name is looked at when
            :meth:`look_again` has been called.

    Raises:
        ValueDependence: on the first call, where the function asks for a value.

    >>> import numpy as np
    >>> w = Tensor([[2.0]])
    >>> forward = CompiledForward(lambda X: [np.tanh(w @ X)])
    >>> w.data *= 0
    >>> forward(np.ones((1, 3)))
    [array([[0., 0., 0.]])]
    """

    def __init__(
        self,
        function: Callable[..., Sequence[Tensor]],
        recordings: Recordings | None = None,
        key: Any = None,
        *,
        fixed: bool = False,
    ) -> None:
        self.function, self.key, self.fixed = function, key, fixed
        self._known: tuple[_Forward, list[Any]] | None = None
        self._cache: dict[Any, _Forward] = {} if recordings is None else recordings.forwards

    def __call__(self, *data: Any) -> list[Any]:
        """The values of the outputs. Arrays among them hold until the next call."""
        if self._known is None:
            found = self._found(data)
            given = [data[k] for k in found.used]
            self._known = found, [*found.once(*given), *given]
        found, first = self._known
        if not self.fixed:
            self._known = None
        run = found.spare.pop() if found.spare else found.make()
        values = list(run(*first, *[t._data for t in found.captured]))
        found.spare.append(run)
        return values

    def look_again(self) -> None:
        """At the next call, looks whether what the function finds by name is what it was."""
        self._known = None

    def _found(self, data: Sequence[Any]) -> _Forward:
        signature = (self.key, *((d.shape, d.dtype) for d in data))
        found = self._cache.get(signature)
        if found is None or found.free_variables.changed() is not None:
            recorded = record_values(self.function, data)
            used = [k for k, name in enumerate(recorded.data) if name is not None]
            captured = list(recorded.captured.values())
            found = _Forward(*of_values(recorded), used, captured, recorded.free_variables)
            self._cache[signature] = found
        return found
