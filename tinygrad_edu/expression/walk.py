"""What is done with expressions, written once: parts, names, evaluation, substitution, cost, matching."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.core.application import with_history
from tinygrad_edu.core.facts import MATRIX, PRODUCT
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.node import FLOAT, Node, applied, number
from tinygrad_edu.expression.shapes import defaults_of


def parts(node: Node) -> Iterator[Node]:
    """The expression and everything in it, outermost first, each as often as it is written."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(reversed(one.args))


def in_order(*nodes: Node) -> list[Node]:
    """What they are made of, each once, operands before results."""
    done: dict[Node, None] = {}
    stack = [(node, False) for node in reversed(nodes)]
    while stack:
        node, ready = stack.pop()
        if node in done:
            continue
        if ready or not node.args:
            done[node] = None
        else:
            stack.append((node, True))
            stack += [(a, False) for a in reversed(node.args)]
    return list(done)


def quantities(node: Node) -> list[Node]:
    """The names in it, in the order of their first occurrence."""
    return [one for one in in_order(node) if one.is_name]


def with_args(node: Node, args: Iterable[Node]) -> Node:
    """The same operation on other operands of the same shapes."""
    args = tuple(args)
    if args == node.args or node.op is None:
        return node
    return applied(node.op, *args, settings=node.settings, shape=node.shape, dtype=node.dtype)


def rebuilt(node: Node, change: Callable[[Node], Node | None]) -> Node:
    """The expression with ``change`` made to its parts, outermost first; None leaves a part to its parts."""
    done: dict[Node, Node] = {}

    def walk(one: Node) -> Node:
        if one not in done:
            changed = change(one)
            done[one] = with_args(one, map(walk, one.args)) if changed is None else changed
        return done[one]

    return walk(node)


def remade(node: Node, change: Callable[[Node], Node]) -> Node:
    """The expression with ``change`` made to its parts, inner parts first: each has its new operands."""
    done: dict[Node, Node] = {}
    for one in in_order(node):
        done[one] = change(with_args(one, (done[a] for a in one.args)))
    return done[node]


def replaced(node: Node, by: Mapping[Node, Node]) -> Node:
    """The expression with some of its parts replaced.

    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.expression.node import quantity
    >>> a, b, c = map(quantity, "abc")
    >>> replaced(applied(tg.add, a, b), {b: c})
    <a + c>
    """
    return rebuilt(node, by.get) if by else node


def evaluate(node: Node, values: Mapping[str, Any], *, recorded: bool = False) -> Any:
    """Its value, from those of the names; ``recorded``, as a Tensor with its history.

    Raises:
        KeyError: a name has no value.

    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.expression.node import quantity, number
    >>> float(evaluate(applied(tg.multiply, number(3), quantity("a")), {"a": 2.0}))
    6.0
    """
    found: dict[Node, Any] = {}
    for one in in_order(node):
        if one.op is None:
            found[one] = values[one.called] if one.is_name else one.value
            continue
        args = [found[a] for a in one.args]
        if one.op.kind != "elementwise":  # which may ask its operands for their axes
            args = [np.asarray(a, FLOAT)[()] if isinstance(a, (int, float)) else a for a in args]
        compute = one.op if recorded else one.op.forward
        result = compute(*args, **one.settings)
        of_tensors = recorded and any(isinstance(a, Tensor) for a in args)
        found[one] = with_history(result, one.op, args, one.settings) if of_tensors else result
    return found[node]


def cost(node: Node, weight: Callable[[Node], float], given: Container[Node] = ()) -> float:
    """The cost of computing it from what is given: the weights of its operations, each part counted once."""
    seen: set[Node] = set()
    total = 0.0
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.op is not None and one not in seen and one not in given:
            seen.add(one)
            total += weight(one)
            waiting.extend(one.args)
    return total


def match(pattern: Node, node: Node, meaning: Mapping[Node, Node] | None = None) -> dict[Any, Any] | None:
    """What the names of the pattern stand for, so that it is the expression; None where there is no way.

    A name stands for the same part wherever it occurs. The operands of what is commutative may change
    places. An operation is known by its kernel; a setting that the pattern leaves open (:class:`Open`) is
    found, too.

    Args:
        pattern: an expression of names.
        node: the expression.
        meaning: what names in it stand for, so that a part may have been named on the way.

    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.expression.node import quantity, number
    >>> x, z = quantity("x"), quantity("z")
    >>> match(applied(tg.add, number(1), x), applied(tg.add, applied(tg.exp, z), number(1)))
    {<x>: <exp(z)>}
    """
    return next(matches([(pattern, node)], meaning), None)


def matches(
    pairs: Iterable[tuple[Node, Node]], meaning: Mapping[Node, Node] | None = None
) -> Iterator[dict[Any, Any]]:
    """What the names of several patterns stand for, so that each is its expression."""
    return _matches(list(pairs), {}, meaning or {})


def _matches(  # noqa: C901  (one case for each kind of pattern)
    pairs: list[tuple[Node, Node]], known: dict[Any, Any], meaning: Mapping[Node, Node]
) -> Iterator[dict[Any, Any]]:
    if not pairs:
        yield known
        return
    (pattern, node), *rest = pairs
    if pattern.is_name:
        if known.get(pattern, node) is node:
            yield from _matches(rest, {**known, pattern: node}, meaning)
        return
    if pattern.op is None:
        found = _unrepeated(node)
        if found.is_number and found.value == pattern.value:
            yield from _matches(rest, known, meaning)
        return
    if node.is_name:
        node = meaning.get(node, node)
    if pattern.op.sign is not None and pattern.op.sign.place == "prefix" and not node.does(pattern.op):
        positive = negated(node)
        if positive is not None:
            yield from _matches([(pattern.args[0], positive), *rest], known, meaning)
        return
    if not node.does(pattern.op) or len(node.args) != len(pattern.args):
        return
    settings = _settings_match(pattern, node, known)
    if settings is None:
        return
    yield from _matches([*zip(pattern.args, node.args, strict=True), *rest], settings, meaning)
    if pattern.op.commutative:
        yield from _matches([*zip(pattern.args, node.args[::-1], strict=True), *rest], settings, meaning)


class Open(int):
    """A setting that a pattern leaves open: whatever stands there, the same wherever it stands."""


def _settings_match(pattern: Node, node: Node, known: dict[Any, Any]) -> dict[Any, Any] | None:
    assert node.op is not None
    for setting in {**pattern.settings, **node.settings}:
        wanted = pattern.settings.get(setting)
        found = node.settings.get(setting, defaults_of(node.op).get(setting))
        if isinstance(wanted, Open):
            if known.get(setting, found) != found:
                return None
            known = {**known, setting: found}
        elif setting not in pattern.settings or setting not in node.settings or wanted != found:
            return None
    return known


def _unrepeated(node: Node) -> Node:
    """The number that is repeated to an array, else the expression."""
    while node.op is not None and node.op.silent and node.args[0].shape == ():
        node = node.args[0]
    return node


def negated(node: Node) -> Node | None:
    """The expression without the minus sign that it begins with; None where it begins with none.

    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.expression.node import quantity, number
    >>> negated(applied(tg.multiply, number(-2), quantity("x")))
    <2 * x>
    """
    if node.is_number and not isinstance(node.value, (bool, np.bool_)):
        return number(-node.value) if node.value < 0 else None
    if node.op is None or node.op.sign is None:
        return None
    if node.op.sign.place == "prefix":
        return node.args[0]
    if node.op.sign.place == "infix" and PRODUCT <= node.op.sign.strength <= MATRIX and node.op.linear_in(0):
        inner = negated(node.args[0])
        return None if inner is None else with_args(node, (inner, node.args[1]))
    return None
