"""Examples in shards: each loaded by a task, and kept by the worker that ran it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.arguments import plain
from tinygrad_edu.errors import described, require_extra
from tinygrad_edu.settings import finite, numbers

Array = NDArray[Any]


@dataclass(frozen=True)
class Shards:
    """Examples, a part of them on each of the workers."""

    parts: tuple[Any, ...]
    """A future for each shard: (X, Y), with the examples in columns."""
    sizes: tuple[int, ...]
    """How many examples each has."""

    @property
    def m(self) -> int:
        """How many examples there are."""
        return sum(self.sizes)

    def places(self, chosen: Array) -> list[Array]:
        """Which of its own examples each shard gives to a batch, in their order."""
        ends = np.cumsum(self.sizes)
        chosen = np.sort(chosen)
        cuts = np.searchsorted(chosen, ends)
        starts = [0, *cuts[:-1]]
        return [chosen[a:b] - (end - n) for a, b, end, n in zip(starts, cuts, ends, self.sizes, strict=True)]


def shards_of(client: Any, X: Any, Y: Any) -> Shards:
    """The shards of X (n_x, m) and Y, loaded by tasks on the workers.

    Args:
        client: a Dask client.
        X: a Dask array, its columns in chunks; or a list of delayed arrays (n_x, m_k); or a NumPy array,
            which is cut into a shard for each worker thread, and sent.
        Y: likewise, or a NumPy array of the labels.

    Raises:
        TypeError: something else.
        ValueError: X and Y have other numbers of examples, or there are none.
    """
    delayed = require_extra("dask", extra="dask").delayed
    pairs = _of_loaders(X, Y) if isinstance(X, (list, tuple)) else _of_arrays(client, X, Y)
    parts = client.compute([delayed(_shard)(x, y, k) for k, (x, y) in enumerate(pairs)])
    sizes = client.gather(client.map(_size, parts, pure=False))
    if not sum(sizes):
        raise ValueError("X: expected at least one example, got an empty data set")
    used = [k for k, n in enumerate(sizes) if n]
    return Shards(tuple(parts[k] for k in used), tuple(int(sizes[k]) for k in used))


def _of_loaders(X: Sequence[Any], Y: Any) -> list[tuple[Any, Any]]:
    if not isinstance(Y, (list, tuple)) or len(X) != len(Y):
        raise ValueError(
            f"Y: expected a list of as many shards as X has, {len(X)}, got "
            f"{len(Y) if isinstance(Y, (list, tuple)) else type(Y).__name__}"
        )
    return list(zip(X, Y, strict=True))


def _of_arrays(client: Any, X: Any, Y: Any) -> list[tuple[Any, Any]]:
    arrays = require_extra("dask.array", extra="dask")
    if not isinstance(X, (np.ndarray, arrays.Array)) or X.ndim != 2:
        raise TypeError(
            "X: expected a Dask array (n_x, m), a list of delayed arrays, or a NumPy array (n_x, m), "
            f"got {described(X, None) if hasattr(X, 'shape') else repr(X)}"
        )
    if isinstance(X, np.ndarray):
        threads = max(sum(client.nthreads().values()), 1)
        X = arrays.from_array(X, chunks=(-1, -(-X.shape[-1] // threads)))
    if np.isnan(X.shape[1]):
        raise ValueError(
            "X: expected a Dask array of known size, got (n_x, nan); write X.compute_chunk_sizes()"
        )
    X = X.rechunk({0: -1})
    if not isinstance(Y, (np.ndarray, arrays.Array)):
        raise TypeError(f"Y: expected a Dask array, or a NumPy array of labels, got {type(Y).__name__}")
    if Y.ndim != 2 or Y.shape[1] != X.shape[1]:
        raise ValueError(f"Y: expected labels (n[L], {X.shape[1]}) for X {X.shape}, got {Y.shape}")
    columns = X.chunks[1]
    Y = arrays.from_array(Y, chunks=(-1, columns)) if isinstance(Y, np.ndarray) else Y
    Y = Y.rechunk({0: -1, 1: columns})
    return list(zip(X.to_delayed().ravel(), Y.to_delayed().ravel(), strict=True))


def _shard(X: Any, Y: Any, k: int) -> tuple[Array, Array]:
    """A shard; its shapes are checked when it is loaded."""
    X, Y = (numbers(f"shard {k}: {name}", plain(part)) for name, part in (("X", X), ("Y", Y)))
    if X.ndim != 2 or Y.ndim != 2 or X.shape[1] != Y.shape[1]:
        raise ValueError(f"shard {k}: expected X (n_x, m) and Y (n[L], m), got {X.shape} and {Y.shape}")
    return finite(f"shard {k}: X", X), finite(f"shard {k}: Y", Y)


def _size(shard: tuple[Array, Array]) -> int:
    return int(shard[0].shape[1])
