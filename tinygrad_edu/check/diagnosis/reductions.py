"""The right gradient itself, summed where it should not be, or made of another one's sums."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit, Variant
from tinygrad_edu.check.diagnosis.match import Target
from tinygrad_edu.check.diagnosis.network import Network
from tinygrad_edu.graph import GraphNode

__all__ = ["reduced"]

_CODES: dict[int | None, tuple[str, ...]] = {
    0: ("sum_extra", "sum_axis"),
    1: ("summed_too_early", "sum_extra"),
    None: ("sum_all", "summed_too_early", "sum_extra"),
}


def reduced(network: Network, target: Target, node: GraphNode) -> Iterator[Variant]:
    """Sums, means, running sums and magnitudes of a gradient; and the row sums of dW for db."""
    right, what = target.right, f"d{network.names[node]}"
    if right.ndim != 2:
        return
    is_bias = network.role.get(node, ("", 0))[0] == "b"  # whose sums the step before is told by
    columns = "examples" if node.name in network.truth.per_example else "columns"
    for axis, over in ((0, "units"), (1, columns), (None, "units and " + columns)):
        if right.size == 1 or (axis is not None and right.shape[axis] == 1):
            continue
        codes = _CODES[axis]
        edit = Edit(codes, f"{what} is summed over the {over}, and should not be", 1.3 if is_bias else 1.0)
        total: Array = np.add.reduce(right, axis=axis, keepdims=True)
        yield Variant((edit,), total, fills=True)
        mean = Edit((*codes, "mean_for_sum"), f"{what} is averaged over the {over}, and should not be", 1.1)
        yield Variant((mean,), total * (total.size / right.size), fills=True)
        if axis is not None:
            running = Edit(("unknown",), f"running sums of {what} over the {over}", 1.3)
            yield Variant((running,), np.cumsum(right, axis=axis))
    of_entries = {"magnitudes": np.abs(right), "squares": right * right, "signs": np.sign(right)}
    for told, value in of_entries.items():
        edit = Edit(("unknown",), f"the {told} of {what}'s entries instead of them", 1.3)
        yield Variant((edit,), value, rigid=True)
    yield from _from_weights(network, node)


def _from_weights(network: Network, node: GraphNode) -> Iterator[Variant]:
    """db as the sum of the rows of dW, or of its columns."""
    for layer in network.layers:
        if layer.b is node and layer.W is not None and layer.W.requires_grad:
            dW = network.truth.gradient(layer.W.name)  # all of it: its sums can't be sampled
            by_units = dW if dW.shape[0] == node.shape[0] else dW.T
            told = f"d{network.names[node]} is the sum of the rows of d{network.names[layer.W]}"
            edit = Edit(("bias_from_weights",), told)
            for axis in (1, 0):
                yield Variant((edit,), by_units.sum(axis=axis, keepdims=True))
