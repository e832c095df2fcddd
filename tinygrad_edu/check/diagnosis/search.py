"""The explanation with the fewest changes, for one wrong array after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from tinygrad_edu.check.diagnosis.constants import Constants
from tinygrad_edu.check.diagnosis.edit import Array, Edit, Variant
from tinygrad_edu.check.diagnosis.examples import example_weights
from tinygrad_edu.check.diagnosis.fits import penalty, slope_fits, term_fits
from tinygrad_edu.check.diagnosis.local import degenerate, localised, wrong_shape
from tinygrad_edu.check.diagnosis.match import TURNED, Explanation, Target
from tinygrad_edu.check.diagnosis.network import Network
from tinygrad_edu.check.diagnosis.path import Link, Path, path_to, through
from tinygrad_edu.check.diagnosis.reductions import reduced
from tinygrad_edu.check.diagnosis.sources import sources
from tinygrad_edu.check.diagnosis.stale import stale
from tinygrad_edu.check.diagnosis.steps import Option, options
from tinygrad_edu.check.manual import not_finite
from tinygrad_edu.check.report import Diagnosis
from tinygrad_edu.check.rounding import precision
from tinygrad_edu.check.truth import Convention, Truth
from tinygrad_edu.graph import GraphNode

__all__ = ["diagnose"]

_ENOUGH = 2.5
"""An explanation that costs no more than this is taken without looking at pairs of changes."""
_ALIKE = 0.25
"""Explanations whose costs differ by less are told as alternatives."""
_PLAIN = 1.15
"""Pairs are made of edits that cost no more than this."""
_WORK = 25_000
"""How many pairs are looked at in one report; those of large arrays count for more."""


def diagnose(
    truth: Truth, wrong: Mapping[str, Array], given: Mapping[str, Array], convention: Convention
) -> dict[str, Diagnosis]:
    """A diagnosis for each wrong array.

    Args:
        truth: the graph and its gradients.
        wrong: the arrays that differ from them, by the name of the quantity.
        given: all arrays derived by hand.
        convention: the one that they are in.
    """
    if not wrong:
        return {}
    units = {
        name: array * (truth.scale(name) if convention == "exact" else 1) for name, array in given.items()
    }
    with np.errstate(all="ignore"):
        search = _Search(Network(truth, units), set(wrong))
        return {name: search.diagnosis(name, units[name]) for name in wrong}


class _Search:
    """What is shared by the diagnoses of one report."""

    def __init__(self, network: Network, wrong: set[str]) -> None:
        self.network, self.wrong = network, wrong
        self.work = 0.0

    def diagnosis(self, name: str, full: Array) -> Diagnosis:
        """The plainest explanation of one array, or where it is wrong."""
        network = self.network
        right = network.truth.gradient(name, "course")
        if bad := not_finite(full):
            return Diagnosis(("unknown",), bad)
        if bad := not_finite(right):
            return Diagnosis(("unknown",), f"nothing to compare with: of the right gradient, {bad}")
        if not full.size or not right.size:
            return wrong_shape(full, right)
        node = network.nodes[name]
        path = path_to(network, node)
        target = self._target(node, path)
        tolerance = network.truth.tolerance(name, precision(full), "course")
        known = degenerate(full, right, tolerance) or self._inherited(path, target, node)
        if known is not None:
            return known if full.any() else self._zero(known, path, target)
        found = self._explanations(path, target, node)
        if found:
            return _told(found)
        if full.shape != right.shape:
            return wrong_shape(full, right)
        return localised(full, right, tolerance)

    def _target(self, node: GraphNode, path: Path) -> Target:
        network, name = self.network, node.name
        given, right = network.given[name], network.gradient(node)
        eps = precision(given)
        tolerance = network.sample(network.truth.tolerance(name, eps, "course"))
        finite = tolerance[np.isfinite(tolerance)]
        summed = bool(path.links) and any(link.kind == "sum" for link in path.links)
        constants = Constants(
            network.m,
            per_example=name in network.truth.per_example,
            sizes=network.sizes,
            summed=summed,
            extra=network.kept,
        )
        loose = 3e-5 if eps > 1e-10 else 1e-10
        return Target(given, right, float(finite.max(initial=0.0)), loose, constants)

    def _zero(self, known: Diagnosis, path: Path, target: Target) -> Diagnosis:
        """Zeros may also be what the one example that counts contributes."""
        others = list(example_weights(self.network, path, target))
        codes = tuple(dict.fromkeys((*known.codes, *(code for e in others for code in e.codes))))
        return replace(known, codes=codes, alternatives=tuple(e.text for e in others))

    # a quantity above is wrong

    def _inherited(self, path: Path, target: Target, node: GraphNode) -> Diagnosis | None:
        """Whether the array follows from the wrong array given for a quantity above it."""
        places = path.places
        for k in range(len(places) - 2, -1, -1):
            above = places[k]
            if above.name not in self.wrong or above is node:
                continue
            called = self.network.names[above]
            value = self._sent(path, path.links[k:], self.network.given[above.name])
            if value is None:
                continue
            if value.shape == target.given.shape and target.close(value):
                return Diagnosis(("follows_from",), f"wrong only because d{called} is", root=f"d{called}")
            own = _best(
                e
                for v in self._changed(path, k, self.network.given[above.name])
                if (e := target.explains(v)) is not None
            )
            straight = target.explains(Variant((), value))
            own = _best(e for e in (own, straight) if e is not None)
            if own is not None and own.cost <= _ENOUGH:
                text = f"{own.text}; besides, it follows from d{called}, which is wrong"
                return Diagnosis((*own.codes, "follows_from"), text, root=f"d{called}")
        return None

    def _sent(self, path: Path, links: tuple[Link, ...], G: Array) -> Array | None:
        value = through(links, G)
        # what is 0 whatever the change was tells nothing of it
        return None if value is None or not np.any(value) else path.finish(value)

    # changes to the right formula

    def _explanations(self, path: Path, target: Target, node: GraphNode) -> list[Explanation]:
        right = Variant((), target.right)
        found = [e for e in [target.explains(right)] if e is not None and e.edits]
        for variant in (*reduced(self.network, target, node), *self._changed(path, 0, None)):
            e = target.explains(variant)
            if e is not None and e.edits:
                found.append(e)
        found += self._fitted(path, target, node)
        for more in (self._rarer, self._turned, self._scaled, self._pairs):
            plain = _best(found)
            if plain is None or plain.cost > _ENOUGH:
                found += more(path, target, node)
        return found

    def _fitted(self, path: Path, target: Target, node: GraphNode) -> Iterator[Explanation]:
        yield from self._penalties(path, target, node, (), None)
        yield from term_fits(self.network, path, target)
        yield from slope_fits(self.network, path, target)
        yield from example_weights(self.network, path, target)

    def _turned(self, path: Path, target: Target, node: GraphNode) -> Iterator[Explanation]:
        """The mistakes that have unknown numbers in them, and the result transposed."""
        given = target.given
        if given.ndim == 2 and 1 not in given.shape and given.T.shape == target.right.shape:
            turned = target.changed(given.T)
            for e in (*self._fitted(path, turned, node), *self._rarer(path, turned, node)):
                yield Explanation((*e.edits, TURNED))

    def _scaled(self, path: Path, target: Target, node: GraphNode) -> Iterator[Explanation]:
        """The rarer mistakes, and a constant factor besides."""
        m = float(self.network.m)
        for c in (-1.0, m, 1 / m, 2.0, 0.5, -m, -1 / m):
            edits = target.named(c)
            if edits:
                for e in self._rarer(path, target.changed(target.given, c), node):
                    yield Explanation((*edits, *e.edits))

    def _rarer(self, path: Path, target: Target, node: GraphNode) -> Iterator[Explanation]:
        yield from stale(self.network, path, target, node)
        yield from self._mixed(path, target)

    def _penalties(
        self, path: Path, target: Target, node: GraphNode, edits: tuple[Edit, ...], data: Array | None
    ) -> Iterator[Explanation]:
        if data is None:
            data = target.right if path.rest is None else target.right - path.rest
        if path.penalty is not None:
            left_out = target.explains(Variant(edits, data))
            if left_out is not None:
                gone = Edit(
                    ("regularisation_missing",), f"the penalty's term {path.penalty:.6g} W is missing", 1.0
                )
                yield Explanation((gone, *left_out.edits))
            assert path.rest is not None
            alone = Edit(("term_missing", "regularisation_factor"), "only the penalty's term is there", 1.0)
            only = target.explains(Variant((alone,), path.rest))
            if only is not None:
                yield only
        yield from penalty(self.network, path, node, target, data, edits)

    def _changed(self, path: Path, start: int, G: Array | None) -> Iterator[Variant]:
        """One change anywhere from a place of the path on; another gradient may enter there."""
        for k, option in self._single(path, start, G):
            value = self._sent(path, path.links[k:], option.value)
            if value is not None:
                yield Variant((option.edit,), value, option.turnable, option.fills)
            if option.turnable:
                # a product of the wrong kind is looked at as it came out, too
                value = option.value * path.average
                yield Variant((option.edit,), value, True, option.fills)

    def _single(self, path: Path, start: int, G: Array | None) -> Iterator[tuple[int, Option]]:
        """``k, option``: what may enter the links from k on."""
        if G is None:
            for k, place in enumerate(path.places):
                for option in sources(self.network, place):
                    yield k, option
        for k in range(start, len(path.links)):
            entering = self.network.gradient(path.places[k]) if G is None else through(path.links[start:k], G)
            if entering is not None:
                for option in options(self.network, path.links[k], entering):
                    yield k + 1, option

    # several changes

    def _mixed(self, path: Path, target: Target) -> Iterator[Explanation]:
        """Right in some entries, and in the others what one change would give."""
        if target.given.shape != target.right.shape:
            return
        limit = 4 * target.tolerance + target.loose * float(np.max(np.abs(target.given), initial=0.0))
        off = np.abs(target.given - target.right) > limit
        if off.all() or np.count_nonzero(off) < 2:
            return
        for variant in self._changed(path, 0, None):
            if variant.value.shape == off.shape and np.all(
                np.abs(variant.value - target.given)[off] <= limit
            ):
                if np.all(target.given[off] == 0):
                    continue
                yield Explanation((*variant.edits, Edit((), "in some of the entries only", 0.3)))

    def _pairs(self, path: Path, target: Target, node: GraphNode) -> Iterator[Explanation]:
        for k, first in sorted(self._single(path, 0, None), key=lambda single: single[1].edit.cost):
            if first.edit.cost > _PLAIN:
                continue
            data = through(path.links[k:], first.value)
            if data is not None and path.penalty is not None:
                yield from self._penalties(path, target, node, (first.edit,), data * path.average)
            if not first.turnable:
                yield from self._seconds(path, target, k, first)
            if self.work > _WORK:
                return

    def _seconds(self, path: Path, target: Target, k: int, first: Option) -> Iterator[Explanation]:
        """A second change further down the path."""
        G: Array | None = first.value
        for j in range(k, len(path.links)):
            if G is None:
                return
            below = path.links[j + 1 :]
            cost = 1 + 1e-5 * G.size * sum(np.shape(link.factor)[0] for link in below if np.ndim(link.factor))
            for second in options(self.network, path.links[j], G):
                if second.edit.cost > _PLAIN:
                    continue
                self.work += cost
                value = self._sent(path, below, second.value)
                if value is not None:
                    edits = (first.edit, second.edit)
                    e = target.explains(Variant(edits, value, second.turnable, first.fills or second.fills))
                    if e is not None:
                        yield e
            G = through(path.links[j : j + 1], G)


def _best(found: Iterator[Explanation] | list[Explanation]) -> Explanation | None:
    return min(found, key=lambda e: e.cost, default=None)


def _told(found: list[Explanation]) -> Diagnosis:
    """The plainest explanation, and those that are as plain."""
    found = sorted(found, key=lambda e: e.cost)
    alike = [e for e in found if e.cost <= found[0].cost + _ALIKE]
    codes = tuple(dict.fromkeys(code for e in alike for code in e.codes))
    texts = list(dict.fromkeys(e.text for e in alike))
    return Diagnosis(codes, texts[0], tuple(texts[1:]), at=found[0].at)
