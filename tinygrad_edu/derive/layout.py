"""Long lines of source, broken where a formatter would break them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

__all__ = ["WIDTH", "assignment", "paragraph"]

WIDTH = 96
_SIGNS = ((" + ", " - "), (" * ", " / ", " @ "))


def assignment(name: str, value: str, indent: str = "    ") -> str:
    """``name = value``, over several lines where it would be too long for one.

    >>> print(assignment("J", "a * " + " + ".join(["x" * 40] * 3), ""))
    J = (
        a * xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        + xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
        + xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
    )
    """
    line = f"{indent}{name} = {value}"
    if len(line) <= WIDTH:
        return line
    return "\n".join(_laid_out(f"{name} = ", value, indent, ""))


def paragraph(words: str, indent: str) -> list[str]:
    """The words in lines that are not too long, the next ones indented further.

    >>> paragraph("It rains", "  ")
    ['  It rains']
    """
    return textwrap.wrap(words, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ")


def _laid_out(head: str, value: str, indent: str, tail: str) -> Iterator[str]:
    """The lines of ``head value tail``: broken at the loosest signs, else inside its last brackets."""
    if len(indent + head + value + tail) <= WIDTH:
        yield f"{indent}{head}{value}{tail}"
        return
    for signs in _SIGNS:
        parts = list(_split(value, signs))
        if len(parts) > 1:
            yield f"{indent}{head}("
            for sign, part in parts:
                yield from _laid_out(sign, part, indent + "    ", "")
            yield f"{indent}){tail}"
            return
    start = _last_bracket(value)
    if start is None:
        yield f"{indent}{head}{value}{tail}"
        return
    yield f"{indent}{head}{value[: start + 1]}"
    inside = list(_split(value[start + 1 : -1], (", ",)))
    for k, (_, part) in enumerate(inside):
        yield from _laid_out("", part, indent + "    ", "," if k + 1 < len(inside) else "")
    yield f"{indent}{value[-1]}{tail}"


def _split(value: str, signs: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """``(sign, part)`` for the parts between those signs outside all brackets; the first has no sign."""
    depth, start, sign = 0, 0, ""
    for k, character in enumerate(value):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0:
            found = next((s for s in signs if value.startswith(s, k)), None)
            if found is not None:
                yield sign, value[start:k]
                start, sign = k + len(found), found.lstrip()
    yield sign, value[start:]


def _last_bracket(value: str) -> int | None:
    """Where the bracket opens that the value ends with."""
    if not value.endswith((")", "]")):
        return None
    depth = 0
    for k in range(len(value) - 1, -1, -1):
        depth += (value[k] in ")]}") - (value[k] in "([{")
        if depth == 0:
            return k if k < len(value) - 2 else None
    return None
