"""What is called after each epoch: functions of the history, and objects as Keras has them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tinygrad_edu.nn.checks import takes
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.stopping import EarlyStopping

Callback = Callable[[History], Any]


def called_after_each_epoch(callbacks: Any) -> list[Callback]:
    """The argument ``callbacks`` as functions of the history.

    An object with ``on_epoch_end(epoch, logs)`` is taken as well; logs has ``loss``, and with validation
    ``val_loss`` and ``val_accuracy``, of the epoch that ended.

    >>> called_after_each_epoch(3)
    Traceback (most recent call last):
    ...
    TypeError: callbacks: expected functions of the history, called after each epoch, got 3
    """
    if callbacks is None:
        return []
    single = callable(callbacks) or hasattr(callbacks, "on_epoch_end")
    if not single and (isinstance(callbacks, (str, Mapping)) or not isinstance(callbacks, Iterable)):
        raise TypeError(
            f"callbacks: expected functions of the history, called after each epoch, got {callbacks!r}"
        )
    return [_callback(one) for one in ([callbacks] if single else callbacks)]


def _callback(given: Any) -> Callback:
    told = getattr(given, "on_epoch_end", None)
    if isinstance(given, type) or not callable(told or given):
        hint = f"; make one: {given.__name__}()" if isinstance(given, type) else ""
        if isinstance(given, EarlyStopping):
            hint = "; it goes into early_stopping="
        raise TypeError(
            f"callbacks: expected a function of the history, or an object with on_epoch_end(epoch, logs), "
            f"got {given!r}{hint}"
        )
    _check_takes(given if told is None else told, 1 if told is None else 2)
    if told is None:
        return given  # type: ignore[no-any-return]
    return lambda history: told(history.epochs - 1, _logs(history))


def _check_takes(function: Callable[..., Any], number: int) -> None:
    if not takes(function, number):
        wanted = "one argument, the history" if number == 1 else "two arguments, epoch and logs"
        called = getattr(function, "__qualname__", repr(function)) + str(inspect.signature(function))
        raise TypeError(f"callbacks: expected a function of {wanted}, got {called}")


def _logs(history: History) -> dict[str, float]:
    found = {"loss": history.epoch_cost[-1]}
    if len(history.validation_cost) == history.epochs:
        found["val_loss"] = history.validation_cost[-1]
    if len(history.validation_accuracy) == history.epochs:
        found["val_accuracy"] = history.validation_accuracy[-1]
    return found
