"""The names that a function's code reads, from its bytecode."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache
from types import CodeType

_CONSTANT = ("LOAD_CONST", "LOAD_SMALL_INT")
_APPENDING = ("append", "appendleft", "extend", "add", "write", "writelines", "info", "debug")


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code, and that of the functions and comprehensions in it."""
    yield code
    for part in code.co_consts:
        if isinstance(part, CodeType):
            yield from _codes(part)


@lru_cache(maxsize=1 << 12)  # bytecode takes a tenth of a millisecond to read
def names_read(code: CodeType) -> tuple[AbstractSet[str], AbstractSet[str], AbstractSet[str]]:
    """The global names, the names of closures, and all names and strings that code reads.

    Not those that it only counts up (``calls += 1``) or appends to: what they are has no effect.
    """
    spaces: set[str] = set()
    cells: set[str] = set()
    names: set[str] = set()
    for part in _codes(code):
        steps = list(dis.get_instructions(part))
        for k, step in enumerate(steps):
            if not step.opname.startswith("LOAD_") or not isinstance(step.argval, str):
                continue
            if step.opname.startswith("LOAD_CONST"):
                names.add(step.argval)
            elif not _is_only_written(steps[k : k + 12]):
                names.add(step.argval)
                if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                    spaces.add(step.argval)
                elif "DEREF" in step.opname:
                    cells.add(step.argval)
    return spaces, cells, names


def _is_only_written(steps: list[dis.Instruction]) -> bool:
    """Whether what the first instruction loads is appended to, or counted up, and not used otherwise."""
    first, *rest = steps
    if rest and rest[0].opname in ("LOAD_METHOD", "LOAD_ATTR"):
        return rest[0].argval in _APPENDING
    shape = [s.opname for s in rest if s.opname not in ("SWAP", "COPY")]
    if len(shape) > 2 and shape[0] in _CONSTANT and shape[1].startswith("BINARY_OP"):
        stored = next(s for s in rest[2:] if s.opname not in ("SWAP", "COPY"))
        return stored.opname.startswith("STORE_") and stored.argval == first.argval
    counted = shape[1:5] in (
        ["BINARY_SUBSCR", constant, "BINARY_OP", "STORE_SUBSCR"] for constant in _CONSTANT
    )
    return counted and shape[0] in _CONSTANT
