"""Searches the caller's functions for the code that made plain arrays: masks, one-hot labels, parts of data.

An array is taken for what code gives only where it gives exactly that array. Where several pieces of code do,
as where two rounds of a loop happen to meet the same letter, they are told apart by their order; where that
says nothing, the array is given.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.copied_arrays import place, viewed
from tinygrad_edu.expression.named_settings import index_parts
from tinygrad_edu.graph.code.excerpt import Excerpt, Place
from tinygrad_edu.graph.code.running import Work
from tinygrad_edu.graph.code.scope import Scope, Unknown
from tinygrad_edu.graph.code.sharing import with_shared
from tinygrad_edu.graph.code.statements import changed, changed_by, names_in, written

_MOST_ROUNDS = 200
_FEW = 4
"""Entries of a mask that many expressions could give."""
_MayBe = Callable[[ast.Subscript, Any, Scope], bool]
_GIVING = (ast.Call, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript, ast.Attribute)


@dataclass(frozen=True)
class Found:
    """An expression that gives an array, where it stands, and the variable that held it."""

    e: Any
    where: Place
    name: str | None = None


def found_in(
    scopes: Iterable[Scope], arrays: Mapping[int, NDArray[Any]], known: Container[int]
) -> dict[int, Found]:
    """The code for arrays; those that were made by no code in sight are left out.

    Args:
        scopes: of the functions that run, and of those that these called.
        arrays: by any key, in the order of their use.
        known: the ids of the caller's arrays that are used as well: of two calls of a function, the one with
            these is meant.
    """
    groups: dict[Any, list[int]] = {}
    for key, array in arrays.items():
        if array.dtype.kind not in "bO" or array.size >= _FEW:
            groups.setdefault(_look(array), []).append(key)
    candidates: dict[Any, list[_Candidate]] = {look: [] for look in groups}
    work = Work()
    for scope in scopes if groups else ():
        for one in _candidates(Place.of(scope), work):
            alone = Excerpt(work)
            try:
                value = alone.add(0, one.e, one.where)
            except Unknown:
                if work.left < 0:  # an array could be that of code which was not tried
                    return {}
                continue
            if isinstance(value, np.ndarray) and (look := _look(value)) in candidates:
                near = any(id(read) in known for read in alone.reads.values())
                candidates[look].append((one, value, alone.text(0), near))
    told: dict[int, Found] = {}
    for look, keys in groups.items():
        told |= _told_apart({key: arrays[key] for key in keys}, candidates[look])
    return told


def _look(array: NDArray[Any]) -> Any:
    return array.shape, array.dtype, array.tobytes()


_Candidate = tuple[Found, Any, str, bool]
"""Code, what it gives, its text, and whether it reads what is used as well."""


def _told_apart(arrays: Mapping[int, NDArray[Any]], found: Sequence[_Candidate]) -> dict[int, Found]:
    """Of arrays that are equal, and code that gives one like them, which gives which."""
    told: dict[int, Found] = {}
    for key, array in arrays.items():
        seen = viewed(array)
        same = [one for one, value, *_ in found if seen is not None and place(value) == seen]
        if same:
            told[key] = next((one for one in same if one.name is not None), same[0])
    left = [key for key in arrays if key not in told]
    near = [candidate for candidate in found if candidate[3]] or found
    fresh = [(one, text) for one, value, text, _ in near if not _is_part(value)]
    named = [(one, text) for one, text in fresh if one.name is not None]
    for those in (named, fresh) if len(left) == 1 else (fresh,):  # of several a variable held but one
        texts = dict.fromkeys(text for _, text in those)
        if len(texts) == 1:
            return told | dict.fromkeys(left, those[0][0])
        if texts and len(texts) == len(left):
            firsts = [next(one for one, t in those if t == text) for text in texts]
            return told | dict(zip(left, firsts, strict=True))
    return told


def _is_part(value: NDArray[Any]) -> bool:
    """Whether it looks into an array of the caller's: such a view can only be read."""
    return not value.flags.writeable


def _candidates(where: Place, work: Work) -> Iterator[Found]:
    """What holds or gives arrays in a function, and in each round of its loops."""
    gone = where.outer is not None or where.scope.depth > 0
    if gone:
        once = (s for s in where.block if not isinstance(s, ast.For))
        for name in dict.fromkeys(n for statement in once for n in sorted(changed_by(statement))):
            yield from (Found(ast.Name(name, ast.Load()), used, name) for used in _uses(name, where))
    for k, statement in enumerate(where.block):
        here = where.before(k)
        if isinstance(statement, ast.For):
            for one in _rounds(statement, here, work):
                yield from _candidates(one, work)
        elif isinstance(statement, ast.If):
            asked = ast.Call(ast.Name("bool", ast.Load()), [statement.test], [])
            block = {True: statement.body, False: statement.orelse}.get(_value(asked, here, work), [])
            inner = (s for s in block if not isinstance(s, ast.For))
            yield from (Found(e, here) for s in inner for e in _giving(s))
        elif isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.While, ast.Try)):
            continue
        elif not changed_by(statement) & with_shared(written(where.block[k + 1 :]), where.sharing):
            held = _held(statement, where.block[k + 1 :]) if gone else None
            yield from (Found(e, here) for e in _giving(statement) if e is not held)


def _held(statement: ast.stmt, after: Sequence[ast.stmt]) -> ast.expr | None:
    """The expression whose value a variable holds from there on; such a variable is tried by its name."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
        return None
    return None if changed_by(statement) & changed(after, {}) else statement.value


def _uses(name: str, where: Place) -> Iterator[Place]:
    """Where a variable that is written into is read; of any other the end will do."""
    if name not in with_shared(written(where.block), where.sharing):
        yield where
        return
    for k, statement in enumerate(where.block):
        if name in names_in(statement) and name not in changed_by(statement):
            yield where.before(k)


def _giving(part: ast.AST) -> Iterator[ast.expr]:
    """The expressions that may give arrays; not those that may not have been worked out."""
    if isinstance(part, (ast.IfExp, ast.BoolOp, ast.Lambda)):
        return
    if isinstance(part, _GIVING):
        yield part
    for inner in ast.iter_child_nodes(part):
        yield from _giving(inner)


def _rounds(loop: ast.For, where: Place, work: Work) -> Iterator[Place]:
    """The rounds of a loop over what is known."""
    for k, variables in enumerate(_variables(loop.target, loop.iter, where, work)):
        yield Place(where.scope, loop.body, where, variables, first=not k)


def _variables(
    target: ast.expr, over: ast.expr, where: Place, work: Work
) -> Iterator[Mapping[str, ast.expr]]:
    """What a loop's variables are in each round, as expressions outside of it."""
    called = over.func.id if isinstance(over, ast.Call) and isinstance(over.func, ast.Name) else ""
    parts = target.elts if isinstance(target, (ast.Tuple, ast.List)) else []
    if called == "enumerate" and len(parts) == 2 and isinstance(over, ast.Call):
        first = _value(over.args[1], where, work) if len(over.args) > 1 else 0
        if type(first) is not int:
            return
        for k, inner in enumerate(_variables(parts[1], over.args[0], where, work)):
            yield {**inner, **_bound(parts[0], ast.Constant(k + first))}
    elif called == "zip" and isinstance(over, ast.Call) and len(parts) == len(over.args):
        every = [_variables(part, e, where, work) for part, e in zip(parts, over.args, strict=True)]
        for one in zip(*every, strict=False):
            yield {name: e for inner in one for name, e in inner.items()}
    else:
        value = _value(over, where, work)
        if not isinstance(value, (range, list, tuple, np.ndarray)) or len(value) > _MOST_ROUNDS:
            return
        for k, member in enumerate(value):
            if type(member) in (int, float, str):
                yield _bound(target, ast.Constant(member))
            else:
                yield _bound(target, ast.Subscript(over, ast.Constant(k), ast.Load()))


def _bound(target: ast.expr, e: ast.expr) -> dict[str, ast.expr]:
    return {target.id: e} if isinstance(target, ast.Name) else {}


def _value(e: ast.expr, where: Place, work: Work) -> Any:
    try:
        value = Excerpt(work).add(0, e, where)
    except Unknown:
        return None
    return list(value) if isinstance(value, type(reversed(range(0)))) else value


def indices_in(
    scopes: Iterable[Scope], nodes: Sequence[Any], index: Callable[[Any], Any], may_be: _MayBe
) -> dict[Any, Found]:
    """The expressions by which entries were picked, as ``p[targets[t], 0]``, each by what it gave.

    Args:
        scopes: as for :func:`found_in`.
        nodes: what was picked, in the order in which it was.
        index: of one of them the index.
        may_be: whether one was picked by an expression, as far as what it is picked from tells.
    """
    left = list(nodes)
    work = Work()
    found: dict[Any, Found] = {}
    for scope in scopes if left else ():
        for e, where in _picking(Place.of(scope), work):
            fits = [node for node in left if may_be(e, node, scope)]
            given = _index(e.slice, where, work) if fits else None
            if work.left < 0:
                return {}
            node = next((n for n in fits if given is not None and _agree(given, index(n))), None)
            if node is not None:
                left.remove(node)
                found[node] = Found(e, where)
    return found


def _picking(where: Place, work: Work) -> Iterator[tuple[ast.Subscript, Place]]:
    """The expressions that pick something, in the order in which they run."""
    for statement, here in _running(where, work):
        yield from ((e, here) for e in ast.walk(statement) if isinstance(e, ast.Subscript))


def _running(where: Place, work: Work) -> Iterator[tuple[ast.stmt, Place]]:
    """The statements in the order in which they run, in each round of the loops over what is known."""
    for k, statement in enumerate(where.block):
        here = where.before(k)
        if isinstance(statement, ast.For):
            for one in _rounds(statement, here, work):
                yield from _running(one, work)
        elif not isinstance(statement, (ast.FunctionDef, ast.ClassDef, ast.While)):
            yield statement, here


def runs_of(scopes: Iterable[Scope], expressions: Iterable[ast.expr]) -> dict[int, list[Place]]:
    """Where expressions ran, by their ids, in order; one that may not have run is left out.

    Args:
        scopes: as for :func:`found_in`.
        expressions: parts of these functions.
    """
    wanted = {*map(id, expressions)}
    found: dict[int, list[Place]] = {}
    work = Work()
    for scope in scopes if wanted else ():
        for statement, here in _running(Place.of(scope), work):
            for e in () if isinstance(statement, (ast.If, ast.Try, ast.With)) else ast.walk(statement):
                if id(e) in wanted:
                    found.setdefault(id(e), []).append(here)
    return found if work.left >= 0 else {}


def number_in(e: ast.expr, where: Place) -> tuple[Any, ast.expr, Scope]:
    """What an expression gave where it ran, and the same of what the caller holds.

    Raises:
        Unknown: it is not made of that.
    """
    alone = Excerpt(Work())
    value = alone.add(0, e, where)
    scope = Scope({"np": np, **alone.reads})
    for statement in alone.statements:
        if not (isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)):
            raise Unknown
        scope.expressions[statement.targets[0].id] = statement.value, scope
    return value, alone.results[0], scope


def _index(e: ast.expr, where: Place, work: Work) -> Any:
    """What an index comes to; slices are left open."""
    parts = e.elts if isinstance(e, ast.Tuple) else [e]
    return [None if isinstance(part, ast.Slice) else _value(part, where, work) for part in parts]


def _agree(given: Sequence[Any], index: Any) -> bool:
    recorded = index_parts(index)
    if len(given) != len(recorded):
        return False
    return all(
        isinstance(r, slice) or r is None
        if g is None
        else type(g) is type(r) and np.shape(g) == np.shape(r) and bool(np.all(g == r))
        for g, r in zip(given, recorded, strict=True)
    )
