"""What surrounds an operation: whether it is recorded, and in which scope. Kept per thread.

An interrupt (Ctrl-C) inside ``__exit__`` leaves a block's setting in place. So a setting counts only as long
as its block exists, which the ``with`` statement holds for as long as it runs: see :func:`surroundings`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar, Token, copy_context
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Never, ParamSpec, Self, TypeVar
from weakref import ReferenceType, ref

from tinygrad_edu.errors import arguments_explained

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Ambient:
    """The surroundings of an operation."""

    recording: bool = True
    scope: tuple[str, ...] = ()
    constants: bool = False
    """Whether results without gradient are recorded too: a constant may have another value later."""
    transforms: int = 0
    """How many functions are being run in order to be differentiated, one inside the other."""
    outside: Ambient | None = None
    """What held before the block that this comes from."""
    block: ReferenceType[Any] | None = None


_NOTHING = Ambient()

# None means "nothing special": the common case costs one look-up. A new thread starts from the default.
ambient: ContextVar[Ambient | None] = ContextVar("ambient", default=None)


def surroundings(variable: ContextVar[Ambient | None] = ambient) -> Ambient | None:
    """The settings in force. That of a block whose end was interrupted is undone."""
    here = variable.get()
    while here is not None and here.block is not None and here.block() is None:
        here = here.outside
        variable.set(here)
    return here


def is_recording() -> bool:
    """Whether operations are recorded.

    >>> with no_grad():
    ...     is_recording()
    False
    """
    here = surroundings()
    return here is None or here.recording


def apart(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Runs a function outside of every block. Settings that it changes end with it.

    >>> with no_grad():
    ...     apart(surroundings) is None
    True
    """
    context = copy_context()
    context.run(ambient.set, None)
    return context.run(function, *args, **kwargs)


class _Uncalled(type):
    """The type of blocks: it tells those who forget the parentheses to write them."""

    def __enter__(cls) -> Never:
        raise TypeError(f"{cls.__name__} is a class; write with {cls.__name__}(): ...")

    def __exit__(cls, *_: object) -> None: ...


@arguments_explained
@dataclass
class Block(ContextDecorator, metaclass=_Uncalled):
    """A ``with`` block, or decorator, that changes the surroundings and always restores them."""

    variable: ClassVar[ContextVar[Ambient | None]] = ambient
    _tokens: list[Token[Ambient | None]] = field(default_factory=list, init=False, repr=False)

    def _inside(self, outside: Ambient) -> dict[str, Any]:
        """What is different inside, by the name of the field."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        outside = surroundings(self.variable)
        around = outside or _NOTHING
        here = replace(around, **self._inside(around), outside=outside, block=ref(self))
        self._tokens.append(self.variable.set(here))
        return self

    def __exit__(self, *exception: object) -> None:
        self.variable.reset(self._tokens.pop())

    def _recreate_cm(self) -> Self:
        # A decorated function may run in several threads at once: each call takes a block of its own.
        return replace(self)


class no_grad(Block):  # noqa: N801  (the field's name for it)
    """Operations inside record nothing: a context manager, and a decorator. Per thread, exception-safe.

    See https://docs.pytorch.org/docs/stable/generated/torch.no_grad.html.

    >>> import tinygrad_edu as tg
    >>> w = tg.Tensor(2.0)
    >>> with tg.no_grad():
    ...     (w * 3).requires_grad
    False
    """

    def _inside(self, outside: Ambient) -> dict[str, Any]:  # noqa: ARG002  (others look at it)
        return {"recording": False}


class recorded(Block):  # noqa: N801  (the counterpart of no_grad)
    """Operations inside are recorded, within ``no_grad`` too: a function is run to be differentiated."""

    def _inside(self, outside: Ambient) -> dict[str, Any]:
        return {"recording": True, "transforms": outside.transforms + 1}


@arguments_explained
@dataclass
class scope(Block):  # noqa: N801  (reads as the keyword it is used like)
    """Groups what is recorded inside under a name, as one box in pictures. Scopes nest.

    >>> import tinygrad_edu as tg
    >>> with tg.scope("layer 1"):
    ...     z = tg.Tensor(2.0) * 3
    >>> z.scope
    ('layer 1',)
    """

    name: str

    def __post_init__(self) -> None:
        given: object = self.name
        if not isinstance(given, str) or not given:
            raise TypeError(f"scope: expected a non-empty name, got {self.name!r}")

    def _inside(self, outside: Ambient) -> dict[str, Any]:
        return {"scope": (*outside.scope, self.name)}
