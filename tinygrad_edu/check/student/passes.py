"""Which of a file's functions or methods are the forward pass, the cost and the backward pass."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tinygrad_edu.check.student.loading import Loaded, StudentFileError

# The names that courses and textbooks give them, the most telling first.
_FORWARD = (
    "forward", "forward_propagation", "forward_pass", "forward_prop", "L_model_forward", "model_forward",
    "feedforward", "feed_forward", "compute_loss", "loss",
)  # fmt: skip
_COST = (
    "compute_cost", "cost", "compute_loss", "loss", "cost_function", "loss_function", "calculate_cost",
    "cross_entropy", "cross_entropy_loss",
)  # fmt: skip
_BACKWARD = (
    "backward", "backward_propagation", "backward_pass", "backward_prop", "L_model_backward",
    "model_backward", "backpropagation", "back_propagation", "backprop", "compute_gradients", "gradients",
)  # fmt: skip
_BOTH = (
    "propagate", "loss_and_gradients", "loss_and_grads", "cost_and_gradients", "compute_cost_and_gradients",
)  # fmt: skip
_NAME_THEM = "Say which it is with --forward NAME --backward NAME."
_MAKE_THEM = (
    "Put the forward and the backward pass into a function each; or compare where they stand, with "
    'the parameters as Tensors: tg.check.compare(J, {"dw": dw}).'
)


@dataclass(frozen=True)
class Passes:
    """The functions of a file, or the methods of an object of its class."""

    forward: Callable[..., Any]
    cost: Callable[..., Any] | None
    """Of the forward pass's result, where the forward pass does not give the cost itself."""
    backward: Callable[..., Any] | None
    """None where the forward pass gives the gradients as well, as the course's ``propagate``."""
    owner: Any = None
    """The object whose methods they are."""


def found_in(
    loaded: Loaded, forward: str | None, backward: str | None, make: Callable[[type], Any]
) -> Passes:
    """The passes of a file.

    Args:
        loaded: the file.
        forward: the name of its forward pass, where it has an unusual one; ``Class.method`` for a method.
        backward: the same of the backward pass.
        make: makes an object of a class.

    Raises:
        StudentFileError: there is none, with the names that were looked for.
    """
    space, home = vars(loaded.module), loaded.module.__name__
    made = {name: f for name, f in space.items() if callable(f) and getattr(f, "__module__", None) == home}
    own = {name: f for name, f in made.items() if not name.startswith("__")}
    functions = {name: f for name, f in own.items() if not inspect.isclass(f)}
    both = _named(functions, _BOTH)
    if both is not None and forward is None and backward is None and _named(functions, _BACKWARD) is None:
        return Passes(both, None, None)
    asked = functions.get(forward or "")
    if backward is None and asked is not None and _gives_several(asked):
        return Passes(asked, None, None)
    found = _pair(functions, forward, backward)
    if found is not None:
        cost = _named({n: f for n, f in functions.items() if f not in found}, _COST)
        return Passes(found[0], cost, found[1])
    for candidate in [*_objects(space, loaded), *(c for c in own.values() if inspect.isclass(c))]:
        methods = {n: getattr(candidate, n) for n in dir(candidate) if _is_method(candidate, n)}
        pair = _pair(methods, _last(forward), _last(backward))
        if pair is None:
            continue
        owner = make(candidate) if inspect.isclass(candidate) else candidate
        names = [p.__name__ for p in pair]
        cost = _named({n: getattr(owner, n) for n in methods if n not in names}, _COST)
        return Passes(getattr(owner, names[0]), cost, getattr(owner, names[1]), owner)
    if (passes := _one_for_both(own, _last(forward), make)) is not None:
        return passes
    raise StudentFileError(_not_found(loaded, functions, forward, backward))


def _one_for_both(own: Mapping[str, Any], forward: str | None, make: Callable[[type], Any]) -> Passes | None:
    """One function or method that gives the loss and its gradients, as ``return loss, grads``."""

    def gives_both(name: str, f: Any) -> bool:
        asked = name == forward if forward else "loss" in name or "cost" in name
        return asked and _gives_several(f)

    functions = [f for name, f in own.items() if not inspect.isclass(f) and gives_both(name, f)]
    if functions:
        return Passes(functions[-1], None, None)  # of a naive and a vectorised one, the later
    for owner in (c for c in own.values() if inspect.isclass(c)):
        methods = [n for n in dir(owner) if _is_method(owner, n) and gives_both(n, getattr(owner, n))]
        if methods:
            one = make(owner)
            return Passes(getattr(one, methods[0]), None, None, one)
    return None


def _gives_several(f: Any) -> bool:
    """Whether a function returns several things at once."""
    returned = (node.value for node in _nodes(f) if isinstance(node, ast.Return))
    return any(isinstance(value, ast.Tuple) and len(value.elts) > 1 for value in returned)


def attributes_assigned(f: Any) -> set[str]:
    """The attributes that a method gives a value other than None, as in ``self.Z1 = ...``."""
    found: set[str] = set()
    for node in _nodes(f):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        value = getattr(node, "value", None)
        if not (isinstance(value, ast.Constant) and value.value is None):
            parts = [part for target in targets if target is not None for part in ast.walk(target)]
            found |= {p.attr for p in parts if isinstance(p, ast.Attribute) and isinstance(p.ctx, ast.Store)}
    return found


def _nodes(f: Any) -> list[ast.AST]:
    """What the code of a function consists of; nothing where its code is out of sight."""
    try:
        return list(ast.walk(ast.parse(textwrap.dedent(inspect.getsource(f)))))
    except (OSError, TypeError, SyntaxError):
        return []


def _last(name: str | None) -> str | None:
    return None if name is None else name.rpartition(".")[2]


def _is_method(owner: Any, name: str) -> bool:
    return not name.startswith("__") and callable(getattr(owner, name, None))


def _objects(space: Mapping[str, Any], loaded: Loaded) -> list[Any]:
    """The file's own objects, such as ``net = Net()``."""
    values = (value for value in space.values() if not inspect.isclass(value))
    return [value for value in values if getattr(type(value), "__module__", None) == loaded.module.__name__]


def _pair(
    functions: Mapping[str, Any], forward: str | None, backward: str | None
) -> tuple[Callable[..., Any], Callable[..., Any]] | None:
    ahead = functions.get(forward) if forward else _named(functions, _FORWARD)
    back = functions.get(backward) if backward else _named(functions, _BACKWARD)
    return (ahead, back) if ahead is not None and back is not None else None


def _named(functions: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """The function with the first of the names; else the only one whose name begins with one of them."""
    for name in names:
        if name in functions:
            return functions[name]
    for name in names:
        longer = [f for n, f in functions.items() if n.startswith(f"{name}_")]
        if len(longer) == 1:
            return longer[0]
    return None


def _not_found(
    loaded: Loaded, functions: Mapping[str, Any], forward: str | None, backward: str | None
) -> str:
    asked = [name for name in (forward, backward) if name and _last(name) not in functions]
    has = ", ".join(functions) or "no functions"
    if asked:
        return f"{loaded.name}: no function is called {' or '.join(asked)}; it has: {has}"
    missing = "forward" if _named(functions, _FORWARD) is None else "backward"
    known = _FORWARD[:5] if missing == "forward" else _BACKWARD[:5]
    looked = ", ".join(name for name in known if name != missing)
    wanted = f"expected a function {missing!r} (or {looked}, or a class with these methods)"
    return f"{loaded.name}: {wanted}; it has: {has}. {_NAME_THEM if functions else _MAKE_THEM}"
