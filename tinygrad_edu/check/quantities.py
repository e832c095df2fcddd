"""Which quantity a key means: ``W1``, ``dW1``, ``grad_W1``, in another case, or the tensor itself."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph import Graph, GraphNode

_PREFIXES = ("d", "grad_", "grad", "d_", "delta_", "delta", "g_")
_SUFFIXES = ("_grad", ".grad")
_ALIASES = {"A0": "X", "a0": "x"}


def quantity(graph: Graph, which: object) -> GraphNode:
    """The node whose gradient a key means.

    Raises:
        KeyError: there is none; the message has the nearest names.
        TypeError: the key is neither a string nor a Tensor.
    """
    if isinstance(which, Tensor):
        return graph.find(which)
    if not isinstance(which, str):
        raise TypeError(f"check: expected 'd' + a name, or a Tensor, as key, got {which!r}")
    known = {node.name: node for node in graph if node.value.dtype.kind == "f"}
    for name in _meant(which):
        if name in known:
            return known[name]
    for name in _meant(which):  # what the caller calls it otherwise: W₁, which the graph has as W1
        if name in graph and graph.find(name).name in known:
            return graph.find(name)
    for name in _meant(which):
        alike = [node for other, node in known.items() if other.casefold() == name.casefold()]
        if len(alike) == 1:
            return alike[0]
    names = [f"d{name}" for name, node in known.items() if node.named and node.requires_grad]
    raise KeyError(f"{which!r} is not the gradient of a quantity of this graph; {_nearest(which, names)}")


def _meant(which: str) -> Iterator[str]:
    """The names that a key may stand for, the likeliest first."""
    for prefix in _PREFIXES:
        if which.startswith(prefix) and len(which) > len(prefix):
            name = which.removeprefix(prefix)
            yield name
            if name in _ALIASES:
                yield _ALIASES[name]
    for suffix in _SUFFIXES:
        if which.endswith(suffix):
            yield which.removesuffix(suffix)
    yield which


def forward_quantity(graph: Graph, which: object) -> str:
    """The name of the quantity meant by its name, or by the tensor itself.

    Raises:
        KeyError: no such quantity; the message has the nearest names.
    """
    if not isinstance(which, (str, Tensor)):
        raise TypeError(f"check: expected a name, or a Tensor, as key, got {which!r}")
    if which in graph:
        return graph.find(which).name
    known = [node.name for node in graph if node.named]
    called = which if isinstance(which, str) else str(which.name)
    raise KeyError(f"{called!r} is not a quantity of this graph; {_nearest(called, known)}")


def _nearest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    return f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"
