"""What is called after each epoch: functions of the history, and objects as Keras has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.stopping import EarlyStopping
from tinygrad_edu.settings import taking

Callback = Callable[[History], Any]


def called_after_each_epoch(callbacks: Any, model: Any) -> list[Callback]:
    """The argument ``callbacks`` as functions of the history.

    An object with ``on_epoch_end(epoch, logs)`` is taken as well; logs has ``loss``, and with validation
    ``val_loss`` and ``val_accuracy``, of the epoch that ended. Its ``model`` is the one that is trained.

    >>> called_after_each_epoch(3, None)
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
    return [_callback(one, model) for one in ([callbacks] if single else callbacks)]


def _callback(given: Any, model: Any) -> Callback:
    told = getattr(given, "on_epoch_end", None)
    if isinstance(given, type) or not callable(told or given):
        hint = f"; make one: {given.__name__}()" if isinstance(given, type) else ""
        if isinstance(given, EarlyStopping):
            hint = "; it goes into early_stopping="
        raise TypeError(
            f"callbacks: expected a function of the history, or an object with on_epoch_end(epoch, logs), "
            f"got {given!r}{hint}"
        )
    if told is None:
        return taking("callbacks", given, "history")
    taking("callbacks", told, "epoch, logs")
    others = [name for name in vars(type(given)) if name.startswith("on_") and name != "on_epoch_end"]
    if others:
        raise TypeError(
            f"callbacks: of {type(given).__name__} only on_epoch_end is called, and {', '.join(others)} "
            "would not be; move what it does there, or before and after fit"
        )
    if not hasattr(given, "model") and hasattr(given, "__dict__"):
        given.model = model
    return lambda history: told(history.epochs - 1, _logs(history))


def _logs(history: History) -> dict[str, float]:
    found = {"loss": history.epoch_cost[-1]}
    if len(history.validation_cost) == history.epochs:
        found["val_loss"] = history.validation_cost[-1]
    if len(history.validation_accuracy) == history.epochs:
        found["val_accuracy"] = history.validation_accuracy[-1]
    return found
