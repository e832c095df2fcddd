"""Two mistakes that the course's notes warn of, each reported once for its line.

- Labels (m, 1) meet predictions (1, m), or b (n, 1) meets db (n,): NumPy repeats both, and the cost, or b,
  is a square matrix. Looked for where a result has the shape of none of its operands.
- ``w = w - alpha * w.grad`` records the update, so that every w depends on all before it. Looked for where a
  backward pass meets what an earlier one has been through; the tensor on which that rests is then watched.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from tinygrad_edu import errors
from tinygrad_edu.core.call_sites import calling_frame, outer_frame, written_at
from tinygrad_edu.core.callers import variables_of_the_caller
from tinygrad_edu.core.user_warnings import told_once, told_so_far

# labels (m, 1) against predictions (1, m)


def _both_repeated(a: Sequence[int], b: Sequence[int]) -> bool:
    """Whether NumPy repeats both shapes to fit each other, along axes of the same length.

    >>> _both_repeated((5, 1), (1, 5)), _both_repeated((5, 1), (5,)), _both_repeated((5, 1), (1, 4))
    (True, True, False)
    """
    n = max(len(a), len(b))
    pairs = list(zip((1,) * (n - len(a)) + tuple(a), (1,) * (n - len(b)) + tuple(b), strict=True))
    repeats_of_a = {y for x, y in pairs if x == 1 != y}
    repeats_of_b = {x for x, y in pairs if y == 1 != x}
    return bool(repeats_of_a & repeats_of_b)


def with_repeats(args: Sequence[Any], shape: tuple[int, ...]) -> None:
    """Warns where two operands of a step were repeated against each other, and neither on purpose."""
    shapes = [tuple(getattr(a, "shape", ())) for a in args]
    if shape in shapes:
        return
    pairs = [(i, j) for i in range(len(args)) for j in range(i) if _both_repeated(shapes[i], shapes[j])]
    frame = calling_frame() if pairs else None
    if frame is None:
        return
    source, tree = written_at(frame)
    texts = _operands(tree, len(args))
    for i, j in pairs:
        if {*_sources(args[i])} & {*_sources(args[j])}:
            continue  # x - x.T is meant
        if any(_on_purpose(args[k]) or _says_so(texts[k]) for k in (i, j)):
            continue
        told_once(frame, _repeated(args, shapes, (j, i), texts, source, shape), errors.OuterBroadcastWarning)
        return


def _operands(tree: ast.AST | None, n: int) -> list[ast.AST | None]:
    """The expressions that gave the operands, where the code can be read."""
    found: list[Any] = []
    if isinstance(tree, ast.BinOp):
        found = [tree.left, tree.right]
    elif isinstance(tree, ast.AugAssign):
        found = [tree.target, tree.value]
    elif isinstance(tree, ast.Compare) and len(tree.comparators) == 1:
        found = [tree.left, *tree.comparators]
    elif isinstance(tree, ast.Call):
        found = list(tree.args)
    return found if len(found) == n else [None] * n


def _says_so(text: ast.AST | None) -> bool:
    """Whether the expression itself gives the operand an axis: ``x[:, None]``, ``np.reshape(x, (n, 1))``."""
    return text is not None and any(
        (isinstance(node, ast.Constant) and node.value is None)
        or getattr(node, "attr", getattr(node, "id", None)) in {"newaxis", "expand_dims", "reshape"}
        for node in ast.walk(text)
    )


def _on_purpose(value: Any) -> bool:
    """Whether the record says that the operand was given an axis: by None in an index, or ``expand_dims``."""
    while getattr(value, "op", None) is not None:
        parent = _followed(value)
        if parent is None:
            return False
        index = value.settings.get("index", 0)
        if value.op.kernel == "expand_dims" or index is None:
            return True
        if isinstance(index, tuple) and any(part is None for part in index):
            return True
        value = parent
    return False


def _followed(value: Any) -> Any:
    """The operand whose entries become one entry each of the result: of ``-x``, ``x.T``, ``2 * x``."""
    if value.op.kind != "elementwise" and not value.op.moves:
        return None
    return next((p for p in value.parents if p is not None and p.size == value.size), None)


def _sources(value: Any) -> Iterable[int]:
    """The ids of what an operand is a rearrangement of, or was computed from entry by entry."""
    while value is not None:
        yield id(value)
        if not hasattr(value, "op"):
            value = getattr(value, "base", None)
        else:
            value = None if value.op is None else _followed(value)


def _repeated(
    args: Sequence[Any],
    shapes: Sequence[tuple[int, ...]],
    pair: tuple[int, int],
    texts: Sequence[ast.AST | None],
    source: str,
    shape: tuple[int, ...],
) -> str:
    names = variables_of_the_caller(object)
    called = {k: _name(args[k], names) if (text := texts[k]) is None else ast.unparse(text) for k in pair}
    said = " and ".join(f"{called[k]} {shapes[k]}" for k in pair)
    # Labels and gradients have the wrong shape more often than parameters and predictions.
    given, to = sorted(pair, key=lambda k: (len(shapes[k]), hasattr(args[k], "op")))
    mended = called[given] if called[given].isidentifier() else f"({called[given]})"
    return (
        f"{said}{f' in `{source}`' if source else ''} give {shape}: NumPy repeats both. Where entry "
        f"belongs to entry, give both one shape: {mended}.reshape{shapes[to]}, or keep the axis where it was "
        "summed away, with keepdims=True. Where every pair is meant, say so: x[:, None]."
    )


def _name(value: Any, names: dict[int, str]) -> str:
    return getattr(value, "name", None) or names.get(id(value)) or type(value).__name__


# updates that are recorded


class Spent:
    """Stands for the guards of a node that a backward pass has been through: one for each pass."""

    __slots__ = ("__weakref__",)


_age = attrgetter("seq")
FEW, MANY = 2, 8  # passes: from which on an update is looked for, and at which it is told without


def carried_over(met: Any, nodes: Iterable[Any], now: Spent) -> None:
    """Called where a pass reaches nodes of an earlier one. Where that repeats, the line is looked for.

    ``met`` is the node it came to, ``nodes`` those whose gradient it has.
    """
    passes = _passes_through(met)
    if passes < FEW:
        return
    updates: set[int] = set()
    for node in sorted((node for node in nodes if node.guards is now), key=_age):
        operands = [p for p in node.parents if p is not None]
        if len(operands) == 1 and (id(operands[0]) in updates or _spent_before(operands[0], now)):
            updates.add(id(node))
            node._watch()
    frame = outer_frame() if passes == MANY else None
    if frame is not None and not any(kind is errors.RecordedUpdateWarning for *_, kind in told_so_far()):
        told_once(
            frame,
            f"{passes} backward passes have gone through what this one goes through again, so each costs "
            "more than the one before. Something computed in one round of the loop is carried into the next "
            "with its history: detach it there (h = h.detach()), or update parameters by w.data -= ...",
            errors.RecordedUpdateWarning,
        )


def _spent_before(node: Any, now: Spent) -> bool:
    return node.op is not None and type(node.guards) is Spent and node.guards is not now


def _passes_through(node: Any) -> int:
    """How many passes ended in the history of a node, counted up to one more than matters."""
    passes: set[int] = set()
    waiting, seen = [node], {id(node)}
    while waiting and len(passes) <= MANY:
        node = waiting.pop()
        if type(node.guards) is Spent:
            passes.add(id(node.guards))
        for p in node.parents:
            if p is not None and p.op is not None and id(p) not in seen:
                seen.add(id(p))
                waiting.append(p)
    return len(passes)


def watch_for_updates(op: Any, among: Iterable[Any], result: Any) -> None:
    """Warns where a watched tensor is updated: ``w - alpha * dw``, a result of its shape, with constants."""
    for watched in among:
        operands = [p for p in result.parents if p is not None]
        if op.kind == "elementwise" and len(operands) == 1 and result.shape == watched.shape:
            _told_of_update(watched)


def _told_of_update(watched: Any) -> None:
    frame = calling_frame()
    if frame is None:
        return
    watched._watch(over=True)
    name = _name(watched, variables_of_the_caller(object))
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno, frame.f_globals).strip()
    told_once(
        frame,
        f"{f'`{line}`' if line else 'this update'} is recorded like any other step: {name} depends on every "
        f"{name} before it, so each backward pass costs more than the one before, and pictures show the old "
        f"updates. Change the value instead: {name}.data -= ..., or with tg.no_grad(): {name} -= ...",
        errors.RecordedUpdateWarning,
    )
