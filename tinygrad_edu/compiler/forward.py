"""A function of data, recorded once for each shape, and from then on run for its values alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu.compiler.free_variables import FreeVariables
from tinygrad_edu.compiler.pipeline import of_values
from tinygrad_edu.compiler.trace import record_values
from tinygrad_edu.core.tensor import Tensor

__all__ = ["CompiledForward"]


class CompiledForward:
    """What a function gives for arrays, as straight-line NumPy and without gradients.

    Args:
        function: ordinary Tensor code that takes data and gives a list of Tensors. The Tensors that it
            finds elsewhere, such as a model's parameters, are read anew at each call.

    Raises:
        ValueDependence: on the first call, where the function asks for a value.

    >>> import numpy as np
    >>> w = Tensor([[2.0]])
    >>> forward = CompiledForward(lambda X: [np.tanh(w @ X)])
    >>> w.data *= 0
    >>> forward(np.ones((1, 3)))
    [array([[0., 0., 0.]])]
    """

    def __init__(self, function: Callable[..., Sequence[Tensor]]) -> None:
        self.function = function
        self._cache: dict[Any, tuple[Callable[..., Any], list[int], list[Tensor], FreeVariables]] = {}

    def __call__(self, *data: Any) -> list[Any]:
        """The values of the outputs. Arrays among them hold until the next call."""
        signature = tuple((d.shape, d.dtype) for d in data)
        found = self._cache.get(signature)
        if found is None or found[3].changed() is not None:
            recorded = record_values(self.function, data)
            used = [k for k, name in enumerate(recorded.data) if name is not None]
            captured = list(recorded.captured.values())
            found = self._cache[signature] = of_values(recorded), used, captured, recorded.free_variables
        run, used, captured, _ = found
        return list(run(*[data[k] for k in used], *[t._data for t in captured]))
