"""Long lines of source, broken where a formatter would break them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

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
    return "\n".join(_laid_out(f"{name} = ", value, indent, "", within_brackets=False))


def paragraph(words: str, indent: str) -> list[str]:
    """The words in lines that are not too long, the next ones indented further.

    >>> paragraph("It rains", "  ")
    ['  It rains']
    """
    return textwrap.wrap(words, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ")


def _laid_out(head: str, value: str, indent: str, tail: str, *, within_brackets: bool) -> Iterator[str]:
    """The lines of ``head value tail``: broken at the loosest signs, else inside its longest brackets."""
    if len(indent + head + value + tail) <= WIDTH:
        yield f"{indent}{head}{value}{tail}"
        return
    for signs in _SIGNS:
        parts = list(_split(value, signs))
        if len(parts) > 1:
            inner = indent if within_brackets else indent + "    "
            if not within_brackets:
                yield f"{indent}{head}("
            for k, (sign, part) in enumerate(parts):
                first, last = (
                    head * (within_brackets and k == 0),
                    tail * (within_brackets and k + 1 == len(parts)),
                )
                yield from _laid_out(first + sign, part, inner, last, within_brackets=True)
            if not within_brackets:
                yield f"{indent}){tail}"
            return
    start, end = _longest_brackets(value)
    if end - start < 2:
        yield f"{indent}{head}{value}{tail}"
        return
    yield f"{indent}{head}{value[: start + 1]}"
    inside = list(_split(value[start + 1 : end], (", ",)))
    for _, part in inside:
        comma = "," * (len(inside) > 1)
        yield from _laid_out("", part, indent + "    ", comma, within_brackets=True)
    yield f"{indent}{value[end:]}{tail}"


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


def _longest_brackets(value: str) -> tuple[int, int]:
    """Where the outer brackets with most between them open and close; ``0, 0`` where there are none."""
    depth, opened, longest = 0, 0, (0, 0)
    for k, character in enumerate(value):
        if character in "([{":
            opened = k if depth == 0 else opened
            depth += 1
        elif character in ")]}":
            depth -= 1
            if depth == 0 and k - opened > longest[1] - longest[0]:
                longest = opened, k
    return longest
