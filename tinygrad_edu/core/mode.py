"""What surrounds an operation: whether it is recorded, and in which scope. Kept per thread."""

from __future__ import annotations

from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from dataclasses import dataclass, field, replace
from typing import Self

__all__ = ["Ambient", "ambient", "no_grad", "recorded", "scope"]


@dataclass(frozen=True, slots=True)
class Ambient:
    """The surroundings of an operation."""

    recording: bool = True
    scope: tuple[str, ...] = ()


# None means "nothing special": the common case costs one look-up. A new thread starts from the default.
ambient: ContextVar[Ambient | None] = ContextVar("ambient", default=None)


@dataclass
class _Block(ContextDecorator):
    """A ``with`` block, or decorator, that changes the surroundings and restores them, come what may."""

    _tokens: list[Token[Ambient | None]] = field(default_factory=list, init=False, repr=False)

    def _inside(self, outside: Ambient) -> Ambient:
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._tokens.append(ambient.set(self._inside(ambient.get() or Ambient())))
        return self

    def __exit__(self, *exception: object) -> None:
        ambient.reset(self._tokens.pop())

    def _recreate_cm(self) -> Self:
        # A decorated function may run in several threads at once: each call takes a block of its own.
        return replace(self)


class no_grad(_Block):  # noqa: N801  (the field's name for it)
    """Operations inside record nothing: a context manager, and a decorator. Per thread, exception-safe.

    See https://docs.pytorch.org/docs/stable/generated/torch.no_grad.html.

    >>> import tinygrad_edu as tg
    >>> w = tg.Tensor(2.0)
    >>> with tg.no_grad():
    ...     (w * 3).requires_grad
    False
    """

    def _inside(self, outside: Ambient) -> Ambient:
        return replace(outside, recording=False)


class recorded(_Block):  # noqa: N801  (the counterpart of no_grad)
    """Operations inside are recorded, within ``no_grad`` too: a function is run to be differentiated."""

    def _inside(self, outside: Ambient) -> Ambient:
        return replace(outside, recording=True)


@dataclass
class scope(_Block):  # noqa: N801  (reads as the keyword it is used like)
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

    def _inside(self, outside: Ambient) -> Ambient:
        return replace(outside, scope=(*outside.scope, self.name))
