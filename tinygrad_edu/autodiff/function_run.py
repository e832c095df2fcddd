"""One run of a function on Tensors: what its derivatives are computed from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.core.backward import flow
from tinygrad_edu.core.mode import is_recording, recorded, surroundings
from tinygrad_edu.core.real_arrays import real
from tinygrad_edu.core.stand_ins import is_stand_in, stand_in
from tinygrad_edu.core.structure import alike, leaves, rebuilt
from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.ops.elementwise.arithmetic import positive


@dataclass(frozen=True)
class Run:
    """A function's output, and the inputs that it was recorded from."""

    transform: str
    """What messages call the caller."""
    inputs: tuple[Any, ...]
    """The arguments to differentiate: the caller's structures around Tensors of this run's own."""
    output: Any
    """A Tensor, or a structure of them."""
    aux: Any
    nested: bool
    """Whether results are Tensors, since an outer transform differentiates them; else arrays."""
    recording: bool
    """Whether the results' own history is recorded."""

    @property
    def xs(self) -> list[Tensor]:
        """The inputs' leaves."""
        return [leaf for _, leaf in leaves(self.inputs)]

    @property
    def ys(self) -> list[Tensor]:
        """The output's leaves."""
        return [leaf for _, leaf in leaves(self.output)]

    def scalar(self) -> Tensor:
        """The output, which has to be one number for there to be a gradient."""
        y = self.output
        if not isinstance(y, Tensor):
            raise TypeError(
                f"{self.transform}: expected one number as the result, got {type(y).__name__}; "
                "use has_aux=True for (J, anything else), or jacobian for several results"
            )
        if y.size != 1:
            raise ValueError(
                f"{self.transform}: the function returned shape {y.shape}, and a gradient is that of one "
                "number; reduce it (np.sum, np.mean), or use jacobian or vjp"
            )
        return y

    def returned(self, structure: Any, values: Iterable[Any], *, nested: bool | None = None) -> Any:
        """Results in the caller's structure: new arrays from an outermost call, Tensors from a nested one."""
        if not (self.nested if nested is None else nested):
            return rebuilt(structure, (np.array(_bare(v)) for v in values))
        constant = not is_recording()
        return rebuilt(structure, (_tensor(v).detach() if constant else _tensor(v) for v in values))


def _tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else Tensor(value, requires_grad=False)


def _bare(value: Any) -> Any:
    return value._data if isinstance(value, Tensor) else value


def has_history(tree: Any) -> bool:
    """Whether one of the leaves has a history, requires a gradient, or stands for any value."""
    return any(
        isinstance(leaf, Tensor) and (leaf.requires_grad or leaf.of_any_value) for _, leaf in leaves(tree)
    )


def derivatives(
    ys: Sequence[Tensor], seeds: Sequence[Any], xs: Sequence[Tensor], *, recording: bool
) -> list[Any]:
    """The derivative of the sum of ``seed * y`` by each x: Tensors when recording, else arrays."""
    roots: dict[Tensor, Any] = {}
    for y, seed in zip(ys, seeds, strict=True):
        if y.requires_grad:
            roots[y] = roots[y] + seed if y in roots else seed
    found = flow(roots, create_graph=recording, keep=xs)
    got = [found[x] if x in found else np.zeros_like(x._data) for x in xs]
    return [_tensor(g) for g in got] if recording else got


def seeds_for(run: Run, given: Any, *, recording: bool) -> list[Any]:
    """What to start from at each output leaf: the gradients given, of the output's structure and shapes."""
    if alike(given) != alike(run.output):
        got = type(given).__name__
        raise TypeError(f"{run.transform}: expected gradients in the structure of the output, got {got}")
    what = f"{run.transform}: the gradient"
    return [like(y, g, what, recording=recording) for y, (_, g) in zip(run.ys, leaves(given), strict=True)]


def like(y: Tensor, given: Any, what: str, *, recording: bool) -> Any:
    """A direction at y, of its shape and dtype; a Tensor, its history kept, when recording."""
    value = real(_bare(given), y.dtype, what=f"{what}: ")
    if value.shape != y.shape:
        raise ValueError(f"{what}: expected shape {y.shape}, got {value.shape}")
    if not recording:
        return value if value.ndim else value[()]
    return _tensor(given)


def run(
    transform: str,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    settings: dict[str, Any],
    argnums: int | Sequence[int],
    *,
    has_aux: bool = False,
    beside: Any = None,
) -> Run:
    """Runs the function on Tensors in place of the arguments to differentiate, and keeps the record.

    ``beside`` is what else goes into the results: a direction, which may itself be differentiated by.
    """
    require_function(transform, function)
    places = [_place(transform, k, len(args)) for k in ([argnums] if isinstance(argnums, int) else argnums)]
    if len({*places}) < len(places):
        raise ValueError(f"{transform}: argnums: expected each argument once, got {argnums}")
    around = surroundings()
    inside = around is not None and around.transforms > 0
    recording = is_recording()
    nested = inside or (recording and has_history([args, settings, beside]))
    with recorded():
        own = tuple(_on_tensors(transform, k, args[k]) for k in places)
        given = list(args)
        for k, argument in zip(places, own, strict=True):
            given[k] = argument
        output = function(*given, **settings)
    aux = None
    if has_aux:
        if not isinstance(output, tuple) or len(output) != 2:
            got = type(output).__name__
            raise TypeError(f"{transform}: with has_aux=True the function returns (output, aux), got {got}")
        output, aux = output
    for path, leaf in leaves(output):
        if not isinstance(leaf, Tensor):
            what = type(leaf).__name__ + (f" at {'.'.join(path)}" if path else "")
            raise TypeError(errors.NOT_RECORDED.format(transform=transform, what=what))
    others = _others([leaf for _, leaf in leaves(output)])
    frozen = any(t.of_any_value for t in others)  # an array would have the values of one recording
    nested = nested or frozen or (recording and bool(others))
    return Run(transform, own, output, aux, nested, frozen or (nested and recording))


def _others(ys: Sequence[Tensor]) -> list[Tensor]:
    """The Tensors of the surroundings that the output depends on and that may take other values."""
    reached = dict.fromkeys(ys)
    waiting = [*reached]
    for tensor in waiting:
        new = [t for t in tensor.inputs if (t.requires_grad or t.of_any_value) and t not in reached]
        reached.update(dict.fromkeys(new))
        waiting += new
    leaf = [t for t in reached if t.op is None and (t.requires_grad or t.of_any_value)]
    return [t for t in leaf if not is_stand_in(t)]


def require_function(transform: str, function: Any) -> None:
    """Refuses to differentiate what is no function.

    Raises:
        TypeError: it cannot be called.
    """
    if not callable(function):
        raise TypeError(f"{transform}: expected a function, got {type(function).__name__}")


def _place(transform: str, k: int, n: int) -> int:
    if not isinstance(k, (int, np.integer)):
        raise TypeError(f"{transform}: argnums: expected the number of an argument, or several, got {k!r}")
    if not -n <= k < n:
        raise ValueError(f"{transform}: argnums names argument {k}, and the call has {n} by position")
    return k % n


def _on_tensors(transform: str, k: int, argument: Any) -> Any:
    found: list[Tensor] = []
    for path, leaf in leaves(argument):
        try:
            found.append(_of_its_own(leaf))
        except TypeError as error:
            raise TypeError(f"{transform}: argument {'.'.join([str(k), *path])}: {error}") from None
    if not found and argument:
        raise TypeError(
            f"{transform}: argument {k}: expected real numbers to differentiate by, got {argument!r}"
        )
    return rebuilt(argument, iter(found))


def _of_its_own(leaf: Any) -> Tensor:
    """A Tensor that this run alone differentiates by; where the leaf has a history, it is continued."""
    if isinstance(leaf, Tensor) and (leaf.requires_grad or isinstance(leaf, Symbol)):
        own: Tensor = positive(leaf)
        own.requires_grad = leaf.dtype.kind == "f"
        return own
    return stand_in(leaf)
