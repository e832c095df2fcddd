"""Inputs for a student's forward pass: their shapes, read from the file or tried out.

In this order: a dict ``shapes`` in the file; arrays of these names that the file has; what its own
initialiser makes; and else the usual shapes in each usual layout, of which the first is taken with which
the forward pass runs.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu.check.student.loading import Loaded, StudentFileError

UNITS = (7, 6, 5, 9, 8, 10)
"""n_x, n[1], ...: pairwise different, and none of 2, 3, 4, so that no two mistakes coincide."""
EXAMPLES, CLASSES = 11, 12
DATA, LABELS = ("X", "x", "A0", "inputs"), ("Y", "y", "labels", "targets", "t", "T")
_PARAMETER = re.compile(r"([^\W\d_]+)_?(\d+)")
_KEYED_BY_LAYER = re.compile(r"""['"]W['"]\s*\+\s*str|f['"]W\{""")
_SIZES = {
    "n_x": UNITS[0], "n_in": UNITS[0], "dim": UNITS[0], "input_size": UNITS[0], "input_dim": UNITS[0],
    "n_features": UNITS[0], "n_h": UNITS[1], "hidden_size": UNITS[1], "hidden_dim": UNITS[1],
    "n_hidden": UNITS[1],
}  # fmt: skip
_OUTPUTS = ("n_y", "n_out", "output_size", "output_dim", "n_classes", "num_classes")
_LAYERS = ("layer_dims", "layers_dims", "layer_sizes", "layers", "sizes", "dims")

Shapes = dict[str, Any]


def said(loaded: Loaded) -> Shapes | None:
    """The dict ``shapes`` of the file, if it has one."""
    found = vars(loaded.module).get("shapes") or vars(loaded.module).get("SHAPES")
    if found is None:
        return None
    if not isinstance(found, Mapping):
        raise StudentFileError(
            f"{loaded.name}: shapes: expected a dict such as {{'W1': (4, 3)}}, got {found!r}"
        )
    return dict(found)


def made(f: Callable[..., Any], source: str) -> Any:
    """The result of an initialiser or a class, called with sizes by the names of its parameters.

    Raises:
        TypeError: one of its parameters is named after no size that is known.
    """
    given: dict[str, Any] = {}
    last = CLASSES if _several_classes(source) else 1
    for name, parameter in inspect.signature(f).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name in _SIZES:
            given[name] = _SIZES[name]
        elif name in _OUTPUTS:
            given[name] = last
        elif name in _LAYERS:
            given[name] = [UNITS[0], UNITS[1], UNITS[2], last]
        elif parameter.default is parameter.empty:
            raise TypeError(f"{f.__name__}: no size is called {name!r}")
    return f(**given)


def _several_classes(source: str) -> bool:
    """Whether the code speaks of a softmax, of classes, or of a label's entry: ``p[range(m), y]``."""
    picked = re.search(r"\[\s*(np\.arange|range)\(|\[\s*y\[", source) is not None
    return picked or "softmax" in source or "num_classes" in source


def of_initialiser(loaded: Loaded) -> Shapes:
    """The parameters that the file's own initialiser makes, by name; empty where it has none."""
    for name, f in vars(loaded.module).items():
        if not re.match(r"init", name) or not inspect.isfunction(f):
            continue
        try:
            found = loaded.guarded(partial(made, f, loaded.source))
        except (StudentFileError, TypeError):
            continue
        if isinstance(found, Mapping):
            return dict(found)
        if isinstance(found, tuple) and len(found) == 2:  # initialize_with_zeros gives w, b
            return {"w": found[0], "b": found[1]}
    return {}


def possible(loaded: Loaded, wanted: set[str]) -> Iterator[Shapes]:
    """Shapes to try, the likeliest first, for parameters W1, b1, ... (or w, b) and for the data."""
    names = _names(loaded.source) | wanted
    usual = _layers_of("W", names) or _layers_of("w", names)
    if not usual and _KEYED_BY_LAYER.search(loaded.source):
        usual = [1, 2, 3]  # parameters["W" + str(l)]: for any number of layers
    softmax = _several_classes(loaded.source)
    weight = next((w for w in ("w", "W_", "W") if f"{w}1" in names), "W")
    bias = next((b for b in ("b", "B", "b_") if f"{b}1" in names), "b")
    own = _of_other_names(loaded.source, names, wanted)
    if usual:
        bias = own[1] if own and f"{bias}1" not in names else bias
        found = _layered(usual, weight, bias, softmax=softmax)
    elif names & {"w", "W"}:
        found = _single("w" if "w" in names else "W", "b", softmax=softmax)
    elif own and (layers := _layers_of(own[0], names)):
        found = _layered(layers, *own, softmax=softmax)
    else:
        found = _single(*own, softmax=softmax) if own else iter(())
    for shapes in found:
        yield _renamed(shapes, wanted)


def _layers_of(base: str, names: set[str]) -> list[int]:
    """1, 2, ... L where each layer's parameter has this name with the layer's number."""
    matches = (_PARAMETER.fullmatch(name) for name in names)
    return sorted({int(m[2]) for m in matches if m and m[1] == base.removesuffix("_")})


def _of_other_names(source: str, names: set[str], wanted: set[str]) -> tuple[str, str] | None:
    """The names of a layer's weights and bias that are no W and b: theta and beta, of dtheta and dbeta.

    They are what a pass takes and has the gradient of. Weights are multiplied.
    """
    bases: dict[str, bool] = {}
    for name in sorted(wanted):
        if f"d{name}" in names or f"grad_{name}" in names:
            numbered = _PARAMETER.fullmatch(name)
            base = name[: -len(numbered[2])] if numbered else name
            bases[base] = bases.get(base, False) or _multiplied(name, source)
    weights = [base for base, multiplied in bases.items() if multiplied]
    biases = [base for base, multiplied in bases.items() if not multiplied]
    one = len(weights) == 1 and len(biases) < 2
    return (weights[0], biases[0] if biases else "b") if one else None


def for_parameters(parameters: Mapping[str, tuple[int, ...]], wanted: set[str]) -> Iterator[Shapes]:
    """Shapes of data for parameters of known shapes: n_x and the number of classes are sizes of theirs."""
    sizes = dict.fromkeys(size for shape in parameters.values() for size in shape)
    for n_x in sizes:
        for last in dict.fromkeys((1, *sizes)):
            for columns in (True, False):
                for Y in _labels(columns=columns, last=last):
                    yield _renamed({"X": (n_x, EXAMPLES) if columns else (EXAMPLES, n_x), "Y": Y}, wanted)


def _renamed(shapes: Shapes, wanted: set[str]) -> Shapes:
    """The data under the names by which the passes take them: y for Y."""
    names = {}
    for usual, others in (("X", DATA), ("Y", LABELS)):
        names[usual] = next((n for n in others if n in wanted), usual)
    return {names.get(name, name): shape for name, shape in shapes.items()}


def _multiplied(name: str, source: str) -> bool:
    """Whether code has an array of this name as an operand of a matrix product."""
    operand = rf"\b{name}\b(?:\.T)?"
    return bool(
        re.search(rf"{operand}\s*(?:@|\.dot\()|@\s*{operand}|(?:dot|matmul)\([^()]*{operand}", source)
    )


def _names(source: str) -> set[str]:
    """The names that code uses, and those that it uses as keys."""
    nodes = list(ast.walk(ast.parse(source)))
    found = {node.id for node in nodes if isinstance(node, ast.Name)}
    found |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    found |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    keys = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return found | {key for key in keys if key.isidentifier()}


def _layered(layers: list[int], W: str, b: str, *, softmax: bool) -> Iterator[Shapes]:
    L = len(layers)
    if layers == list(range(1, L + 1)) and len(UNITS) >= L:
        for last in (CLASSES, 1) if softmax else (1, CLASSES):
            yield from _of_sizes([*UNITS[:L], last], W, b)


def _of_sizes(n: list[int], W: str, b: str) -> Iterator[Shapes]:
    last, m, layers = n[-1], EXAMPLES, range(1, len(n))
    for columns, turned in ((True, False), (False, False), (False, True)):
        sizes = [(n[l], n[l - 1]) if columns or turned else (n[l - 1], n[l]) for l in layers]
        for shape in (lambda k: (k, 1),) if columns else (lambda k: (k,), lambda k: (1, k)):
            parameters: Shapes = {}
            for l in layers:
                parameters |= {f"{W}{l}": sizes[l - 1], f"{b}{l}": shape(n[l])}
            for Y in _labels(columns=columns, last=last):
                yield {**parameters, "X": (n[0], m) if columns else (m, n[0]), "Y": Y}


def _single(w: str, b: str, *, softmax: bool) -> Iterator[Shapes]:
    """One layer: the notes' column w (n_x, 1), a row, a vector, or a matrix of several outputs."""
    n_x, m = UNITS[0], EXAMPLES
    for last in (CLASSES, 1) if softmax else (1,):
        for columns in (True, False):
            X = (n_x, m) if columns else (m, n_x)
            for shape in ((n_x, last), (last, n_x)) if softmax or w != "w" else ((n_x, 1), (1, n_x)):
                for bias in ((), (last, 1)) if columns else ((), (last,), (1, last)):
                    for Y in _labels(columns=columns, last=last):
                        yield {w: shape, b: bias, "X": X, "Y": Y}
            yield {w: (n_x,), b: (), "X": X, "Y": (m,)}


def _labels(*, columns: bool, last: int) -> Iterator[Any]:
    """0 or 1 for each example; or of its class, zeros with a one in a column or a row, or the number."""
    if last == 1:
        yield (1, EXAMPLES) if columns else _zeros_and_ones
        yield (EXAMPLES,)
    else:
        yield (last, EXAMPLES) if columns else partial(_one_hot_rows, last)
        yield partial(_class_numbers, last)


def _zeros_and_ones(rng: np.random.Generator) -> Any:
    return (rng.random((EXAMPLES, 1)) < 0.5).astype(float)


def _one_hot_rows(classes: int, rng: np.random.Generator) -> Any:
    return np.eye(classes)[_class_numbers(classes, rng)]


def _class_numbers(classes: int, rng: np.random.Generator) -> Any:
    return rng.integers(0, classes, EXAMPLES)
