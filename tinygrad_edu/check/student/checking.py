"""``check.student.check_file``: a file or notebook with a forward and a backward pass, compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from inspect import getmembers, isfunction, ismethod, signature
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.check.comparison import compare
from tinygrad_edu.check.derived_function import random_values
from tinygrad_edu.check.report import Report
from tinygrad_edu.check.runs import several
from tinygrad_edu.check.student.lines import with_lines
from tinygrad_edu.check.student.loading import Loaded, StudentFileError, load
from tinygrad_edu.check.student.naming import gradients_on_the_way, name_quantities
from tinygrad_edu.check.student.passes import Passes, attributes_assigned, found_in
from tinygrad_edu.check.student.running import BackwardError, Run, run
from tinygrad_edu.check.student.shapes import (
    DATA,
    LABELS,
    for_parameters,
    made,
    of_initialiser,
    possible,
    said,
)
from tinygrad_edu.derivation import derive
from tinygrad_edu.errors import arguments_explained

_RUNS = 3


@arguments_explained
def check_file(
    path: str | Path, *, seed: int = 0, forward: str | None = None, backward: str | None = None
) -> Report:
    """Runs a file or a notebook, and compares its backward pass with the gradients of its own forward pass.

    The passes are functions (``forward`` and ``backward``, ``forward_propagation`` and
    ``backward_propagation``, ``L_model_forward`` and ``L_model_backward``, ``propagate``, ...) or methods of
    a class. The forward pass takes the data and the parameters by name (``X, Y, W1, b1, ...``, or
    ``parameters``, a dict) and gives the cost J, or A[L], whose cost is ``compute_cost`` if there is one,
    else the cross-entropy. The backward pass takes what it needs by the forward pass's names (``A1``,
    ``cache``, ``m``); what it takes first is what the forward pass returned. It gives a dict such as
    ``{"dW1": dW1}``, alone or with the cost, a tuple, an object, or leaves its gradients in attributes.
    Inputs are random, of shapes that are found by trying, or said by a dict ``shapes`` in the file.

    **The file is run**, with all that it does: check only files that you would run yourself.

    Args:
        path: a Python file, or a notebook (.ipynb) of which the code cells are run, without magics.
        seed: of the random inputs.
        forward: the name of the forward pass, where it has an unusual one; ``Class.method`` for a method.
        backward: the same of the backward pass.

    Raises:
        StudentFileError: it raises (with the traceback, trimmed to the file), or lacks one of the passes.
        OSError: it can't be read.
    """
    loaded = load(path)
    passes = _passes(loaded, forward, backward)
    shapes, first = _fitting(loaded, passes, seed)
    others = (random_values(shapes, np.random.default_rng(seed + k)) for k in range(1, _RUNS))
    reports = [_compared(one) for one in (first, *(run(loaded, passes, values) for values in others))]
    note = f"{loaded.name} was run, with random inputs of the shapes {_all(shapes)}."
    note = " ".join([note, *map(_left_out, loaded.skipped), *_missing(first)])
    report = with_lines(several(reports), loaded, first.backward, passes.backward or passes.forward)
    return replace(report, notes=(note, *first.notes, *report.notes))


def _missing(one: Run) -> list[str]:
    """Which parameters the backward pass gives no gradient for, where it names those of others."""
    known = {n for name in one.gradients for n in (name, name.removeprefix("d"), name.removeprefix("grad_"))}
    missing = [f"d{name}" for name in one.parameters if name not in known]
    if not 0 < len(missing) < len(one.parameters):
        return []
    return [f"Not judged, as backward does not give it: {', '.join(missing)}."]


@arguments_explained
def right_formulas(
    path: str | Path, *, seed: int = 0, forward: str | None = None, backward: str | None = None
) -> dict[str, str]:
    """The right formula of each gradient of a file's forward pass: ``{"dW1": "dW1 = dZ1 @ X.T / m"}``.

    Arguments and errors are those of :func:`check_file`. Needs the extra ``derive``.
    """
    loaded = load(path)
    passes = _passes(loaded, forward, backward)
    _, first = _fitting(loaded, passes, seed)
    name_quantities(first.forward, first.parameters)
    return {step.name: step.formula for step in derive(first.J).steps}


def _left_out(problem: str) -> str:
    lines = problem.splitlines()
    places = (line.strip().rpartition(", line")[0] for line in lines if line.startswith("  cell"))
    place = next(places, "A cell")
    return f"{place.capitalize()} was left out, as it raises {lines[-1]}."


def _passes(loaded: Loaded, forward: str | None, backward: str | None) -> Passes:
    try:
        return found_in(loaded, forward, backward, lambda owner: _object(loaded, owner))
    except StudentFileError as error:
        if not loaded.skipped:
            raise
        raise StudentFileError("\n".join([str(error), *loaded.skipped])) from None


def _all(shapes: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_shape(value)}" for name, value in shapes.items())


def _shape(value: Any) -> str:
    return "labels" if callable(value) else str(value if isinstance(value, tuple) else np.shape(value))


def _object(loaded: Loaded, owner: type) -> Any:
    try:
        return loaded.guarded(lambda: made(owner, loaded.source))
    except TypeError as error:
        raise StudentFileError(
            f"{loaded.name}: {owner.__name__}: {error}. Make an object of it in the file: net = "
            f"{owner.__name__}(...)"
        ) from None


def _fitting(loaded: Loaded, passes: Passes, seed: int) -> tuple[dict[str, Any], Run]:
    """The first shapes with which both passes run, and that run."""
    problem: StudentFileError | None = None
    for shapes in _candidates(loaded, passes):
        try:
            first = run(loaded, passes, random_values(shapes, np.random.default_rng(seed)))
            if _plausible(first):
                return shapes, first
        except BackwardError as error:
            # its author's mistake, and not that of the shapes: forward runs with them
            if not isinstance(problem, BackwardError):
                problem = BackwardError(f"{error}\n{_ran_with(shapes)}")
        except StudentFileError as error:
            problem = problem or error  # what the likeliest shapes met is what its author should read
    raise problem or StudentFileError(
        f"{loaded.name}: no parameters W1, b1, ... (or w, b) found in it; say their shapes in the file: "
        "shapes = {'W1': (4, 3), 'b1': (4, 1), ..., 'X': (3, 7), 'Y': (1, 7)}"
    )


def _ran_with(shapes: Mapping[str, Any]) -> str:
    return (
        f"It was called with random inputs of the shapes {_all(shapes)}. "
        "If others are meant, say them in the file: shapes = {'W1': (4, 3), ...}"
    )


def _plausible(one: Run) -> bool:
    """Whether every parameter takes part in the cost."""
    return all(p.grad is None or p.grad.shape == p.shape for p in one.parameters.values())


def _candidates(loaded: Loaded, passes: Passes) -> Iterator[dict[str, Any]]:
    given = said(loaded)
    if given is not None:
        yield given
        return
    wanted = {n for f in (passes.forward, passes.cost, passes.backward) if f for n in signature(f).parameters}
    space = vars(loaded.module)
    found = _of_object(passes) or _of_file(space, wanted) or of_initialiser(loaded)
    parameters = {name: np.shape(value) for name, value in found.items() if name not in (*DATA, *LABELS)}
    own = {n: array for n in (*DATA, *LABELS) if n in wanted and (array := _array_of(space, n)) is not None}
    for shapes in possible(loaded, wanted | set(parameters)):
        data = {n: shape for n, shape in shapes.items() if n in (*DATA, *LABELS)}
        if not parameters:
            yield shapes
            continue
        yield {**parameters, **data}
        if own.keys() >= data.keys():
            yield {**parameters, **own}
    if own and parameters:
        yield {**parameters, **own}
    for data in for_parameters(parameters, wanted):
        yield {**parameters, **data}


def _array_of(space: Mapping[str, Any], name: str) -> Any:
    """The file's array of this name, in the other case too: of X where a pass takes x."""
    return next((space[n] for n in (name, name.swapcase()) if isinstance(space.get(n), np.ndarray)), None)


def _of_object(passes: Passes) -> dict[str, Any]:
    """An object's parameters: its arrays of floats, or those in a dict among its attributes."""
    if passes.owner is None:
        return {}
    left = _left_behind(passes)
    kept = {n: v for n, v in vars(passes.owner).items() if n not in left}
    own = {n: v for n, v in kept.items() if _trained(v) and n not in (*DATA, *LABELS)}
    stores = [v for v in kept.values() if isinstance(v, dict) and v and all(map(_trained, v.values()))]
    return own or (dict(stores[0]) if stores else {})


def _left_behind(passes: Passes) -> set[str]:
    """The attributes that are no parameters: what the passes have left, as in a notebook that has run them.

    One that another method makes as well is a parameter: the passes may update it.
    """
    names = vars(passes.owner)
    own = [f for f in (passes.forward, passes.backward) if f]
    code = {f.__code__ for f in own if ismethod(f)}
    others = [f for _, f in getmembers(type(passes.owner), isfunction) if f.__code__ not in code]
    left, made_by_others = ({n for f in fs for n in attributes_assigned(f)} for fs in (own, others))
    gradients = {n for n in names for start in ("d", "grad_") if n.removeprefix(start) in names.keys() - {n}}
    return (left - made_by_others) | gradients


def _trained(value: Any) -> bool:
    return isinstance(value, (np.ndarray, float)) and np.asarray(value).dtype.kind == "f"


def _of_file(space: Mapping[str, Any], wanted: set[str]) -> dict[str, Any]:
    """Arrays of the file's own with the names that its forward pass takes."""
    for name in ("parameters", "params"):
        if name in wanted and isinstance(space.get(name), dict):
            return {k: v for k, v in space[name].items() if _trained(v)}
    found = {n: space[n] for n in wanted if _trained(space.get(n)) and n not in (*DATA, *LABELS)}
    return found if any(np.ndim(v) for v in found.values()) else {}


def _compared(one: Run) -> Report:
    """The gradients that the backward pass gives; where one is wrong, with those on its way."""
    shapes = name_quantities(one.forward, one.parameters)
    given: dict[Any, Any] = {
        f"d{name}" if name in one.parameters else name: g for name, g in one.gradients.items()
    }
    alone = compare(one.J, given)
    if alone.ok:
        return alone
    ways: list[dict[Any, Any]] = gradients_on_the_way(one.backward, shapes)
    whole = [compare(one.J, {**way, **given}) for way in ways if way.keys() - given.keys()]
    # Among equals the whole is preferred, but where a loop's counting is a guess, and nothing bears it out.
    reports = [*whole, alone] if len(ways) == 1 else [alone, *whole]
    return max(reports, key=lambda r: sum(entry.ok for entry in r))
