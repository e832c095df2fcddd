"""The table of operations: one entry per definition, filled by ``ops`` and by ``tg.define``.

Tensor's operators, NumPy's protocols and the backward pass look operations up here by name, so that
none of them imports a definition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu.core.op import Op

OPS: dict[str, Op] = {}
"""Every operation by its name."""

RECORD: dict[str, Callable[..., Any]] = {}
"""Every public function by its name: an operation's shortest path, or a function composed of operations."""

NUMPY: dict[Callable[..., Any], Callable[..., Any]] = {}
"""What is called for a NumPy function when one of its arguments is a Tensor."""

REFUSED: dict[Callable[..., Any], str] = {}
"""NumPy functions that are refused on purpose, and why."""
