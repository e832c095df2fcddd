"""Mistakes with unknown numbers in them, by least squares: of a penalty, a slope, a term of the cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array, Edit
from tinygrad_edu.check.diagnosis.match import Explanation, Target
from tinygrad_edu.check.diagnosis.network import Network
from tinygrad_edu.check.diagnosis.path import Path, path_to, through
from tinygrad_edu.check.diagnosis.slopes import slope_basis
from tinygrad_edu.check.diagnosis.sources import cost_terms
from tinygrad_edu.graph import GraphNode

__all__ = ["fit", "penalty", "slope_fits", "term_fits"]


def fit(target: Target, basis: Sequence[Array]) -> Array | None:
    """The coefficients with which the basis adds up to the given array, if it does, with entries to spare."""
    if any(b.shape != target.given.shape or not np.isfinite(b).all() for b in basis):
        return None
    if target.entries < len(basis) + 2:
        return None
    sizes = [float(np.max(np.abs(b), initial=0)) or 1.0 for b in basis]
    columns = np.stack([b.ravel() / s for b, s in zip(basis, sizes, strict=True)], axis=1)
    found, _, rank, _ = np.linalg.lstsq(columns, target.given.ravel(), rcond=1e-10)
    if rank < len(basis):
        return None
    if not target.close((columns @ found).reshape(target.given.shape)):
        return None
    coefficients: Array = found / np.array(sizes)
    return coefficients


def _parallel(a: Array, b: Array) -> bool:
    c = float(np.sum(a * b)) / float(np.sum(b * b)) if b.any() else 0.0
    return bool(np.max(np.abs(a - c * b)) <= 1e-6 * np.max(np.abs(a)))


def _is(c: float, value: float) -> bool:
    return abs(c - value) <= 1e-5 * max(abs(value), 1.0)


def penalty(
    network: Network, path: Path, node: GraphNode, target: Target, data: Array, edits: tuple[Edit, ...]
) -> Iterator[Explanation]:
    """The penalty's term left out, with a wrong factor, of the wrong form, or where there is none."""
    if not node.is_leaf or node.name in network.truth.per_example:
        return
    W, name = network.value(node).astype(np.float64), network.names[node]
    factor = path.penalty
    if factor is None:
        for told, c in _of_others(network):
            if target.close(data + c * W) and not target.close(data):
                yield Explanation(
                    (
                        Edit(
                            ("regularisation_extra",),
                            f"{told} · {name} is added, which the cost does not penalise",
                        ),
                        *edits,
                    )
                )
    for told, direction, exact in _directions(network, node, W, name, penalised=factor is not None):
        coefficients = fit(target, [data, direction])
        if coefficients is None:
            continue
        a, c = (float(x) for x in coefficients)
        constant = target.named(a)
        if constant is None or abs(c) * np.max(np.abs(direction)) <= 4 * target.tolerance:
            continue
        if exact and factor is not None and _is(c / factor, a):
            continue  # the penalty is right, and scaled with the rest
        if told == name and _is(c, 1.0) and a < 0:
            updated = Edit(
                ("stale_parameters", "unknown"), f"this is the updated {name}, not its gradient", 1.0
            )
            yield Explanation((updated, *edits))
            continue
        yield Explanation((*constant, _penalty_edit(told, c, factor, exact, network.m), *edits))


def _of_others(network: Network) -> Iterator[tuple[str, float]]:
    """The penalty's factor for the weights, which may have been put on another parameter too."""
    for layer in network.layers:
        c = path_to(network, layer.W).penalty if layer.W is not None and layer.W.requires_grad else None
        if c is not None:
            yield from (("λ/m", c), ("λ", c * network.m), ("λ/2m", c / 2), ("2λ/m", 2 * c), ("-λ/m", -c))
            return


def _directions(
    network: Network, node: GraphNode, W: Array, name: str, *, penalised: bool
) -> Iterator[tuple[str, Array, bool]]:
    yield name, W, True
    yield f"sign({name}), as for a penalty Σ|{name}|", np.sign(W), False
    if penalised:
        yield "1, the same for every entry, such as Σ of the squares", np.ones_like(W), False
    yield f"{name}²", W * W, False
    yield f"|{name}|", np.abs(W), False
    for other in network.pool:
        if other is not node and other.is_leaf and other.requires_grad:
            V = network.value(other).astype(np.float64)
            if V.shape == W.shape:
                yield network.names[other], V, False
            elif W.ndim and V.ndim == 2 and V.shape[1] == 1 and V.shape[0] == W.shape[0]:
                yield network.names[other], V * np.ones_like(W), False


def _penalty_edit(told: str, c: float, factor: float | None, exact: bool, m: int) -> Edit:
    if factor is None:
        return Edit(
            ("regularisation_extra",), f"{c:.6g} · ({told}) is added, and the cost has no such penalty", 1.1
        )
    if not exact:
        return Edit(
            ("regularisation_factor",),
            f"the penalty's term is {c:.6g} · ({told}), and should be {factor:.6g} W",
            1.1,
        )
    ratio = c / factor
    known = {-1.0: "has the wrong sign", 2.0: "is there twice", 0.5: "is half: the 2 of the square is lost",
             float(m): "is not divided by m", 1 / m: "is divided by m twice"}  # fmt: skip
    for value, words in known.items():
        if _is(ratio / value, 1.0):
            return Edit(("regularisation_factor",), f"the penalty's term {words}", 1.0)
    return Edit(("regularisation_factor",), f"the penalty's term is {ratio:.6g} times what it should be", 1.1)


def term_fits(network: Network, path: Path, target: Target) -> Iterator[Explanation]:
    """One term of the cost's derivative missing, or with a sign or a factor of its own."""
    for place, terms, told in _terms(network, path):
        k = path.places.index(place)
        arrays = [through(path.links[k:], term) for term in terms]
        if any(a is None for a in arrays):
            continue
        basis = [a * path.average for a in arrays if a is not None]
        rest = 0.0 if path.rest is None else path.rest
        shifted = (
            Target(target.given - rest, target.right, target.tolerance, target.loose, target.constants)
            if target.given.shape == target.right.shape
            else target
        )
        coefficients = fit(shifted, basis)
        if coefficients is None:
            continue
        yield from _term_edits(target, coefficients, told, network.m)


def _terms(network: Network, path: Path) -> Iterator[tuple[GraphNode, list[Array], tuple[str, str]]]:
    if not network.layers or network.labels is None:
        return
    last, Y = network.layers[-1], network.labels
    y = network.names[network.label_nodes[0]]
    terms = cost_terms(network)
    if last.A is not None and last.A in path.places and terms is not None and len(terms) == 2:
        A = network.names[last.A]
        yield last.A, terms, (f"-{y}/{A}", f"(1 - {y})/(1 - {A})")
    if last.Z in path.places:
        G = network.gradient(last.Z)
        yield last.Z, [G * (Y == 1), G * (Y != 1)], (f"the part where {y} = 1", f"the part where {y} = 0")


def _term_edits(target: Target, coefficients: Array, told: tuple[str, str], m: int) -> Iterator[Explanation]:
    a, b = (0.0 if abs(c) < 1e-7 * np.max(np.abs(coefficients)) else float(c) for c in coefficients)
    if _is(a, b) or (a == 0 and b == 0):
        return
    if a == 0 or b == 0:
        edits = target.named(a or b)
        if edits is not None:
            yield Explanation(
                (Edit(("term_missing",), f"the term {told[0 if a == 0 else 1]} is missing", 1.2), *edits)
            )
        return
    first, second = target.named(a), target.named(b)
    if first is None or second is None:
        return
    if _is(a, -b):
        wrong = told[0] if a < 0 else told[1]
        edits = () if _is(abs(a), 1.0) else target.named(abs(a)) or ()
        yield Explanation(
            (Edit(("sign_inside", "sign"), f"the term {wrong} has the wrong sign", 1.1), *edits)
        )
        return
    edits = (*first, *second)
    codes = tuple(dict.fromkeys(("sign_inside", *(c for e in edits for c in e.codes))))
    hint = ": a parenthesis that closes too early" if _is(abs(b / a), m) or _is(abs(b / a), 1 / m) else ""
    yield Explanation(
        (
            Edit(
                codes,
                f"the terms {told[0]} and {told[1]} come with the factors {a:.4g} and {b:.4g}{hint}",
                1.5,
            ),
        )
    )


def slope_fits(network: Network, path: Path, target: Target) -> Iterator[Explanation]:
    """A slope that is some combination of 1, A and A², or of 1 and the mask, other than the right one."""
    for k, link in enumerate(path.links):
        if link.kind != "slope":
            continue
        G = network.gradient(path.places[k])
        terms = slope_basis(network, link)
        arrays = [through(path.links[k + 1 :], G * term) for _, term in terms]
        basis = [path.finish(a) if path.rest is None else a * path.average for a in arrays if a is not None]
        if len(basis) < len(terms) or path.rest is not None or target.entries < 2 * len(terms) + 2:
            continue
        coefficients = fit(target, basis)
        if coefficients is None:
            continue
        slope = sum(c * term for c, (_, term) in zip(coefficients, terms, strict=True))
        if _parallel(slope, np.ones_like(slope)) or _parallel(slope, link.factor):
            continue  # the slope forgotten, or right: that is a constant factor
        size = float(np.max(np.abs(coefficients)))
        written = " + ".join(
            f"{c:.4g} · {name}"
            for c, (name, _) in zip(coefficients, terms, strict=True)
            if abs(c) > 1e-9 * size
        )
        below = network.names[link.below]
        yield Explanation(
            (Edit(("slope_wrong",), f"in place of the slope g'({below}) stands {written}", 2.3),)
        )
