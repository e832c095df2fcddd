"""``Sequential``: a model of layers one after the other, its parameters, and its cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu.core.mode import is_recording, scope
from tinygrad_edu.core.notebook_display import table
from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import arguments_explained
from tinygrad_edu.nn.costs import COSTS, LOSSES, Cost, check_examples, check_labels, checked_cost
from tinygrad_edu.nn.foreign_settings import CALL
from tinygrad_edu.nn.framework_habits import Trainable
from tinygrad_edu.nn.layer_chain import Layer, check_chain, flat, numbered, units
from tinygrad_edu.nn.layers import (
    Activated,
    Dense,
    activation_called,
    described,
    in_two_steps,
    kind_of,
    own_code,
)
from tinygrad_edu.nn.parameter_discovery import Parameters, buffers_of, objects_in, parameters_of, says_less
from tinygrad_edu.nn.prediction import Answering
from tinygrad_edu.nn.stable_outputs import cost_of_logits
from tinygrad_edu.nn.summary import HEAD, lines_of, written
from tinygrad_edu.nn.weighting import of_samples
from tinygrad_edu.settings import at_least, numbers

CostOf = str | Callable[[Any, Any], Any] | None


class Sequential(Answering, Trainable):
    """Layers one after the other: ``model(X)`` is A[L], ``model.loss(X, Y)`` the cost J.

    Args:
        layers: :class:`Dense` and the other layers of ``tg.nn``, functions of A (such as ``tg.relu``), and
            layers of one's own: anything that can be called. The Tensors in their attributes, lists and
            dicts are found, and trained.
        cost: its name (binary_cross_entropy, categorical_cross_entropy, squared, absolute, huber, hinge,
            perceptron), or a function ``(A, Y) -> J``. By default the last layer's activation says which:
            sigmoid and softmax take the cross-entropy, linear half the squared error, L3 of the course.
        l2: λ of L2 regularisation, which adds (λ / 2m) Σ ‖W[l]‖² to J.
        l1: λ of L1 regularisation, which adds (λ / m) Σ |W[l]|.

    X is (n_x, m), one example a column; Y is (1, m), or (C, m) with a row for each class. What layer l
    computes is recorded in the scope "layer l", and called Z1, A1, Z2, ...; the output is A[L], and J is
    computed of it as in the notes, and exact where A[L] rounds to 0 or 1.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> model = tg.nn.Sequential([tg.nn.Dense(2, 4, "tanh", seed=1), tg.nn.Dense(4, 1, "sigmoid", seed=2)])
    >>> list(model.parameters())
    ['W1', 'b1', 'W2', 'b2']
    >>> model(np.zeros((2, 3))).tolist()
    [[0.5, 0.5, 0.5]]
    >>> round(model.loss(np.zeros((2, 3)), np.array([[0, 1, 0]])).item(), 6)
    0.693147
    """

    numbered = True
    """Whether parameter names carry the number of their layer, as in W1."""

    def __init__(
        self, layers: Any = (), *more: Layer, cost: CostOf = None, l2: float = 0.0, l1: float = 0.0
    ) -> None:
        given = [*layers, *more] if isinstance(layers, list if more else (list, tuple)) else [layers, *more]
        _check_nothing_is_lost(given, cost)
        self.layers = flat(given, Sequential)
        self.dense = tuple(layer for layer in self.layers if isinstance(layer, Dense))
        self.l2, self.l1 = at_least("l2", l2, 0), at_least("l1", l1, 0)
        check_chain(self.layers)
        end = ("", None) if self.has_own_forward else (self.output, self.n_out)
        self.cost = cost if cost is None else checked_cost("cost", cost, *end)
        for name, parameter in {**self._named_in("parameters"), **self._named_in("buffers")}.items():
            parameter.name = name

    @property
    def output(self) -> str:
        """The activation of the last layer, by name; empty where it has none."""
        last = self.layers[-1]
        activation = getattr(last, "activation", None) or activation_called(last)
        return activation if isinstance(activation, str) else ""

    @property
    def known_cost(self) -> Cost | None:
        """The cost as an entry of ``LOSSES``; None for a function of the user's.

        Raises:
            ValueError: none is given, and none goes with the output, as of a model that is part of another.
        """
        if callable(self.cost):
            return None
        if self.cost is None and self.output not in COSTS:
            raise ValueError(
                f"no cost goes with the output {self.output!r}: end in a Dense layer whose activation is "
                f"{', '.join(COSTS)}, or give cost=, {', '.join(LOSSES)}, or a function (A, Y) -> J"
            )
        return LOSSES[self.cost or COSTS[self.output]]

    @property
    def n_x(self) -> int | None:
        """The features that an example has; None where the first layer takes another layout."""
        first = self.layers[0]
        if getattr(first, "takes", "columns") != "columns":
            return None
        found: int | None = getattr(first, "n_in", None)
        if found is None and self.dense and self._keeps_features(self.dense[0]):
            found = self.dense[0].n_in
        return found

    def _keeps_features(self, until: Dense) -> bool:
        before = self.layers[: self.layers.index(until)]
        return not any(getattr(layer, "reshapes", bool(parameters_of(layer))) for layer in before)

    @property
    def n_out(self) -> int | None:
        """The units of the output; None where the last layer doesn't say."""
        before = [layer for layer in self.layers[-2:] if not activation_called(layer)]  # which keeps them
        return units(before[-1], "n_out") if before else None

    @property
    def has_own_forward(self) -> bool:
        """Whether a subclass computes A[L] in its own way."""
        own = type(self)
        return (own.forward, own.__call__) != (Sequential.forward, Sequential.__call__)

    @property
    def example_axes(self) -> tuple[int, int]:
        """The axis of X that runs over the examples, and that of Y."""
        return self.example_axis, 1

    @property
    def example_axis(self) -> int:
        """The axis of X that runs over the examples: that of the first layer that says so."""
        for layer in self.layers:
            axis = getattr(layer, "example_axis", None)
            if axis is not None:
                return int(axis)
            if parameters_of(layer) and not getattr(layer, "beside", False):
                break
        return 1

    @property
    def takes_integers(self) -> bool:
        """Whether X holds word indices, and not values to compute with."""
        return bool(getattr(self.layers[0], "takes_integers", False))

    def parameters(self) -> Parameters:
        """``{"W1": ..., "b1": ..., "W2": ...}``, the model's own Tensors, layer after layer."""
        return self._named_in("parameters")

    def buffers(self) -> Parameters:
        """The state of layers that is not trained: running statistics."""
        return self._named_in("buffers")

    def _named_in(self, what: str) -> Parameters:
        found = Parameters()
        holders: list[tuple[Any, Any]] = [
            (l if self.numbered else "", part) for l, part in numbered(self.layers)
        ]
        if says_less(self):
            holders.append(("", {k: v for k, v in vars(self).items() if k not in ("layers", "dense")}))
        for number, holder in holders:
            parts = parameters_of(holder) if what == "parameters" else buffers_of(holder)
            for kind, tensor in parts.items():
                name = f"{kind}{number}"
                if any(tensor is other for other in found.values()):
                    continue
                if name in found:
                    raise ValueError(
                        f"Sequential: two parameters are called {name}; give them different names"
                    )
                found[name] = tensor
        return found

    @partial(arguments_explained, known=CALL)
    def __call__(self, X: Any) -> Any:
        """A[L], of shape (n[L], m).

        Raises:
            ValueError: X isn't (n_x, m), with at least one example; the message has both shapes.
        """
        with self._mode():  # for what a subclass's forward calls itself
            return self.forward(X)

    def forward(self, X: Any) -> Any:
        """A[L], as ``model(X)``. A subclass that has its own is trained on it."""
        with self._mode():
            A, _ = self._through(_constant(X, "X"))
        return A

    @arguments_explained
    def loss(self, X: Any, Y: Any, weights: Any = None) -> Any:
        """J, the mean cost over the examples, with the penalty where ``l2`` or ``l1`` is given.

        ``weights`` (m,) or (1, m) multiply what each example costs, before the mean over m.

        Raises:
            ValueError: shapes that do not fit, an empty data set, or labels that the cost does not take.
        """
        self.check(X, Y)
        X, Y = _constant(X, "X"), _constant(Y, "Y")
        known = self.known_cost
        if self.has_own_forward:
            with self._mode():
                A, Z = self(X), None
            if known is not None and A.shape != Y.shape:
                raise ValueError(f"Y: expected labels {A.shape} for this output, got {Y.shape}")
        else:
            from_logits = known is not None and known.of_logits is not None and self._ends_in(known)
            with self._mode():
                A, Z = self._through(X, to_logits=from_logits)
        if weights is not None:
            J = self._weighted(A, Z, Y, _weights(weights, Y.shape[-1]))
        elif known is not None and known.of_logits is not None and Z is not None:
            if type(Z) is Symbol or not Z.requires_grad or not is_recording():
                J = known.of_logits(Z, Y)
            else:
                A, J = cost_of_logits(self.output, Z, Y)
                *_, (l, _) = numbered(self.layers)
                _named(A, self._called("A", l))
        else:
            J = (known.of_output if known is not None else self.cost)(A, Y)
        return _named(self._penalised(J, X.shape[self.example_axes[0]]), "J")

    def _ends_in(self, known: Cost) -> bool:
        """Whether the cost may be computed of Z[L]: A[L] is the activation of Z[L] that goes with it."""
        last = self.layers[-1]
        known_end = activation_called(last) or (
            in_two_steps(last) and type(last).activate is Activated.activate
        )
        return bool(known_end) and LOSSES[COSTS.get(self.output, "squared")] is known

    def _weighted(self, A: Any, Z: Any, Y: Any, weights: Any) -> Any:
        known = self.known_cost
        if known is None:
            raise TypeError(
                "weights: a cost of one's own gives one number for all examples; give cost= by name "
                f"({', '.join(LOSSES)}), or weight the examples in it"
            )
        each = known.each(A, Y) if known.each_of_logits is None or Z is None else known.each_of_logits(Z, Y)
        return np.sum(weights * each) / Y.shape[-1]

    def _penalised(self, J: Any, m: int) -> Any:
        if self.l2:
            J = J + self.l2 / (2 * m) * sum(np.sum(np.square(W)) for W in self.weights())
        if self.l1:
            J = J + self.l1 / m * sum(np.sum(np.abs(W)) for W in self.weights())
        return J

    def weights(self) -> list[Tensor]:
        """The parameters in the penalties of ``l2`` and ``l1``: the matrices, without the offsets."""
        return [t for name, t in self.parameters().items() if name[0] in "Ww" or (t.ndim > 1 < min(t.shape))]

    def generators(self) -> tuple[np.random.Generator, ...]:
        """The generators that training draws from, as those of its :class:`Dropout` layers."""
        return tuple(objects_in(self.layers, np.random.Generator))

    def check(self, X: Any, Y: Any) -> None:
        """Raises ValueError unless X (n_x, m) and Y are examples and labels that the model takes."""
        X, Y = (v if isinstance(v, Tensor) else numbers(n, v) for n, v in (("X", X), ("Y", Y)))
        check_words = getattr(self.layers[0], "check_words", None)
        if check_words is not None and not isinstance(X, Tensor):
            check_words(X)
        ends = (None, None) if self.has_own_forward else (self.n_x, self.n_out)
        check_examples(X, Y, *ends, self.example_axes)
        if self.known_cost is not None and not isinstance(Y, Tensor):
            check_labels(Y, self.known_cost.labels)

    @property
    def architecture(self) -> dict[str, Any]:
        """The model as data, without its parameters: for ``tg.save``, and to compare with a checkpoint."""
        return {
            "kind": kind_of(self).__name__,
            "layers": [described(layer) for layer in self.layers],
            "cost": {"own": getattr(self.cost, "__name__", "")} if callable(self.cost) else self.cost,
            "l2": self.l2,
            "l1": self.l1,
            **own_code(self),
        }

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.layers)

    def __getitem__(self, k: int) -> Layer:
        return self.layers[k]

    def __len__(self) -> int:
        return len(self.layers)

    def _table(self) -> list[tuple[int, Layer]]:
        return [(l if self.numbered else 0, layer) for l, layer in numbered(self.layers)]

    def __str__(self) -> str:
        """A table: each layer with its output and its parameters."""
        return f"{self!r}\n{written(self._table())}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002  (IPython's)
        return {"text/plain": str(self), "text/html": table(HEAD, lines_of(self._table()))}

    def __repr__(self) -> str:
        called = ", ".join(getattr(layer, "__name__", None) or repr(layer) for layer in self.layers)
        return f"{type(self).__name__}([{called}])"

    def _through(self, X: Any, *, to_logits: bool = False) -> tuple[Any, Any]:
        """A[L] and None; or None and Z[L], for a cost that is computed from Z[L]."""
        A = X
        for k, (l, layer) in enumerate(numbered(self.layers), 1):
            at_logits = to_logits and k == len(self.layers)
            with self._scope(l):
                if in_two_steps(layer):
                    Z = _named(layer.linear(A), self._called("Z", l))
                    if at_logits:
                        return None, Z
                    A = _named(layer.activate(Z), self._called("A", l))
                elif at_logits:  # a function of Z
                    return None, A
                else:
                    A = _named(layer(A), self._called("A", l))
        return A, None

    def _called(self, letter: str, l: int) -> str:
        return f"{letter}{l}" if self.numbered else letter

    def _scope(self, l: int) -> Any:
        return scope(f"layer {l}") if l and self.numbered else nullcontext()


def _check_nothing_is_lost(parts: Sequence[Any], cost: CostOf) -> None:
    """Raises ValueError where a model that becomes part of another says of the cost what would be lost."""
    for k, part in enumerate(parts, 1):
        if isinstance(part, Sequential):
            last = k == len(parts) and cost is None
            lost = [name for name in ("cost", "l2", "l1") if getattr(part, name) and (last or name != "cost")]
            if lost:
                raise ValueError(
                    f"Sequential: layers: {', '.join(lost)} of a model that is part of another one would not "
                    "count; give the outer one its own, and take *model.layers in place of the model"
                )


def _constant(value: Any, name: str) -> Tensor:
    """A Tensor as it is; anything else as a constant Tensor of that name."""
    if isinstance(value, Tensor):
        return value
    return Tensor(numbers(name, value), requires_grad=False, name=name)


def _weights(given: Any, m: int) -> Tensor:
    """The weights of m examples, checked where they are no Tensor, as in ``fit``, which has checked them."""
    return given if isinstance(given, Tensor) else _constant(of_samples("weights", given, m), "weights")


def _named(value: Any, name: str) -> Any:
    if isinstance(value, Tensor) and value.name is None:
        value.name = name
    return value
