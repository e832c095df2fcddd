"""The signatures that ``help`` and editors show: with types instead of their names in the source."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def shown(function: Callable[..., Any], result: Any) -> inspect.Signature:
    """A function's signature, with ``result`` for what comes out where the function says Any.

    >>> import tinygrad_edu as tg
    >>> shown(tg.clip, float).return_annotation
    <class 'tinygrad_edu.core.tensor.Tensor'>
    >>> shown(lambda x, *, axis=None: x, float)
    <Signature (x, *, axis=None)>
    """
    try:
        found = inspect.signature(function, eval_str=True)
    except (NameError, TypeError):  # a user's function, with types that are there for checkers alone
        return inspect.signature(function)
    return found.replace(return_annotation=result) if found.return_annotation is Any else found
