"""The exceptions of tinygrad_edu, and the texts of messages that several rooms use.

An error says what was expected, what came, and where. Exceptions are Python's own wherever one
fits (``TypeError``, ``ValueError``, ``IndexError``), so that code written for NumPy catches them.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dis import opmap
from fnmatch import fnmatchcase
from functools import update_wrapper
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Never, TypeVar, cast

__all__ = [
    "HistoryLostWarning", "MissingExtraError", "OuterBroadcastWarning", "RecordedUpdateWarning",
    "StaleGraphError", "require_extra",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])


class StaleGraphError(RuntimeError):
    """A recorded graph no longer matches the values it was recorded from.

    Raised by ``backward`` and by everything else that differentiates, when a tensor that took part
    holds another value than it did when the graph was recorded. Record the graph again.
    """


class HistoryLostWarning(UserWarning):
    """A Tensor became a plain number, ``float(t)``, and no gradient flows through what is computed from it.

    Given once for a line. Where a plain number is meant, write ``t.item()``.
    """


class OuterBroadcastWarning(UserWarning):
    """Labels (m, 1) met predictions (1, m): both operands of one step were repeated, to an (m, m) result.

    Given once for a line, by operators and NumPy's functions on a Tensor. Bring both to one shape
    (``reshape``, ``keepdims=True``), or say that it is meant: ``x[:, None]``.
    """


class RecordedUpdateWarning(UserWarning):
    """An update such as ``w = w - alpha * w.grad`` is recorded, and every step differentiates all before it.

    Given once for a line. Write ``w.data -= alpha * w.grad``.
    """


class MissingExtraError(ImportError):
    """An optional library is not installed. The message names the extra that brings it."""


def require_extra(module: str, *, extra: str) -> ModuleType:
    """The optional module of that name, or an error that names the extra to install.

    >>> require_extra("json", extra="derive").__name__
    'json'
    >>> require_extra("no_such_library", extra="derive")
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.MissingExtraError: 'no_such_library' is not installed; it comes with the extra \
'derive': pip install "tinygrad_edu[derive]"
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        raise MissingExtraError(
            f"{missing!r} is not installed; it comes with the extra {extra!r}: "
            f'pip install "tinygrad_edu[{extra}]"'
        ) from None


def _plainly(name: str) -> str:
    return name.lower().replace("_", "")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the known names that are similar, if there are any.

    >>> did_you_mean("Adma", ["Adam", "SGD"])
    '; did you mean Adam?'
    >>> did_you_mean("w", ["W", "b"])
    '; did you mean W?'
    """
    public = [k for k in known if not k.startswith("_")]
    near = [k for k in public if _plainly(k) == _plainly(name)] or difflib.get_close_matches(
        name, public, n=3
    )
    return f"; did you mean {' or '.join(near)}?" if near else ""


def unknown(where: str, name: str, known: Mapping[str, str], own: Iterable[str] = ()) -> AttributeError:
    """The error of a name that is not there, with what to write in its place where that is known.

    ``known`` holds other libraries' names, and patterns of them; the nearest of the ``own`` are offered for
    any other.

    >>> unknown("tg.nn", "Linear", {"Linear": "tg.nn.Dense(n_in, n_out)"})
    AttributeError('tg.nn has no Linear; here it is tg.nn.Dense(n_in, n_out)')
    >>> unknown("tg.nn", "Dence", {}, ["Dense", "fit"])
    AttributeError('tg.nn has no Dence; did you mean Dense?')
    >>> unknown("tg.distributed", "train", {}, ["fit"])
    AttributeError('tg.distributed has no train; it has fit')
    """
    own = list(own)
    listed = f"; it has {', '.join(own)}" if 0 < len(own) <= FEW else ""
    fitting = [name] if name in known else [k for k in known if "*" in k and fnmatchcase(name, k)]
    hint = f"; here it is {known[fitting[0]]}" if fitting else did_you_mean(name, own) or listed
    return AttributeError(f"{where} has no {name}{hint}")


def as_import(error: AttributeError) -> Exception:
    """The error, or an ImportError of its text for ``from module import name``, which drops the text.

    For a module's ``__getattr__``: whoever called that asks for the name.
    """
    frame = sys._getframe(2)
    importing = frame.f_code.co_code[frame.f_lasti] == _IMPORT_FROM
    return ImportError(str(error)) if importing else error


_IMPORT_FROM = opmap["IMPORT_FROM"]


def arguments_explained(function: F, known: Mapping[str, str] | None = None) -> F:
    """Lets a function, or a class, say what it takes where it is called with other arguments.

    Nothing is looked at before the call has failed. ``known`` holds other libraries' names of settings, and
    what to write for them.

    >>> @arguments_explained
    ... def picture(output, *, width=1): return width
    >>> picture(3, wdth=2)
    Traceback (most recent call last):
    ...
    TypeError: picture has no wdth; did you mean width?
    >>> picture(width=2)
    Traceback (most recent call last):
    ...
    TypeError: picture: expected output as well; it takes (output, *, width=1)
    """
    if isinstance(function, type):
        cls: Any = function
        if cls.__init__ is object.__init__:
            cls.__init__ = arguments_explained(_takes_nothing, known)
        elif isinstance(cls.__init__, FunctionType):
            cls.__init__ = arguments_explained(cls.__init__, known)
        return function
    explain = _wrong_arguments

    def explained(*args: Any, **given: Any) -> Any:
        try:
            return function(*args, **given)
        except TypeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
                raise  # from inside the function
            told = explain(function, args, given, known or {}, error)
        raise told

    # It lives in the function's own module, where doctest looks for examples.
    own: Any = FunctionType(explained.__code__, function.__globals__, closure=explained.__closure__)
    wrapped: Any = update_wrapper(own, function)
    return cast(F, wrapped)


def _takes_nothing(self: Any) -> None: ...


_takes_nothing.__name__ = "__init__"


def _wrong_arguments(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    given: Mapping[str, Any],
    known: Mapping[str, str],
    error: TypeError,
) -> TypeError:
    signature = inspect.signature(function)
    called, parameters = function.__name__, list(signature.parameters.values())
    if parameters and parameters[0].name == "self":
        called = type(args[0]).__name__ if called in ("__init__", "__call__") else called
        parameters, args = parameters[1:], args[1:]
    by_name = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    by_position = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    kinds = {p.kind for p in parameters}
    for name in given:
        if name not in by_name and (name in known or inspect.Parameter.VAR_KEYWORD not in kinds):
            return TypeError(str(unknown(called, name, known, by_name)))
        if name in by_position[: len(args)]:
            return TypeError(f"{called}: {name} is given twice, by position and by name")
    plain = [p.replace(annotation=p.empty) for p in parameters]
    takes = inspect.Signature(plain)
    if len(args) > len(by_position) and inspect.Parameter.VAR_POSITIONAL not in kinds:
        most = f"takes at most {len(by_position)} by position, got {len(args)}"
        return TypeError(f"{called}: {most}; it takes {takes}")
    filled = {*by_position[: len(args)], *given}
    needed = [p.name for p in plain if p.default is p.empty and p.name in {*by_name, *by_position}]
    missing = [name for name in needed if name not in filled]
    if not missing:
        return error
    return TypeError(f"{called}: expected {', '.join(missing)} as well; it takes {takes}")


FEW = 24
"""Names up to which a message lists them all."""


class _Module(ModuleType):
    """A module whose errors say what to write where it is called, or lacks a name."""

    _shown: tuple[str, str, Mapping[str, str]]

    def __call__(self, *_: Any, **__: Any) -> Never:
        shown, instead, _elsewhere = self._shown
        raise TypeError(f"{shown} is a module, not a function; write {instead}")

    def __getattr__(self, name: str) -> Never:
        shown, _, elsewhere = self._shown
        error = unknown(shown, name, elsewhere, vars(self).get("__all__", ()))
        raise as_import(error)

    def __reduce__(self) -> Any:
        return importlib.import_module, (self.__name__,)


def answers(module: str, shown: str, instead: str, elsewhere: Mapping[str, str] | None = None) -> None:
    """Lets a module answer what is asked of it by mistake.

    Args:
        module: its ``__name__``.
        shown: what users call it: ``tg.nn``.
        instead: what to write where it is called like a function.
        elsewhere: other libraries' names, and what to write for them here.

    >>> import tinygrad_edu as tg
    >>> tg.check(3)
    Traceback (most recent call last):
    ...
    TypeError: tg.check is a module, not a function; write tg.check.compare(J, {"dW": dW})
    """
    this = sys.modules[module]
    this.__class__ = _Module
    vars(this)["_shown"] = shown, instead, elsewhere or {}


def path_of(path: Any, where: str, wanted: str, hint: str = "") -> Path:
    """What a user gave as a path, as a ``Path``.

    Raises:
        TypeError: it is neither a string nor a path, or it is empty.

    >>> path_of(3, "save", "a file, such as 'model.npz'")
    Traceback (most recent call last):
    ...
    TypeError: save: expected the path of a file, such as 'model.npz', got 3
    """
    if isinstance(path, (str, os.PathLike)) and str(path):
        return Path(path)
    raise TypeError(f"{where}: expected the path of {wanted}, got {shown(path)}{hint}")


def folder_for(path: Path, function: str = "") -> None:
    """Refuses a file that is to be written, before any work is done, where its folder is not there.

    Raises:
        FileNotFoundError: there is no such folder.
        IsADirectoryError: the path is a folder itself.

    >>> folder_for(Path("nowhere/run.npz"), "save: ")
    Traceback (most recent call last):
    ...
    FileNotFoundError: save: there is no folder nowhere to write run.npz in
    """
    if path.is_dir():
        raise IsADirectoryError(f"{function}{path} is a folder; expected the path of a file in it")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{function}there is no folder {path.parent} to write {path.name} in")


def raise_for(error: Exception, told: Exception) -> Never:
    """Raises an error with another as its cause, but never with itself as its cause.

    A program that follows the causes of an error, as a scheduler does that sends it on, would never end.
    """
    try:
        raise told from (error.__cause__ if told is error else error)
    finally:
        del error, told  # an error's traceback keeps this frame, and the frame must not keep the error


def described(value: Any, name: str | None) -> str:
    """A value as messages name it: its name, or what it is, and its shape."""
    if isinstance(value, (list, tuple)):
        return f"{name or type(value).__name__} of {len(value)}"
    shape = getattr(value, "shape", ())
    return f"{name or type(value).__name__} {tuple(shape)}"


def shown(value: Any) -> str:
    """Any object as messages show it: an array or a Tensor by its shape, not its entries."""
    if hasattr(value, "shape") or (isinstance(value, (list, tuple)) and len(repr(value)) > _LONG):
        return described(value, getattr(value, "name", None))
    return repr(value)


_LONG = 100


def shape_mismatch(op: str, operands: Iterable[str], reason: object, sign: str | None = None) -> str:
    """The operation, its operands with their shapes as they were written, and why they do not fit."""
    between = f" {sign or 'with'} "
    return f"{op}: {between.join(operands)}: {reason}"


def no_rule(function: str) -> str:
    """A NumPy function that has no derivative rule here."""
    return (
        f"{function} has no derivative rule in tinygrad_edu, so its result would lose the history of the "
        f"Tensor. Pass {function} the plain array (t.detach().data), or give it a rule with tg.define."
    )


def history_lost(what: str) -> str:
    """A conversion that would silently drop the graph."""
    return (
        f"{what} would lose the Tensor's history, and no gradient would flow through it. Use a NumPy "
        "function on the Tensor (np.exp(t), np.stack([t, u]), X @ t for X.dot(t)), or t.item() / "
        "t.detach().data for the plain number."
    )


NO_SCALAR = (
    "backward() and grad() start from a scalar, and this tensor has shape {shape}. Reduce it first, for "
    "example with np.sum or np.mean, or give gradient= an array of that shape."
)

NO_HISTORY = (
    "nothing to differentiate: {tensor} does not depend on any tensor that requires a gradient "
    "(requires_grad=False all the way, recorded under no_grad, or detached)."
)

NOT_DIFFERENTIABLE = (
    "only floating-point tensors can require a gradient, and this one has dtype {dtype}. "
    "Give it a float dtype: Tensor(value, dtype=float)."
)

STALE = (
    "{leaf} holds another value than when this graph was recorded, so its gradient would be that of a "
    "different computation. Compute the result again before differentiating it."
)

ITEM_ASSIGNMENT = (
    "a Tensor does not support item assignment: an in-place write would leave the recorded graph wrong. "
    "Use np.where(mask, new, t) to build a new Tensor; where columns are filled one by one, collect them in "
    "a list and join them, np.stack(columns, axis=1); or write to t.data before recording."
)

NOT_RECORDED = (
    "{transform}: the function returned {what}, which has no history to differentiate. Expected a Tensor, "
    "computed from the arguments with operators and NumPy functions (not from t.data, t.item() or t.numpy(), "
    "and not by a branch that gives a number: max(0, z) is np.maximum(0, z))."
)

NO_OUTPUT = (
    "{transform}: expected a Tensor as output, got {what}, which has no history. A branch may have given a "
    "number: write np.maximum(0, z) for max(0, z), and np.where(z > 0, z, 0.0) for `z if z > 0 else 0`."
)

WRITTEN_INTO = (
    "`{line}` would write a Tensor into an array, which keeps no history: no gradient would flow through it. "
    "Collect the entries in a list and join them: np.stack(entries), and .reshape(...) for a table of them. "
    "For the plain number write t.item(), for the values t.detach().data."
)

TRUTH = (
    "`{source}` has {shape} entries, and a condition takes one answer. Entry by entry: "
    "np.where({source}, a, b); of all entries: np.all({source}), or np.any({source})."
)

PYTHON_CHOICE = (
    "{function}(...) compares whole arrays, as Python does: the truth of {shape} entries is ambiguous. "
    "Entry by entry: {instead}; of all entries: {of_all}."
)
