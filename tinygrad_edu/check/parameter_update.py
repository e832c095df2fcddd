"""``check.update``: an update rule written by hand against the textbook's, with what is off in it named.

The rule is run for a few steps on random gradients. What it does is sought among small edits of the
textbook's rule: a factor left out, a correction missing, a sign, a root, an average that starts otherwise.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np

from tinygrad_edu.check.calling import arguments_for, called
from tinygrad_edu.check.report import OK, Diagnosis, Entry, Report
from tinygrad_edu.check.rounding import Array
from tinygrad_edu.errors import arguments_explained

_STEPS, _SHAPE = 5, (3, 5)
_ROUNDING = 1e-11


@dataclass(frozen=True)
class _Rule:
    """An update rule as its parts; the defaults are the textbook's."""

    kind: str
    lr: float
    beta1: float
    beta2: float
    epsilon: float
    sign: int = -1
    rate: bool = True
    weighted_v: bool = True
    """v takes (1 - β) dW, and not dW."""
    weighted_s: bool = True
    squared: bool = True
    root: str = "outside"
    """√s + ε; or "inside": √(s + ε); or "none"; or "bare": √s."""
    correct_v: bool = True
    correct_s: bool = True
    first: int = 1
    """The t of the first step."""
    averaged: bool = True
    """W moves along v, and not along dW."""
    kept_v: bool = True
    """v is kept from step to step."""
    kept_s: bool = True

    def run(self, W: Array, gradients: list[Array]) -> list[Array]:
        """W after each step."""
        v, s, after = np.zeros_like(W), np.zeros_like(W), []
        for t, dW in enumerate(gradients, self.first):
            v, s = v * self.kept_v, s * self.kept_s
            v = self.beta1 * v + (1 - self.beta1 if self.weighted_v else 1) * dW
            s = self.beta2 * s + (1 - self.beta2 if self.weighted_s else 1) * (dW**2 if self.squared else dW)
            W = W + self.sign * (self.lr if self.rate else 1) * self._direction(v, s, dW, t)
            after.append(W)
        return after

    def _direction(self, v: Array, s: Array, dW: Array, t: int) -> Array:
        with np.errstate(all="ignore"):  # a wrong rule may take the root of a negative number
            if self.kind == "sgd":
                return dW
            if self.kind == "adam":
                v = v / (1 - self.beta1**t) if self.correct_v else v
                s = s / (1 - self.beta2**t) if self.correct_s else s
            along = v if self.averaged and self.kind != "rmsprop" else dW
            return along if self.kind == "momentum" else along / self._root(s)

    def _root(self, s: Array) -> Array:
        if self.root == "none":
            return s + self.epsilon
        if self.root == "inside":
            return np.asarray(np.sqrt(s + self.epsilon))
        return np.asarray(np.sqrt(s)) + (self.epsilon if self.root == "outside" else 0)


_FACTOR, _TERM = "constant_factor", "term_missing"
_PARTS = {"sgd": "", "momentum": "v", "rmsprop": "s", "adam": "vs"}
_EDITS: tuple[tuple[str, str, dict[str, Any], str], ...] = (
    # which rules have the part; the code; the edit; the sentence
    (
        "",
        "sign",
        {"sign": 1},
        "W moves along the gradient, not against it: the update has a plus for a minus",
    ),
    ("", _FACTOR, {"rate": False}, "the learning rate is missing"),
    ("v", _FACTOR, {"weighted_v": False}, "v takes dW where it should take (1 - β1) dW"),
    ("v", "wrong_layer", {"averaged": False}, "W moves along dW, and the average v is not used"),
    ("v", "stale_parameters", {"kept_v": False}, "the average v starts from 0 again at each step"),
    ("s", _FACTOR, {"weighted_s": False}, "s takes dW² where it should take (1 - β2) dW²"),
    ("s", _FACTOR, {"squared": False}, "s averages dW where it should average dW²"),
    ("s", _FACTOR, {"root": "none"}, "the square root of s is missing"),
    ("s", _FACTOR, {"root": "inside"}, "ε stands inside the root, √(s + ε), and belongs outside, √s + ε"),
    ("s", _TERM, {"root": "bare"}, "ε is missing in the denominator"),
    ("s", "stale_parameters", {"kept_s": False}, "the average s starts from 0 again at each step"),
    ("vs", _TERM, {"correct_v": False, "correct_s": False}, "the bias correction of v and s is missing"),
    ("vs", _TERM, {"correct_v": False}, "the bias correction of v is missing: v / (1 - β1^t)"),
    ("vs", _TERM, {"correct_s": False}, "the bias correction of s is missing: s / (1 - β2^t)"),
    ("vs", _FACTOR, {"first": 2}, "t is one too large in the bias correction: the first step is t = 1"),
)


@arguments_explained
def update(step: Callable[..., Any], optimizer: Any = "sgd", *, seed: int = 0, **settings: float) -> Report:
    """Compares an update rule written by hand with the textbook's, and says what is off in it.

    Args:
        step: takes by the names of its parameters the weights (``W``, or ``parameters``, a dict), their
            gradient (``dW``, or ``grads``), the averages ``v`` and ``s``, ``t`` (from 1), and the settings
            (``learning_rate``, ``beta``, ``beta1``, ``beta2``, ``epsilon``). Gives the new weights, alone or
            followed by the new averages; or changes them in place and gives nothing.
        optimizer: ``"sgd"``, ``"momentum"``, ``"rmsprop"`` or ``"adam"``; or one of ``tg.optim``, whose
            settings count. The rules are those of the course: momentum takes (1 - β) dW.
        seed: of the random weights and gradients.
        settings: ``lr``, ``beta``, ``beta1``, ``beta2``, ``epsilon``, where they are not 0.03, 0.9, 0.9,
            0.999 and 1e-8: none of these is 1 minus another, so that no two mistakes give the same numbers.

    Returns:
        A :class:`Report` with the entry ``W``.

    Raises:
        ValueError: another optimiser.
        TypeError: a parameter of the step is named after nothing that is known, or it gives no weights.

    Source: the course's notes L13; D. P. Kingma, J. Ba, *Adam*, ICLR 2015.

    >>> import numpy as np
    >>> def step(W, dW, v, s, t, learning_rate, beta1, beta2, epsilon):
    ...     v = beta1 * v + (1 - beta1) * dW
    ...     s = beta2 * s + (1 - beta2) * dW**2
    ...     return W - learning_rate * v / (np.sqrt(s) + epsilon), v, s
    >>> update(step, "adam")["W"].diagnosis.text
    'the bias correction of v and s is missing'
    """
    if not callable(step):
        raise TypeError(f"update: expected the step as a function, got {type(step).__name__}")
    right = _textbook(optimizer, settings)
    rng = np.random.default_rng(seed)
    W, gradients = rng.standard_normal(_SHAPE), [rng.standard_normal(_SHAPE) for _ in range(_STEPS)]
    given = _by_hand(step, right, W, gradients)
    wanted = right.run(W, gradients)
    error = max(float(np.max(np.abs(a - b))) for a, b in zip(given, wanted, strict=True))
    ok = _same(given, wanted)
    diagnosis = OK if ok else _diagnosed(right, W, gradients, given)
    return Report((Entry("W", _SHAPE, ok, error, _ROUNDING, diagnosis),), "exact", (_note(right),))


def _textbook(optimizer: Any, settings: Mapping[str, float]) -> _Rule:
    kind = (optimizer if isinstance(optimizer, str) else type(optimizer).__name__).lower()
    if kind not in _PARTS:
        raise ValueError(f"update: optimizer: expected one of {', '.join(_PARTS)}, got {optimizer!r}")
    known = {"lr", "beta", "beta1", "beta2", "epsilon"}
    if unknown := ", ".join(sorted(set(settings) - known)):
        raise TypeError(f"update: no setting is called {unknown}; there are: {sorted(known)}")

    def of(name: str, usual: float) -> float:
        return float(settings.get(name, getattr(optimizer, name, usual)))

    beta = of("beta", 0.9)
    beta1, beta2 = of("beta1", beta), of("beta2", beta if kind == "rmsprop" else 0.999)
    return _Rule(kind, of("lr", 0.03), beta1, beta2, of("epsilon", 1e-8))


def _note(rule: _Rule) -> str:
    formulas = {
        "sgd": "W := W - α dW",
        "momentum": "v := β v + (1 - β) dW, W := W - α v",
        "rmsprop": "s := β s + (1 - β) dW², W := W - α dW / (√s + ε)",
        "adam": "v := β1 v + (1 - β1) dW, s := β2 s + (1 - β2) dW², "
        "W := W - α (v / (1 - β1^t)) / (√(s / (1 - β2^t)) + ε)",
    }
    return f"The textbook's rule: {formulas[rule.kind]}; {_STEPS} steps on random gradients."


def _same(given: list[Array], wanted: list[Array]) -> bool:
    return all(
        np.shape(a) == b.shape and np.allclose(a, b, rtol=_ROUNDING, atol=_ROUNDING, equal_nan=True)
        for a, b in zip(given, wanted, strict=True)
    )


def _diagnosed(right: _Rule, W: Array, gradients: list[Array], given: list[Array]) -> Diagnosis:
    fitting = [part for part in _EDITS if set(part[0]) <= set(_PARTS[right.kind])]
    for count in (1, 2):
        found = []
        for edits in combinations(fitting, count):
            edited = replace(right, **{k: v for e in edits for k, v in e[2].items()})
            if _same(given, edited.run(W, gradients)):
                found.append(edits)
        if found:
            texts = ["; and ".join(e[3] for e in edits) for edits in found]
            return Diagnosis(tuple(dict.fromkeys(e[1] for e in found[0])), texts[0], tuple(texts[1:]))
    for code, text, rule in _others(right):
        if _same(given, rule.run(W, gradients)):
            return Diagnosis((code,), text)
    if all(np.array_equal(a, W) for a in given):
        return Diagnosis(("stale_parameters",), "W does not move: the new weights are not given back")
    first = next(k for k, (a, b) in enumerate(zip(given, right.run(W, gradients), strict=True), 1)
                 if not _same([a], [b]))  # fmt: skip
    return Diagnosis(("unknown",), f"not explained by any known mistake; the first wrong step is t = {first}")


def _others(right: _Rule) -> Iterator[tuple[str, str, _Rule]]:
    """Rules that differ in their settings."""
    yield _FACTOR, "β1 and β2 are exchanged", replace(right, beta1=right.beta2, beta2=right.beta1)
    turned = replace(right, beta1=1 - right.beta1, beta2=1 - right.beta2)
    yield _FACTOR, "β and 1 - β are exchanged in the average", turned
    for kind in _PARTS:
        if kind != right.kind:
            yield "wrong_layer", f"this is the rule of {kind}", replace(right, kind=kind)


_AVERAGES = {"v": "v", "velocity": "v", "m": "v", "s": "s"}
_GRADIENTS = ("dW", "dw", "g", "grad", "gradient", "db")
_WEIGHTS = ("W", "w", "theta", "x", "param", "weight", "b")
_MANY = ("parameters", "params", "weights")


def _by_hand(step: Callable[..., Any], rule: _Rule, W: Array, gradients: list[Array]) -> list[Array]:
    """W after each step of the rule that was written by hand."""
    names = list(inspect.signature(step).parameters)
    many = any(name in _MANY for name in names)
    adams = {"m": "v", "v": "s"} if "m" in names and "s" not in names else _AVERAGES  # the paper's m and v
    weights: Any = {"W1": W.copy()} if many else W.copy()
    kept = {n: {"dW1": np.zeros_like(W)} if many else np.zeros_like(W) for n in names if n in adams}
    after = []
    for t, dW in enumerate(gradients, 1):
        known = {
            **_under(_MANY + _WEIGHTS, weights),
            **_under(("grads", "gradients"), {"dW1": dW.copy()}),
            **_under(_GRADIENTS, dW.copy()),
            **kept,
            **_under(("t", "step", "iteration"), t),
            **_under(("lr", "alpha", "learning_rate", "rate"), rule.lr),
            **_under(("beta", "beta1", "mu", "momentum"), rule.beta1),
            **_under(("beta2", "rho", "decay_rate"), rule.beta2),
            **_under(("epsilon", "eps"), rule.epsilon),
        }
        if rule.kind == "rmsprop":
            known["beta"] = rule.beta2
        with np.errstate(all="ignore"):
            weights, kept = _given_back(called(step, arguments_for(step, known, {})), weights, kept)
        array = np.asarray(weights["W1"] if many else weights)
        if array.shape != W.shape:
            raise TypeError(f"update: expected weights of shape {W.shape} from the step, got {array.shape}")
        after.append(np.array(array))
    return after


def _under(names: tuple[str, ...], value: Any) -> dict[str, Any]:
    """One value under each of the names that people give it."""
    return dict.fromkeys(names, value)


def _given_back(result: Any, weights: Any, kept: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The new weights and averages: what was returned, in its order, else what was changed in place."""
    if result is None:
        return weights, kept
    parts = list(result) if isinstance(result, tuple) else [result]
    return parts[0], {**kept, **dict(zip(kept, parts[1:], strict=False))}
