"""What every optimiser does around its rule: counting steps, the learning rate, clipping, weight decay."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from operator import is_
from typing import Any, ClassVar, TypeAlias
from weakref import ref

import numpy as np
from numpy.typing import DTypeLike, NDArray

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import described, shown, unknown
from tinygrad_edu.nn.foreign_settings import SETTINGS
from tinygrad_edu.nn.optim.schedules import Schedule
from tinygrad_edu.nn.optim.update_step import Rules
from tinygrad_edu.nn.training_warnings import warn_of_use
from tinygrad_edu.settings import above_zero, at_least, takes

Array: TypeAlias = NDArray[Any]
Key: TypeAlias = str | int
Parameters: TypeAlias = Mapping[str, Tensor] | Iterable[Tensor] | Tensor


class Optimizer:
    """Updates parameters from their gradients. A subclass defines ``formula`` and names ``slots``.

    Args:
        parameters: the Tensors that ``step()`` updates, as a mapping, a list, or one; may be left out
            where the parameters are given later (``nn.fit``, ``tg.compile``, ``step(parameters)``).
        lr: the learning rate α, a number or a schedule: a function of the step t = 0, 1, ...
        weight_decay: λ, which adds λ W to the gradient of W.
        clip_value: each entry of a gradient is brought into ±clip_value.
        clip_norm: all gradients are scaled down together so that their norm, taken over all entries of
            all of them, is at most clip_norm. Source: R. Pascanu et al., ICML 2013.

    A step is one :meth:`move`; or one :meth:`begin` and one :meth:`update` for each parameter. :meth:`step`
    does it for Tensors.

    >>> class Signed(Optimizer):
    ...     def formula(self, W, dW, *, rate, t):
    ...         return (W - rate * np.sign(dW),)
    >>> w = Tensor([1.0, -2.0])
    >>> np.sum(w**2).backward()
    >>> Signed([w], lr=0.1).step()
    >>> w.data
    array([ 0.9, -1.9])
    """

    slots: ClassVar[tuple[str, ...]] = ()
    """The averages kept for each parameter, arrays of its shape that start at 0."""
    settings: ClassVar[tuple[str, ...]] = ("weight_decay", "clip_value", "clip_norm")

    def __init__(
        self,
        parameters: Parameters | None = None,
        lr: float | Schedule = 0.01,
        *,
        weight_decay: float = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
        **others: Any,
    ) -> None:
        called = type(self).__name__
        if type(self).formula is Optimizer.formula and type(self).rule is Optimizer.rule:
            raise TypeError(f"{called} is abstract: expected a subclass with formula(W, dW, ...)")
        for name in others:
            raise TypeError(str(unknown(called, name, SETTINGS, ("lr", *self.settings))))
        self.parameters = None if parameters is None else named(parameters, called)
        self.lr = lr
        self.weight_decay = at_least(f"{called}: weight_decay", weight_decay, 0)
        self.clip_value = None if clip_value is None else above_zero(f"{called}: clip_value", clip_value)
        self.clip_norm = None if clip_norm is None else above_zero(f"{called}: clip_norm", clip_norm)
        self.t = 0
        """The number of steps begun."""
        self.state: dict[Key, dict[str, Array]] = {}
        self._norm = 0.0
        self._rules = Rules()
        self.owners: tuple[ref[Any], ...] = ()
        """The arrays or Tensors of the compiled step that this optimiser keeps averages for."""

    @property
    def lr(self) -> float:
        """The learning rate of the step begun last (before the first, that of the first)."""
        return self.rate(max(self.t, 1))

    @lr.setter
    def lr(self, rate: float | Schedule) -> None:
        called = f"{type(self).__name__}: lr"
        if callable(rate) and not takes(rate, 1):
            raise TypeError(f"{called}: expected a number, or a function of the step t, got {rate!r}")
        self.schedule = rate if callable(rate) else above_zero(called, rate)

    def rate(self, t: int) -> float:
        """The learning rate of step number t = 1, 2, ...: a schedule counts from 0."""
        if not callable(self.schedule):
            return self.schedule
        rate = self.schedule(t - 1)
        try:
            found = float(rate)
        except (TypeError, ValueError):
            called = type(self).__name__
            raise TypeError(f"{called}: lr: expected a number at step {t - 1}, got {shown(rate)}") from None
        return at_least(f"{type(self).__name__}: lr: at step {t - 1}", found, 0)

    @property
    def plain(self) -> bool:
        """Whether a step is W := W - α dW and nothing else, so that a compiled step may write it out."""
        return False

    def bind(self, parameters: Parameters) -> dict[Key, Tensor]:
        """Sets the parameters that the optimiser keeps averages for.

        Raises:
            ValueError: it already has other parameters.
        """
        given = named(parameters, type(self).__name__)
        if self.parameters is None:
            self.parameters = given
        elif [*map(id, self.parameters.values())] != [*map(id, given.values())]:
            others = ", ".join(map(str, self.parameters))
            raise ValueError(
                f"{type(self).__name__}: it already moves other parameters ({others}); "
                f"got {', '.join(map(str, given))}; make a new one for each model, and where some are frozen"
            )
        return self.parameters

    @property
    def remembers(self) -> bool:
        """Whether a step depends on earlier ones, through averages or the number of steps."""
        return bool(self.slots) or callable(self.schedule)

    def claim(self, owners: Sequence[Any]) -> None:
        """Sets the arrays or Tensors of a compiled step that the optimiser keeps averages for.

        Raises:
            ValueError: it already keeps averages for others.
        """
        if not self.remembers:
            return
        known = [r() for r in self.owners]
        if known and not (len(known) == len(owners) and all(map(is_, known, owners))):
            raise ValueError(
                f"{type(self).__name__}: it already moves other arrays, whose averages it keeps; "
                "make a new optimiser and a new step for each model. To go on from other values, write them "
                'into the same arrays: params["W1"][...] = values'
            )
        self.owners = tuple(map(ref, owners))

    def __getstate__(self) -> dict[str, Any]:
        """A copy has the same averages; it belongs to the arrays that it is first called with."""
        return {**self.__dict__, "owners": (), "_rules": Rules()}

    # The rule

    def formula(self, W: Any, dW: Any, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The new W, and the new averages in the order of ``slots``: NumPy expressions that write nothing.

        Args:
            W: a parameter.
            dW: its gradient, clipped.
            args: none.
            kwargs: ``rate``, the learning rate α of this step; ``t``, its number 1, 2, ...; and the averages.

        Run once on names, it becomes part of a compiled step.
        """
        raise NotImplementedError

    def decayed(self, W: Any, dW: Any, rate: Any) -> tuple[Any, Any]:  # noqa: ARG002  (others have a use for it)
        """W and dW after weight decay: by default that of L2 regularisation, dW + λ W."""
        return W, (dW + self.weight_decay * W if self.weight_decay else dW)

    def moved(self, W: Any, dW: Any, *, rate: Any, t: Any, norm: Any, **slots: Any) -> tuple[Any, ...]:
        """The whole rule: clipping, weight decay and the formula. ``norm`` is the norm of all gradients."""
        if self.clip_norm is not None:
            dW = dW * (self.clip_norm / np.maximum(norm, self.clip_norm))
        if self.clip_value is not None:
            dW = np.minimum(np.maximum(dW, -self.clip_value), self.clip_value)
        W, dW = self.decayed(W, dW, rate)
        return self.formula(W, dW, rate=rate, t=t, **slots)

    def rule(self, W: Array, dW: Array, **slots: Array) -> None:
        """Updates W and the averages in place. A subclass may override this instead of ``formula``.

        dW is clipped then, with weight decay in it, and may be used as scratch.
        """
        new = self.formula(W, dW, rate=self.lr, t=self.t, **slots)
        deque(map(np.copyto, [W, *slots.values()], new), 0)

    @property
    def by_formula(self) -> bool:
        """Whether the subclass overrides only the formula, so that :meth:`move` may do a step."""
        own = type(self)
        return (own.rule, own.begin, own.update) == (Optimizer.rule, Optimizer.begin, Optimizer.update)

    # A step

    def move(self, parameters: Mapping[Any, Array], gradients: Sequence[Array], kept: Any = None) -> None:
        """One step: updates all parameters in place. The gradients are only read.

        After an interrupt the step is either complete or has not begun.

        Args:
            parameters: arrays by the key that their averages are kept under.
            gradients: an array for each.
            kept: a dict in which the pieces of the arrays are cached, for calls with the same arrays.
        """
        t = self.t + 1
        rate, norm = self.rate(t), self._norm_of(gradients)
        moves = self._rules.moves(self, parameters, gradients, {} if kept is None else kept)
        numbers = (rate, t, norm)
        try:
            for move in moves:
                move(*numbers)
            self.t = t
        except BaseException:
            if any(move.begun for move in moves):
                with np.errstate(all="ignore"):
                    for move in moves:
                        move.go_on(*numbers)
                self.t = t
            raise

    def source(self, dtype: DTypeLike = np.float64) -> str:
        """The source of the calls that a step makes, for parameters of a dtype: function, operands, result.

        >>> import tinygrad_edu as tg
        >>> print(tg.optim.Momentum(lr=0.1, beta=0.5).source())
        def numbers(rate, t, norm):
            return rate,
        <BLANKLINE>
        def calls(W, dW, v, m0, rate):
            return [
                (np.multiply, 0.5, v, v),
                (np.multiply, 0.5, dW, m0),
                (np.add, v, m0, v),  # v
                (np.multiply, rate, v, m0),
                (np.subtract, W, m0, W),  # W
            ]
        """
        return self._rules.source(self, np.dtype(dtype))

    def averages(self, key: Key, parameter: Array) -> dict[str, Array]:
        """The averages of a parameter, which start at 0."""
        if key not in self.state:
            self.state[key] = {slot: np.zeros_like(parameter) for slot in self.slots}
        return self.state[key]

    def _norm_of(self, gradients: Iterable[Array]) -> float:
        """The norm over all entries of all gradients; needed for ``clip_norm`` only."""
        if self.clip_norm is None:
            return 0.0
        return math.sqrt(sum(float(np.vdot(g, g)) for g in gradients))

    def begin(self, gradients: Iterable[Array]) -> None:
        """Starts a step: counts it, and computes the norm of all gradients for ``clip_norm``."""
        self.t += 1
        self._norm = self._norm_of(gradients)

    def update(self, key: Key, parameter: Array, gradient: Array) -> None:
        """Updates one parameter in place. Overwrites the gradient; ``key`` is that of its averages."""
        if type(self).rule is Optimizer.rule:
            for move in self._rules.moves(self, {key: parameter}, [gradient], {}):
                move(self.lr, self.t, self._norm)
            return
        if gradient.shape != parameter.shape:
            raise ValueError(f"{key}: expected a gradient of shape {parameter.shape}, got {gradient.shape}")
        if self.clip_norm is not None:
            gradient *= self.clip_norm / max(self._norm, self.clip_norm)
        if self.clip_value is not None:
            np.clip(gradient, -self.clip_value, self.clip_value, out=gradient)
        if self.weight_decay:
            gradient += self.weight_decay * parameter
        self.rule(parameter, gradient, **self.averages(key, parameter))

    def step(self, parameters: Parameters | None = None, gradients: Any = None) -> None:
        """One step with the gradients in ``.grad``, or with the given ones.

        Args:
            parameters: the Tensors to update; by default those that the optimiser was made with.
            gradients: an array each, in the same order or under the same names (as from ``tg.grad``).

        Raises:
            RuntimeError: no parameter has a gradient, or a graph that is not yet differentiated still
                depends on one.

        >>> import tinygrad_edu as tg
        >>> w = tg.Tensor([1.0, 2.0])
        >>> optimizer = tg.optim.SGD([w], lr=0.5)
        >>> (w * w).sum().backward()
        >>> optimizer.step()
        >>> w.tolist()
        [0.0, 0.0]
        """
        called = type(self).__name__
        targets = self.parameters if parameters is None else self.bind(parameters)
        if targets is None:
            raise TypeError(f"{called}.step: expected the parameters, here or when the optimiser is made")
        found = (
            {key: p.grad for key, p in targets.items()} if gradients is None else _paired(targets, gradients)
        )
        moving = {key: np.asarray(g) for key, g in found.items() if g is not None}
        if not moving:
            raise RuntimeError(
                f"{called}.step: no parameter has a gradient; call backward() first, or give gradients="
            )
        check_unlocked(f"{called}.step", {key: targets[key] for key in moving})
        if not self.t:
            warn_of_use(targets.values())
        if self.by_formula:
            self.move({key: targets[key].data for key in moving}, [*moving.values()])
            return
        self.begin(moving.values())
        for key, gradient in moving.items():
            self.update(key, targets[key].data, np.array(gradient))

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Sets ``.grad`` of the optimiser's parameters to None."""
        if not set_to_none:
            raise ValueError("zero_grad: set_to_none: expected True; zero_grad() always sets .grad to None")
        for parameter in (self.parameters or {}).values():
            parameter.zero_grad()

    def __repr__(self) -> str:
        given = {name: getattr(self, name) for name in self.settings}
        told = "".join(f", {name}={value!r}" for name, value in given.items() if value not in (None, 0.0))
        # a function without its address
        rate = getattr(self.schedule, "__qualname__", None) or repr(self.schedule)
        return f"{type(self).__name__}(lr={rate}{told})"


def named(parameters: Any, called: str) -> dict[Key, Tensor]:
    """The parameters by name, or numbered, from a mapping, an iterable of Tensors, or one Tensor."""
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    of_model = callable(getattr(parameters, "parameters", None))
    if not isinstance(parameters, Iterable) or isinstance(parameters, (str, np.ndarray)) or of_model:
        hint = f"the learning rate goes by name: {called}(lr=0.1)"
        if of_model or callable(parameters):
            hint = f"of a model they are {called}(model.parameters(), lr=0.1)"
        raise TypeError(f"{called}: expected Tensors as parameters, got {shown(parameters)}; {hint}")
    found = dict(parameters.items() if isinstance(parameters, Mapping) else enumerate(parameters))
    for key, parameter in found.items():
        if isinstance(parameter, str):
            raise TypeError(
                f"{called}: expected Tensors as parameters, got their names ({parameter!r}, ...); give the "
                "mapping itself, model.parameters(), or its model.parameters().values()"
            )
        if isinstance(parameter, Mapping):
            raise TypeError(
                f"{called}: expected Tensors, got {parameter!r}; groups with settings of their own are "
                "optimisers of their own here, one for each"
            )
        if not isinstance(parameter, Tensor) or parameter.op is not None or not parameter.requires_grad:
            raise TypeError(
                f"{called}: parameters: {key}: expected a leaf Tensor that requires a gradient, got "
                f"{_told(parameter)}"
            )
    if not found:
        raise ValueError(f"{called}: parameters: expected at least one, got none")
    if len({*map(id, found.values())}) < len(found):
        raise ValueError(f"{called}: the same parameter is given twice among {', '.join(map(str, found))}")
    return found


def check_unlocked(called: str, parameters: Mapping[Any, Tensor]) -> None:
    """Raises RuntimeError where a recorded graph still depends on a parameter's value."""
    for key, parameter in parameters.items():
        if not parameter.data.flags.writeable:
            raise RuntimeError(
                f"{called}: {parameter.name or key} is read-only, because a recorded graph still depends on "
                "it; differentiate that graph (without retain_graph), or let go of it, first"
            )


def _paired(targets: Mapping[Key, Tensor], gradients: Any) -> dict[Key, Any]:
    if isinstance(gradients, Mapping):
        if set(gradients) != set(targets):
            raise ValueError(
                f"gradients: expected {', '.join(map(str, targets))}, got {', '.join(map(str, gradients))}"
            )
        return {key: gradients[key] for key in targets}
    if not isinstance(gradients, (list, tuple)):
        raise TypeError(f"gradients: expected a list of arrays, or arrays by name, got {shown(gradients)}")
    if len(gradients) != len(targets):
        raise ValueError(f"gradients: expected {len(targets)}, one for each parameter, got {len(gradients)}")
    return dict(zip(targets, gradients, strict=True))


def _told(parameter: Any) -> str:
    """How a message describes an object that is no parameter."""
    if not isinstance(parameter, Tensor):
        return shown(parameter)
    frozen = "a constant; for what is frozen: {k: p for k, p in parameters.items() if p.requires_grad}"
    why = frozen if parameter.op is None else f"the result of {parameter.op.name}"
    return f"{described(parameter, parameter.name)}, {why}"
