"""Parameters that were updated before they were used: the learning rate is found along with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.match import Explanation, Target
from tinygrad_edu.check.diagnosis.network import Network, base_of
from tinygrad_edu.check.diagnosis.path import Path, through
from tinygrad_edu.check.rounding import run
from tinygrad_edu.graph import GraphNode

__all__ = ["stale"]

_Function = Callable[[float], Array | None]
_SIZE = 200_000
"""A program with more entries than this in its values is not run again for this."""


def stale(network: Network, path: Path, target: Target, node: GraphNode) -> Iterator[Explanation]:
    """Gradients that would be right had some parameters moved by -α times their gradient."""
    if target.given.shape != target.right.shape or target.entries < 3:
        return
    for told, function in _functions(network, path, node):
        alpha = _solve(function, target)
        if alpha is not None:
            sign = "" if alpha > 0 else ", with the wrong sign"
            text = f"{told}{sign}: W - α dW with α = {alpha:.6g}"
            yield Explanation((Edit(("stale_parameters",), text, 1.1),))


def _functions(network: Network, path: Path, node: GraphNode) -> Iterator[tuple[str, _Function]]:
    lefts = [k for k, link in enumerate(path.links) if link.kind == "left" and _is_parameter(link.by)]
    moved = [{k} for k in lefts] + ([set(lefts)] if len(lefts) > 1 else [])
    for places in moved:
        names = " and ".join(
            network.names[by] for k in sorted(places) if (by := path.links[k].by) is not None
        )
        yield f"{names} on the way back: {_MOVED}", partial(_with_moved, network, path, places)
    if sum(n.value.size for n in network.truth.graph) > _SIZE or network.is_sampled:
        return
    updated = list(_updated(network))
    for told, parameters in updated:
        yield f"{told}: {_MOVED}", partial(_again, network, node, parameters)
    for k, link in enumerate(path.links):
        if link.kind in ("right", "slope") and link.by is not None and not link.by.is_leaf:
            for told, parameters in updated:
                what = f"{network.names[link.by]} comes from another iteration ({told})"
                yield f"{what}: {_MOVED}", partial(_with_forward, network, path, k, parameters)


_MOVED = "already updated"


def _updated(network: Network) -> Iterator[tuple[str, list[GraphNode]]]:
    """Which parameters may have moved together: all, those of one layer, or one alone."""
    inputs = [n for n in network.truth.graph.inputs if n.requires_grad]
    everything = [n for n in inputs if n.name not in network.truth.per_example]
    yield "all parameters", everything
    of_layers = [
        [p for p in (layer.W, layer.b) if p is not None and p.requires_grad] for layer in network.layers
    ]
    for some in (*of_layers, *([one] for one in everything)):
        if some and some != everything:
            yield " and ".join(network.names[p] for p in some), some


def _is_parameter(node: GraphNode | None) -> bool:
    leaf = None if node is None else base_of(node)
    return leaf is not None and leaf.requires_grad


def _with_moved(network: Network, path: Path, places: set[int], alpha: float) -> Array | None:
    links = list(path.links)
    for k in places:
        by = links[k].by
        assert by is not None
        leaf = base_of(by)
        assert leaf is not None
        dW = network.gradient(leaf)
        links[k] = replace(links[k], factor=links[k].factor - alpha * (dW if by is leaf else dW.T))
    G = through(links, network.gradient(path.head))
    return None if G is None else path.finish(G)


def _values(network: Network, moved: list[GraphNode], alpha: float) -> dict[str, Array]:
    shift = {n.name: alpha * network.gradient(n) for n in moved}
    with np.errstate(all="ignore"):
        return run(
            network.truth.program,
            lambda step, _, value: value - shift[step.name] if step.name in shift else value,
        )


def _again(network: Network, node: GraphNode, moved: list[GraphNode], alpha: float) -> Array | None:
    program = network.truth.program
    values = _values(network, moved, alpha)
    return np.asarray(values[program.gradients[node.name].name]) * network.truth.scale(node.name)


def _with_forward(network: Network, path: Path, k: int, moved: list[GraphNode], alpha: float) -> Array | None:
    link = path.links[k]
    assert link.by is not None
    values = _values(network, moved, alpha)
    factor = values[link.by.name]
    if link.kind == "slope":
        op, z = link.op, values[link.below.name]
        assert op is not None
        rule = op.pullbacks[0]
        assert rule is not None
        factor = rule(np.ones_like(z), factor, z, **link.settings)
    links = [*path.links[:k], replace(link, factor=factor), *path.links[k + 1 :]]
    G = through(links, network.gradient(path.head))
    return None if G is None else path.finish(G)


def _solve(function: _Function, target: Target) -> float | None:
    """α where the function gives the array, by Newton's method along the line, starting at 0."""
    alpha, step, before = 0.0, 1e-5, np.inf
    at = function(0.0)
    if at is None or at.shape != target.given.shape:
        return None
    for _ in range(12):
        off = target.given - at
        ahead = function(alpha + step)
        if ahead is None or not np.isfinite(ahead).all():
            return None
        slope = (ahead - at) / step
        norm = float(np.sum(slope * slope))
        if norm == 0:
            return None
        change = float(np.sum(off * slope)) / norm
        size = float(np.sum(off * off))
        if alpha == 0.0 and float(np.sum(off * slope)) ** 2 < 0.2 * norm * size:
            return None  # the residual is far from this direction: no small α will do
        if size > 0.5 * before:
            return None  # and it does not get smaller
        before = size
        alpha += float(np.clip(change, -10, 10))
        at = function(alpha)
        if at is None or not np.isfinite(at).all():
            return None
        if target.close(at):
            return alpha if abs(alpha) > 1e-9 else None
    return None
