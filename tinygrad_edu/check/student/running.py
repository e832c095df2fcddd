"""One run: the forward pass on Tensors, the backward pass on its arrays, and what came of both."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu.check.calling import called, plain
from tinygrad_edu.check.student.loading import Loaded, StudentFileError
from tinygrad_edu.check.student.passes import Passes
from tinygrad_edu.check.student.shapes import DATA, LABELS
from tinygrad_edu.check.tracing import Trace, traced
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.named_settings import Held
from tinygrad_edu.ops.networks.costs import binary_cross_entropy

_ALL_PARAMETERS = ("parameters", "params", "theta", "weights", "p", "P")
_ALL_VALUES = ("cache", "caches", "values", "memory", "store")
_NUMBERS = {
    **dict.fromkeys(("lambd", "lambda_", "lam", "reg"), 0.7),
    **dict.fromkeys(("learning_rate", "lr", "alpha"), 0.1),
    **dict.fromkeys(("epsilon", "eps"), 1e-8),
    "keep_prob": 0.8,
}  # fmt: skip
"""Hyperparameters by the names that courses give them, for passes that take them."""
_COSTS = ("cost", "J", "loss", "L")


class _Data(Held):
    """An array of data by its name. ``X.dot(W)`` is ``X @ W``, so that it is recorded where W is a Tensor."""

    def dot(self, other: Any, out: Any = None) -> Any:
        return np.dot(self, other) if out is None else super().dot(other, out)


_Data.__name__ = "ndarray"  # as messages call it


def _data(value: Any, name: str) -> Any:
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return value
    data = value.view(_Data)
    data.called = name
    return data


def _array(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, _Data) else plain(value)


class BackwardError(StudentFileError):
    """The forward pass runs, and the backward pass does not."""


@dataclass(frozen=True)
class Run:
    """What a run gave."""

    J: Tensor
    parameters: dict[str, Tensor]
    forward: Trace
    gradients: dict[str, Any]
    """What the backward pass gave, by name."""
    backward: Trace
    data: Mapping[str, Any]
    """What the passes were given beside the parameters: kept, so that the graph of J has its names."""
    notes: tuple[str, ...] = ()


def run(loaded: Loaded, passes: Passes, values: Mapping[str, Any]) -> Run:
    """Runs both passes on these inputs.

    Raises:
        StudentFileError: one raises, or gives something that is not understood.
    """
    once = _Once(loaded, passes, values)
    J, notes = once.cost()
    try:
        gradients = once.gradients()
    except StudentFileError as error:
        raise BackwardError(str(error)) from None
    return Run(J, once.parameters, once.trace, *gradients, once.known, notes)


@dataclass
class _Once:
    loaded: Loaded
    passes: Passes
    values: Mapping[str, Any]
    parameters: dict[str, Tensor] = field(default_factory=dict)
    trace: Trace = field(default_factory=Trace)
    result: Any = None
    known: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.values.items():
            trained = name not in (*DATA, *LABELS) and np.asarray(value).dtype.kind == "f"
            self.known[name] = Tensor(value, name=name) if trained else _data(value, name)
            if trained:
                self.parameters[name] = self.known[name]
        if self.passes.owner is not None:
            self._install(self.passes.owner)

    def _install(self, owner: Any) -> None:
        """Puts the parameters where an object keeps them: in its attributes, or in a dict among these."""
        for holder in (vars(owner), *(v for v in vars(owner).values() if isinstance(v, dict))):
            for name in self.parameters.keys() & holder.keys():
                holder[name] = self.parameters[name]

    def cost(self) -> tuple[Tensor, tuple[str, ...]]:
        """J, of the forward pass or of the cost function that goes with it."""
        try:
            self.result = self._watched(self.passes.forward, self.known)
        except StudentFileError:
            # one function for both may write into arrays on its way back: its cost is known by then
            if self.passes.backward is not None or (J := self._assigned()) is None:
                raise
            return J, ()
        parts = self._parts(self.result)
        J = next((p for p in parts if isinstance(p, Tensor) and p.size == 1 and not self._predicts(p)), None)
        if J is None and self.passes.cost is not None:
            named = {**self._by_name(), **self.known}
            first = {"AL": parts[0], "A2": parts[0], "A": parts[0], "Y_hat": parts[0], "yhat": parts[0]}
            J = self._watched(self.passes.cost, {**first, **named}, positional=parts[:1])
            J = next((p for p in self._parts(J) if isinstance(p, Tensor) and p.size == 1), None)
        if J is None:  # it was printed, or made a float, on its way out
            J = self._assigned()
        if J is not None:
            return J, ()
        return self._of_predictions(parts)

    def _assigned(self) -> Tensor | None:
        """The last value of a variable that is called as a cost is."""
        costs = [a.value for name in _COSTS for a in self.trace.of(name) if isinstance(a.value, Tensor)]
        return next((c for c in reversed(costs) if c.size == 1), None)

    @staticmethod
    def _parts(result: Any) -> list[Any]:
        return list(result) if isinstance(result, tuple) else [result]

    @property
    def _labels(self) -> Any:
        return next((self.known[name] for name in LABELS if name in self.known), None)

    def _predicts(self, value: Tensor) -> bool:
        shape = np.shape(self._labels)
        return bool(shape) and value.shape == shape and value.ndim > 0

    def _of_predictions(self, parts: list[Any]) -> tuple[Tensor, tuple[str, ...]]:
        """The cross-entropy of A[L] with Y, where the forward pass ends there."""
        predictions = [p for p in parts if isinstance(p, Tensor) and self._predicts(p)]
        if not predictions:
            shapes = (f" {p.shape}" if isinstance(p, Tensor) else "" for p in parts)
            got = ", ".join(f"{type(p).__name__}{shape}" for p, shape in zip(parts, shapes, strict=True))
            raise StudentFileError(
                "forward: expected the cost J, a number, computed from the parameters, or A[L] of the shape "
                f"of Y {np.shape(self._labels)}; got {got or 'nothing'}"
            )
        A, Y = max(predictions, key=lambda t: t.seq), self._labels
        note = ("forward gives A[L], so the cost is its cross-entropy with Y.",)
        for axis in (0, 1) if A.ndim == 2 else ():
            if A.shape[axis] > 1 and np.allclose(np.sum(A.data, axis=axis), 1):  # one of several classes
                return -np.sum(Y * np.log(A)) / A.shape[1 - axis], note
        return binary_cross_entropy(A, Y), note

    def gradients(self) -> tuple[dict[str, Any], Trace]:
        """What the backward pass gives, by name, and what its variables were."""
        arrays = {name: _array(value) for name, value in {**self._by_name(), **self.known}.items()}
        owner = self.passes.owner
        if owner is not None:
            for name, value in vars(owner).items():
                setattr(owner, name, plain(value))
            self.before = dict(vars(owner))
        trace, self.trace = self.trace, Trace()
        parts = [_array(p) for p in self._parts(self.result)]
        result = (  # of one function for both, run on arrays, the gradients are in its results
            self._watched(self.passes.forward, {n: _array(v) for n, v in self.known.items()})
            if self.passes.backward is None
            else self._watched(self.passes.backward, arrays, positional=parts)
        )
        backward, self.trace = self.trace, trace
        return self._named_gradients(result, backward), backward

    def _by_name(self) -> dict[str, Any]:
        """The forward pass's quantities by its own names; entries of the dicts that it gives, too."""
        found = {a.name: a.value for a in self.trace.assigned}
        for part in self._parts(self.result):
            if isinstance(part, dict):
                found |= {k: v for k, v in part.items() if isinstance(k, str)}
        return found

    def _watched(
        self, f: Callable[..., Any], known: Mapping[str, Any], positional: list[Any] | None = None
    ) -> Any:
        arguments = self._arguments(f, known, positional)
        files, trace = {str(self.loaded.path)}, Trace()
        try:
            result, _ = self.loaded.guarded(lambda: traced(lambda: called(f, arguments), files, trace))
        finally:
            self.trace = Trace([*self.trace.assigned, *trace.assigned])
        return result

    def _arguments(
        self, f: Callable[..., Any], known: Mapping[str, Any], given: list[Any] | None
    ) -> dict[str, Any]:
        """A function's arguments: by name, then what the forward pass returned, in its order."""
        arrays = [g for g in given or [] if not isinstance(g, (dict, list, tuple))]
        stores = [g for g in given or [] if isinstance(g, (dict, list, tuple))]
        cache = dict(known)
        everything = {**dict.fromkeys(_ALL_VALUES, cache), **_NUMBERS, "m": self._examples(), **known}
        own = {n: known.get(n, p) for n, p in self.parameters.items()}
        # p is the predictions to some, and all parameters to others
        everything |= {name: own for name in _ALL_PARAMETERS if not _is_array(known.get(name))}
        if stores:
            everything |= dict.fromkeys(_ALL_VALUES, stores[0])
        found: dict[str, Any] = {}
        for k, (name, parameter) in enumerate(inspect.signature(f).parameters.items()):
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if name in everything:
                found[name] = everything[name]
            elif k == 0 and arrays:
                found[name] = arrays.pop(0)
            elif parameter.default is parameter.empty:
                if name not in vars(self.loaded.module) and arrays:
                    found[name] = arrays.pop(0)  # the forward pass gave it without a name: backward has one
                else:
                    found[name] = self._of_the_file(f, name, known)
        return found

    def _of_the_file(self, f: Callable[..., Any], name: str, known: Mapping[str, Any]) -> Any:
        space = vars(self.loaded.module)
        if name not in space:
            raise StudentFileError(
                f"{f.__name__}: no quantity is called {name!r}; there are: {', '.join(known)}"
            )
        return copy.deepcopy(space[name])

    def _examples(self) -> int:
        Y = np.shape(self._labels)
        return Y[0] if len(Y) == 1 or (len(Y) == 2 and Y[1] == 1) else Y[-1] if Y else 1

    def _named_gradients(self, result: Any, trace: Trace) -> dict[str, Any]:
        """The gradients in a result: a dict, one among other things, an object, or a tuple in order."""
        parts = self._parts(result) if not isinstance(result, list) else list(result)
        for part in parts:
            if isinstance(part, Mapping) and part:
                return {str(k): v for k, v in part.items() if _is_array(v)}
        costs = {id(a.value) for name in _COSTS for a in trace.of(name)}
        arrays = [p for p in parts if _is_array(p) and id(p) not in costs]
        if not arrays:
            found: dict[str, Any] = next((vars(p) for p in parts if hasattr(p, "__dict__")), {})
            gradients = {k: v for k, v in found.items() if _is_array(v)} or self._of_attributes()
            if not gradients:
                raise StudentFileError(
                    "backward: expected gradients: a dict such as {'dW1': dW1, 'db1': db1}, a tuple, an "
                    "object with such attributes, or attributes dW1, db1, ... of the network; it returns "
                    f"{result!r:.60}"
                )
            return gradients
        return self._in_order(arrays, trace)

    def _of_attributes(self) -> dict[str, Any]:
        """What the backward pass has left in an object's attributes, or in a dict among them."""
        found: dict[str, Any] = {}
        for name, value in vars(self.passes.owner).items() if self.passes.owner is not None else ():
            if value is self.before.get(name):
                continue
            if isinstance(value, Mapping) and name.startswith(("grad", "d")):
                found |= {str(k): v for k, v in value.items() if _is_array(v)}
            elif _is_array(value) and name.startswith(("d", "grad")):
                found[name] = value
        return found

    def _in_order(self, arrays: list[Any], trace: Trace) -> dict[str, Any]:
        """A tuple's gradients by the variables they come from; else in the order of the parameters."""
        named = {id(a.value): a.name for a in trace.assigned if a.name.startswith(("d", "grad"))}
        if all(id(g) in named for g in arrays):
            return {named[id(g)]: g for g in arrays}
        signature = [n for n in inspect.signature(self.passes.forward).parameters if n in self.parameters]
        for order in (signature, [*self.parameters]):
            if [self.parameters[name].shape for name in order] == [np.shape(g) for g in arrays]:
                return {f"d{name}": g for name, g in zip(order, arrays, strict=True)}
        raise StudentFileError(
            "backward: it returns unnamed arrays: expected a dict such as {'dW1': dW1, 'db1': db1}, or one "
            f"array for each of {', '.join(self.parameters)}, in this order"
        )


def _is_array(value: Any) -> bool:
    numeric = (
        isinstance(value, (np.ndarray, np.generic, float, int)) and np.asarray(value).dtype.kind in "fiu"
    )
    return isinstance(value, Tensor) or numeric
