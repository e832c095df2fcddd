"""How a function is called: NumPy's names and order, NumPy's defaults given explicitly, one form of error.

Every public function, an operation or one composed of operations, has one :class:`Arguments`. It is read
from the function's own signature and from that of the NumPy function that it answers to. What a caller gave
is put under the function's own names once, before anything is computed: ``np.sum(a=t, axis=np.int64(0),
out=None)`` becomes ``sum(x=t, axis=0)``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cached_property, wraps
from types import UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.core.error_messages import in_house_style
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.core.unknown_settings import SETTINGS_ELSEWHERE, SETTINGS_REFUSED, not_a_setting

F = TypeVar("F", bound=Callable[..., Any])
Positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
Catching = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

_NAMED = inspect.Parameter.KEYWORD_ONLY
_LAYOUTS = (None, "K", "A", "C", "F")
IDLE: Mapping[str, tuple[Any, ...]] = {
    "where": (True,),
    "casting": ("same_kind", "unsafe"),
    "order": _LAYOUTS,
    "subok": (True, False),
    "copy": (True, False),
    "device": ("cpu",),
    "kind": ("quicksort", "mergesort", "heapsort", "stable"),
    "stable": (True, False),
    "overwrite_input": (True, False),
    "descending": (False,),
}
"""NumPy's settings that change neither value nor shape here, and what they may be besides NumPy's default.

They hold where a function does not have the setting itself: layouts in memory, ways to sort, scratch space.
"""

UFUNC: Mapping[str, Any] = {
    "out": None, "where": True, "casting": "same_kind", "order": "K", "dtype": None, "subok": True,
    "signature": None,
}  # fmt: skip
"""What every universal function takes, for a NumPy whose universal functions have no signature."""


def plain(value: Any) -> Any:
    """Plain arrays for the Tensors in an argument."""
    if isinstance(value, Tensor):
        return value._data
    if type(value) in (list, tuple):
        return type(value)(map(plain, value))
    return value


class Arguments:
    """The arguments of a function, and how those of a call are brought to its own names and types.

    Args:
        name: what messages call it.
        own: the function, with its own names.
        numpy: the NumPy functions that it answers to; the first one's names and order hold.
        further: functions whose settings are known besides (an operation's general form).
    """

    def __init__(
        self,
        name: str,
        own: Callable[..., Any],
        numpy: tuple[Callable[..., Any], ...] = (),
        further: Callable[..., Any] | None = None,
    ) -> None:
        self.name, self.function, self.numpy, self._further = name, own, numpy, further

    @property
    def further(self) -> Callable[..., Any]:
        """The function that is called with settings which the function itself does not have."""
        if self._further is None:
            raise TypeError(f"{self.name}: its settings are: {', '.join(self.settings) or 'none'}")
        return self._further

    @cached_property
    def own(self) -> Mapping[str, inspect.Parameter]:
        """The parameters by name, those of the general form behind them."""
        found = dict(_parameters(self.function))
        if self._further is not None:
            more = _parameters(self._further).items()
            found.update({n: p for n, p in more if p.kind is p.KEYWORD_ONLY and n not in found})
        return found

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """The settings that messages list: arguments with a default, and those that must be named."""
        needed = {n for n, p in self.own.items() if p.kind in Positional and p.default is p.empty}
        return tuple(n for n, p in self.own.items() if n not in needed and p.kind not in Catching)

    @cached_property
    def theirs(self) -> Mapping[str, inspect.Parameter]:
        """NumPy's parameters by name. None where NumPy has no such function, or shows no signature."""
        function = self.numpy[0] if self.numpy else None
        if function is None:
            return {}
        try:
            return inspect.signature(function).parameters
        except ValueError:
            if not isinstance(function, np.ufunc):
                return {}
            named = [inspect.Parameter(f"x{k}", Positional[0]) for k in range(function.nin)]
            named += [inspect.Parameter(n, _NAMED, default=d) for n, d in UFUNC.items()]
            return {p.name: p for p in named}

    @cached_property
    def aliases(self) -> Mapping[str, str]:
        """NumPy's names of parameters that have another name here: ``a`` for ``x``."""
        needed = self._required - self.theirs.keys()  # NumPy 2.0 has newshape for shape
        ours = [n for n, p in self.own.items() if p.kind in (*Positional, Catching[0]) or n in needed]
        theirs = [n for n, p in self.theirs.items() if p.kind in Positional]
        pairs = zip(theirs, ours, strict=False)
        return {t: o for t, o in pairs if t != o and t not in self.own and o not in self.theirs}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The parameters in the order of positional arguments: NumPy's order, then the rest of ours."""
        theirs = [self.aliases.get(n, n) for n, p in self.theirs.items() if p.kind in Positional]
        own = [n for n, p in self.own.items() if p.kind in (*Positional, Catching[0])]
        if not theirs:  # not NumPy's: settings may be given by position as well
            return (*own, *(n for n, p in self.own.items() if p.kind is p.KEYWORD_ONLY))
        return (*theirs, *(n for n in own if n not in theirs))

    @cached_property
    def catches(self) -> bool:
        """Whether it takes any number of arguments. Those are passed on unchanged."""
        return any(p.kind is Catching[0] for p in self.own.values())

    @cached_property
    def catches_names(self) -> bool:
        """Whether it passes arguments of unknown names on to another function."""
        return any(p.kind is Catching[1] for p in self.own.values())

    @cached_property
    def whole(self) -> frozenset[str]:
        """The parameters that are whole numbers, or tuples of them: axes, shapes, counts."""
        return frozenset(n for n, p in self.own.items() if int in _types(p.annotation))

    @cached_property
    def flags(self) -> frozenset[str]:
        """The parameters of type bool."""
        return frozenset(n for n, p in self.own.items() if p.annotation is bool)

    @cached_property
    def choices(self) -> Mapping[str, tuple[Any, ...]]:
        """The parameters that take one of a few fixed strings."""
        return {n: get_args(p.annotation) for n, p in self.own.items() if get_origin(p.annotation) is Literal}

    @cached_property
    def _ready(self) -> Mapping[str, frozenset[type] | None]:
        """The function's own settings, and the types that need no conversion; None for any type."""
        settings = [n for n in self.settings if n not in self.choices and n in _parameters(self.function)]
        kinds: dict[str, frozenset[type]] = dict.fromkeys(self.flags, frozenset({bool}))
        for n in self.whole:
            others: dict[type, bool] = {type(None): self._may_be_none(n), str: self._may_be_a_word(n)}
            kinds[n] = frozenset({int, tuple, *(kind for kind, possible in others.items() if possible)})
        return {n: kinds.get(n) for n in settings}

    @cached_property
    def _required(self) -> frozenset[str]:
        """The parameters that have to be given by name."""
        parameters = _parameters(self.function).items()
        return frozenset(n for n, p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty)

    def ready(self, given: Mapping[str, Any]) -> bool:
        """Whether the settings can be passed on as they are: own names, and types that need no conversion."""
        known = self._ready
        for name, value in given.items():
            if name not in known or isinstance(value, Tensor) or value is np._NoValue:
                return False
            types = known[name]
            if types is not None and type(value) not in types:
                return False
            if type(value) is tuple and types is not None:
                for v in value:
                    if type(v) is not int:
                        return False
        return not self._required or self._required <= given.keys()

    def bound(self, args: tuple[Any, ...], given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a call under the function's own names, with settings in their normal form.

        Raises:
            TypeError: too many arguments, one twice, or a name that is not known.
            ValueError: a word that is none of the choices.
        """
        if len(args) > len(self.order):
            known = [n for n in self.order if n in self.own]
            most = f"takes by position at most {len(known)} arguments, ({', '.join(known)})"
            raise TypeError(f"{self.name}: {most}, got {len(args)}")
        named = dict(zip(self.order, args, strict=False))
        for name, value in given.items():
            own = self.aliases.get(name, name)
            if own in named:
                raise TypeError(f"{self.name}: {name!r} is given by position and by name; write it once")
            named[own] = value
        found = {n: v for n, v in named.items() if not self._says_nothing(n, v)}
        needed = [n for n, p in self.own.items() if p.kind in Positional and p.default is p.empty]
        if any(name not in found for name in needed):
            got = sum(name in found for name in needed)
            arrays = "1 array" if len(needed) == 1 else f"{len(needed)} arrays"
            raise TypeError(f"{self.name}: expected {arrays} ({', '.join(needed)}), got {got}")
        self._refuse_without(found)
        return self._normal(found, args, given)

    def named(self, args: tuple[Any, ...], given: Mapping[str, Any]) -> dict[str, Any]:
        """The same for the named arguments of a function that takes any number of arguments."""
        found = {self.aliases.get(n, n): v for n, v in given.items()}
        self._refuse_without(found)
        return self._normal({n: v for n, v in found.items() if not self._says_nothing(n, v)}, args, given)

    def _may_be_none(self, name: str) -> bool:
        parameter = self.own[name]
        return parameter.default is None or type(None) in _types(parameter.annotation)

    def _may_be_a_word(self, name: str) -> bool:
        return str in _types(self.own[name].annotation)

    def _refuse_without(self, found: Mapping[str, Any]) -> None:
        for name in sorted(self._required - found.keys()):
            raise TypeError(f"{self.name}: expected a value for {name}: write {name}=")

    def check(self, settings: Mapping[str, Any]) -> None:
        """Finds out whether settings are the reason why the function failed.

        Raises:
            TypeError: one is missing that the function needs, or is a word where a number belongs.
        """
        self._refuse_without(settings)
        for name, value in settings.items():
            number = type(self.own[name].default) in (int, float) and not self._may_be_a_word(name)
            if isinstance(value, str) and number:
                raise TypeError(f"{self.name}: expected a number as {name}, got {value!r}")

    def _normal(
        self, found: dict[str, Any], args: tuple[Any, ...], given: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Whole numbers as ints, several of them as tuples, words among their choices."""
        for name, value in found.items():
            if name in self.whole and value is None and not self._may_be_none(name):
                raise TypeError(f"{self.name}: expected a whole number as {name}, got None")
            a_word = type(value) is str and self._may_be_a_word(name)
            if name in self.whole and type(value) not in (int, type(None)) and not a_word:
                found[name] = _whole(value)
                if isinstance(value, (float, np.floating, str)) or isinstance(found[name], Tensor):
                    came = errors.described(value, None) if isinstance(value, Tensor) else repr(value)
                    listed = f"; write {self.name}([a, b])" if self.order[0] == "arrays" else ""
                    raise TypeError(f"{self.name}: expected whole numbers as {name}, got {came}{listed}")
            elif name in self.flags and isinstance(value, np.bool_):
                found[name] = bool(value)
            elif name in self.choices and not _among(value, self.choices[name]):
                words = " or ".join(f'"{word}"' for word in self.choices[name])
                raise ValueError(f"{self.name}: expected {words} as {name}, got {value!r}")
        odd = [n for n in self.whole if n in found and _odd(found[n])]
        if any("ax" in name or found[name] is True or found[name] is False for name in odd):
            self._ask_numpy(args, given)
        found.update({n: _settled(found[n]) for n in odd})
        return found

    def _ask_numpy(self, args: tuple[Any, ...], given: Mapping[str, Any]) -> None:
        """Lets NumPy decide on an axis True, or several in a list, which only some of its functions take."""
        if self.numpy:
            try:
                self.numpy[0](*map(plain, args), **{n: plain(v) for n, v in given.items()})
            except TypeError as error:
                raise TypeError(f"{self.name}: {error}; write an axis as 0, several as (0, 1)") from None
            except (ValueError, IndexError) as error:
                if "ool" in str(error):  # booleans; what else is wrong is said below, with the operands
                    raise ValueError(f"{self.name}: {error}") from None

    def _says_nothing(self, name: str, value: Any) -> bool:
        """Whether an argument repeats a default and can be dropped. An unknown one is refused here."""
        own, theirs = self.own.get(name), self.theirs.get(name)
        if own is not None:
            return value is np._NoValue or (name in self.settings and _among(value, (own.default,)))
        if self.catches_names:
            return False
        idle = IDLE.get(name, ())
        if theirs is None:  # a method of arrays may take more than the function of that name
            if not (hasattr(np.ndarray, self.name) and _among(value, idle)):
                raise TypeError(self.refusal(name))
            return True
        if not _among(theirs.default, (None, np._NoValue, *idle)) or (
            name == "order" and theirs.default is None
        ):
            idle = ()  # its own words; the order of fields, which no array here has
        if value is np._NoValue or _among(value, (*idle, theirs.default)):
            return True
        raise TypeError(self.refusal(name, value))

    def refusal(self, name: str, *value: Any) -> str:
        """The message for an argument that is not taken, with what to write instead."""
        with_value = f" with {value[0]!r}" if value and isinstance(value[0], (str, int, float)) else ""
        known = ", ".join(self.settings) or "none"
        return not_a_setting(self.name, name, with_value, self._advice(name, *value), known)

    def _advice(self, name: str, *value: Any) -> str:
        if value:
            refused = SETTINGS_REFUSED.get(name)
            return refused or f"leave it out, or give NumPy's default {self.theirs[name].default!r}"
        meant = SETTINGS_ELSEWHERE.get(name, ())
        near = [n for n in meant if n in self.settings] or get_close_matches(name, self.settings, 1)
        return f"write {near[0]}=" if near else ""


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function, eval_str=True).parameters
    except Exception:  # noqa: BLE001  (an annotation of a user's that can't be evaluated)
        return inspect.signature(function).parameters


def _types(annotation: Any) -> set[Any]:
    """The types that an annotation is a union of, those inside tuples and sequences included."""
    if isinstance(annotation, str):
        return set()
    if get_origin(annotation) is Literal:
        return {str}
    if get_origin(annotation) in (Union, UnionType, tuple):
        return set().union(*map(_types, get_args(annotation)))
    return {annotation}


def _whole(value: Any) -> Any:
    if isinstance(value, Tensor) and type(value) is Tensor and value.dtype.kind in "iu":
        value = np.asarray(value._data)
    if isinstance(value, np.ndarray) and value.dtype.kind in "iu":
        return tuple(map(_whole, value)) if value.ndim else int(value)
    if isinstance(value, np.integer):
        return int(value)
    return type(value)(map(_whole, value)) if type(value) in (list, tuple) else value


def _odd(value: Any) -> bool:
    return type(value) in (bool, list) or (type(value) is tuple and any(map(_odd, value)))


def _settled(value: Any) -> Any:
    """The form in which whole numbers are recorded: True is 1, and a list a tuple."""
    if isinstance(value, bool):
        return int(value)
    return tuple(map(_settled, value)) if type(value) in (list, tuple) else value


def _among(value: Any, words: tuple[Any, ...]) -> bool:
    if isinstance(value, np.bool_):
        value = bool(value)
    return any(type(value) is type(word) and value == word for word in words)


def refuse_unreal(name: str, values: Iterable[Any]) -> None:
    """Refuses plain arrays of complex numbers, text and objects, as Tensor does."""
    for value in values:
        if type(value) in (list, tuple):
            refuse_unreal(name, value)
        elif isinstance(value, (np.ndarray, np.generic, complex)):
            dtype = np.dtype(complex) if isinstance(value, complex) else value.dtype
            if dtype.kind not in "fiub":
                raise TypeError(f"{name}: expected real numbers, got {type(value).__name__} of dtype {dtype}")


def called(name: str, numpy: tuple[Callable[..., Any], ...] = ()) -> Callable[[F], F]:
    """Lets a function that is composed of operations be called as NumPy's is: see :class:`Arguments`."""

    def decorate(function: F) -> F:
        arguments = Arguments(name, function, numpy)
        positional = [p for p in inspect.signature(function).parameters.values() if p.kind in Positional]
        least = sum(p.default is p.empty for p in positional)

        @wraps(function)
        def call(*args: Any, **given: Any) -> Any:
            if len(args) != least or (given and not arguments.ready(given)):
                if arguments.catches:
                    given = arguments.named(args, given)
                else:
                    args, given = (), arguments.bound(args, given)
            refuse_unreal(name, args or given.values())
            try:
                return function(*args, **given)
            except (TypeError, ValueError, IndexError) as error:
                errors.raise_for(error, in_house_style(name, error))

        return cast(F, call)

    return decorate
