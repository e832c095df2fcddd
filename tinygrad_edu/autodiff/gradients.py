"""``tg.grad``: derivatives of a recorded output, without touching ``.grad``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.core.backward import gradients, seed_for
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import arguments_explained


@arguments_explained
def grad(
    output: Tensor,
    inputs: Tensor | Iterable[Tensor] | Mapping[str, Tensor],
    gradient: Any = None,
    *,
    create_graph: bool = False,
) -> list[Any]:
    """The derivative of ``output`` with respect to each input: one array per input, of its shape.

    Args:
        output: the tensor to differentiate, usually the cost J (a scalar).
        inputs: the tensors to differentiate with respect to, leaves or intermediates; by name, too, as
            ``model.parameters()`` has them.
        gradient: the weight of each entry of a non-scalar output, of its shape.
        create_graph: give Tensors whose own history is recorded, for derivatives of derivatives.

    Returns:
        A list in the order of the inputs, zeros for one that ``output`` does not depend on.

    Raises:
        TypeError: an input is not a Tensor, or is a constant.
        ValueError: the output isn't a scalar and no gradient is given.
        StaleGraphError: a value was replaced after the graph was recorded.

    >>> import tinygrad_edu as tg
    >>> x = tg.Tensor(2.0)
    >>> (dx,) = tg.grad(x**4, [x], create_graph=True)
    >>> (d2x,) = tg.grad(dx, [x])
    >>> dx.item(), d2x.item()
    (32.0, 48.0)
    """
    several = inputs.values() if isinstance(inputs, Mapping) else inputs
    wanted = [inputs] if isinstance(inputs, Tensor) else list(several)
    for x in wanted:
        if not isinstance(x, Tensor):
            hint = f" {str(x)!r}; those of a model are model.parameters()" if isinstance(x, str) else ""
            raise TypeError(f"grad: expected Tensors as inputs, got {type(x).__name__}{hint}")
        if not x.requires_grad:
            this = errors.described(x, x.name)
            raise TypeError(
                f"grad: expected Tensors that require a gradient, and {this} is a constant; "
                "make it with tg.Tensor(value, requires_grad=True)"
            )
    if not isinstance(output, Tensor):
        raise TypeError(errors.NO_OUTPUT.format(transform="grad", what=type(output).__name__))
    seed: Any = seed_for(output, gradient)
    if output.of_any_value and not create_graph:
        return [g.detach() for g in grad(output, wanted, gradient, create_graph=True)]
    if create_graph:
        seed = gradient if isinstance(gradient, Tensor) else Tensor(seed, requires_grad=False)
    found = gradients(output, seed, create_graph=create_graph, keep=wanted, spend=not create_graph)
    if create_graph:
        return [_recorded(found.get(x), x) for x in wanted]
    return [np.array(found[x]) if x in found else np.zeros_like(np.asarray(x._data)) for x in wanted]


def _recorded(g: Tensor | None, x: Tensor) -> Tensor:
    """A gradient that can be differentiated in its turn: where it came out constant, to zeros."""
    if g is None:
        return Tensor(np.zeros_like(x._data))
    return g if g.requires_grad else Tensor(g._data)
