"""The names that a student's passes give to the quantities, when a loop gives one name to many.

``Z`` in a loop over layers is Z1, Z2, ...: the k-th value is of pass k. In the backward pass the same
loop runs the other way, and its counter says which layer a ``dZ`` belongs to.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.check.tracing import Assigned, Trace
from tinygrad_edu.core.tensor import Tensor


def name_quantities(trace: Trace, parameters: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Gives the Tensors of a forward pass the names of its variables; the shapes by name."""
    own = {id(p) for p in parameters.values()}
    shapes = {name: p.shape for name, p in parameters.items()}
    for name in trace.names():
        tensors = {
            id(a.value): a.value for a in trace.of(name) if _computed(a.value) and id(a.value) not in own
        }
        for k, tensor in enumerate(tensors.values(), 1):
            if tensor.name is None:
                tensor.name = name if len(tensors) == 1 else f"{name}{k}"
                shapes[tensor.name] = tensor.shape
    return shapes


def _computed(value: Any) -> bool:
    return type(value) is Tensor and value.op is not None


def gradients_on_the_way(
    trace: Trace, shapes: Mapping[str, tuple[int, ...]]
) -> list[dict[str, NDArray[Any]]]:
    """The gradients among a backward pass's variables, in each way that its loop may count.

    A variable ``dZ1`` is of Z1. One that a loop assigns again, ``dZ``, is of Z1, Z2, ...: of the pass that
    the loop's counter names, which may start from 0 or from 1, or be one ahead; the shapes tell it where the
    layers differ.

    Args:
        trace: of the backward pass.
        shapes: of the forward pass's quantities, by name.
    """
    plain: dict[str, NDArray[Any]] = {}
    loops: dict[str, list[Assigned]] = {}
    for name in trace.names():
        base = name[1:] if name[:1] == "d" else name.removeprefix("grad_")
        values = [a for a in trace.of(name) if isinstance(a.value, np.ndarray) and a.value.dtype.kind == "f"]
        if not values or base == name:
            continue
        if base in shapes:
            plain[name] = values[-1].value
        elif f"{base}1" in shapes:
            loops[base] = values
    if not loops:
        return [plain]
    return [plain | _counted(loops, shapes, preferred) for preferred in (0, 1)]


def _counted(
    loops: Mapping[str, list[Assigned]], shapes: Mapping[str, tuple[int, ...]], preferred: int
) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for base, values in loops.items():
        counter = _counter(values)
        ways = [_numbered(base, values, counter, shift) for shift in (preferred, 1 - preferred, -1)]
        fitting = [way for way in ways if all(shapes.get(n[1:]) in (None, g.shape) for n, g in way.items())]
        if fitting:
            found |= {name: g for name, g in fitting[0].items() if name[1:] in shapes}
    return found


def _numbered(base: str, values: list[Assigned], counter: str | None, shift: int) -> dict[str, NDArray[Any]]:
    if counter is None:
        return {}
    return {f"d{base}{one.counters[counter] + shift}": one.value for one in values if counter in one.counters}


def _counter(values: list[Assigned]) -> str | None:
    """The variable that counts the passes in which a value was assigned: l before any other."""
    changing = [
        name
        for name in values[-1].counters
        if len({one.counters.get(name) for one in values if name in one.counters}) > 1
    ]
    return min(changing, key=lambda name: (name not in ("l", "t", "i", "k"), name), default=None)
