"""Sums over the examples with wrong weights: the last one alone, one left out, m divided by in the loop."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit, Variant
from tinygrad_edu.check.diagnosis.match import Explanation, Target
from tinygrad_edu.check.diagnosis.network import Network
from tinygrad_edu.check.diagnosis.path import Path, through

__all__ = ["example_weights"]

_MOST = 400
"""More examples than this are not tried one by one."""


def example_weights(network: Network, path: Path, target: Target) -> Iterator[Explanation]:
    """Weights, one for each example, that turn the right sum into the given one."""
    parts = _parts(network, path)
    if parts is None or parts.shape[0] < 3:
        return
    m = parts.shape[0]
    flat, shape = parts.reshape(m, -1), parts.shape[1:]
    rest = np.zeros(shape) if path.rest is None else path.rest
    for edit, weights in _candidates(m):
        value = (weights @ flat).reshape(shape)
        own = m / max(np.count_nonzero(weights), 1)
        for average, more in ((1.0, ()), (own, _ITS_OWN)):
            e = target.explains(Variant((edit, *more), average * value + rest))
            if e is not None:
                yield e
                break
    if target.given.shape == shape:
        yield from _solved(flat, (target.given - rest).ravel(), target, m)


_ITS_OWN = (Edit((), "divided by the number of those that count", 0.3),)


def _parts(network: Network, path: Path) -> Array | None:
    """What each example adds to the gradient; on the first axis."""
    kinds = [link.kind for link in path.links]
    places = [k for k, kind in enumerate(kinds) if kind in ("right", "sum")]
    if not places:
        return None
    k = places[-1]
    G, link = network.gradient(path.places[k]), path.links[k]
    if G.ndim != 2 or G.shape[1] != network.m or not 3 <= network.m <= _MOST:
        return None
    parts = []
    for i in range(network.m):
        one = G[:, i : i + 1] @ link.factor[:, i : i + 1].T if link.kind == "right" else G[:, i : i + 1]
        part = through(path.links[k + 1 :], one)
        if part is None:
            return None
        parts.append(part * path.average)
    return np.stack(parts)


def _candidates(m: int) -> Iterator[tuple[Edit, Array]]:
    one, count = np.eye(m), np.arange(m)
    last = "only the last example counts: what the loop adds up is overwritten"
    yield Edit(("last_example_only",), last), one[-1]
    yield Edit(("example_omitted",), "the last example is left out"), 1 - one[-1]
    yield Edit(("example_omitted",), "the first example is left out"), 1 - one[0]
    yield Edit(("example_omitted", "last_example_only"), "only the first example counts", 1.1), one[0]
    told = "divided by m inside the loop over the examples, so each one again"
    yield Edit(("factor_m_doubled", "constant_factor", "unknown"), told, 1.1), float(m) ** -(m - 1.0 - count)
    told = "halved at each example of the loop"
    yield Edit(("constant_factor", "unknown"), told, 1.2), 2.0 ** -(m - 1.0 - count) * m / 2
    yield Edit(("unknown",), "a sum of running sums", 1.2), (m - count).astype(float)
    for i in range(1, m - 1):
        yield Edit(("example_omitted",), f"example {i + 1} is left out", 1.1), 1 - one[i]
        yield Edit(("example_omitted", "last_example_only"), f"only example {i + 1} counts", 1.2), one[i]
        yield (
            Edit(("example_omitted",), f"only the first {i + 1} examples count", 1.2),
            (count <= i).astype(float),
        )
        yield (
            Edit(("example_omitted",), f"the first {i + 1} examples are left out", 1.2),
            (count > i).astype(float),
        )
    yield Edit(("example_omitted",), "only every second example counts", 1.2), (count % 2 == 0).astype(float)
    yield Edit(("example_omitted",), "only every second example counts", 1.2), (count % 2 == 1).astype(float)


def _solved(flat: Array, wanted: Array, target: Target, m: int) -> Iterator[Explanation]:
    """Any weights at all, where the array has more entries than there are examples."""
    if target.entries < m + 4:
        return
    weights, _, rank, _ = np.linalg.lstsq(flat.T, wanted, rcond=1e-10)
    if rank < m or np.max(np.abs(wanted - weights @ flat)) > 4 * target.tolerance + target.loose * np.max(
        np.abs(wanted)
    ):
        return
    gone = [i + 1 for i in range(m) if abs(weights[i]) < 1e-6]
    if gone and np.allclose(weights[np.abs(weights) >= 1e-6], 1.0, atol=1e-6):
        yield Explanation((Edit(("example_omitted",), f"the examples {gone} are left out", 1.3),))
    elif np.ptp(weights) > 1e-6:
        told = ", ".join(f"{w:.3g}" for w in weights[:6])
        yield Explanation((Edit(("unknown",), f"the examples are weighted unequally: {told}, ...", 2.0),))
