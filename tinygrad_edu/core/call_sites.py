"""The place of the calling code: its frame, and the text of the expression."""

from __future__ import annotations

import ast
import linecache
import os
import sys
from itertools import islice
from pathlib import Path
from threading import RLock
from types import FrameType
from typing import Any

_PACKAGE = str(Path(__file__).parents[1])
_DISPATCH = str(Path(__file__).parent) + os.sep
_ONE_AT_A_TIME = RLock()


def calling_frame() -> FrameType | None:
    """The frame that called an operation; None where that is the package's own code."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_DISPATCH):
        frame = frame.f_back
    return None if frame is None or frame.f_code.co_filename.startswith(_PACKAGE) else frame


def outer_frame() -> FrameType | None:
    """The innermost frame outside the package, which may be a library's."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame


def parsed(source: str, mode: str = "exec") -> Any:
    """The syntax tree of a text, as ``ast.parse`` gives it, in one thread at a time.

    Python up to 3.12 counts the depth of the tree for all threads together: where two are at it, one of them
    may end in a SystemError. Source: https://github.com/python/cpython/issues/106905
    """
    with _ONE_AT_A_TIME:
        return ast.parse(source, mode=mode)


def written_at(frame: FrameType) -> tuple[str, ast.AST | None]:
    """The expression a frame is evaluating, ``b - 0.1 * db``, as text and parsed; else its line, None."""
    code = frame.f_code
    lines = linecache.getlines(code.co_filename, frame.f_globals)
    line = lines[frame.f_lineno - 1].strip() if frame.f_lineno <= len(lines) else ""
    place = next(islice(code.co_positions(), frame.f_lasti // 2, None), (None,) * 4)
    first, last, start, end = place
    if first is None or last is None or start is None or end is None or last > len(lines):
        return line, None
    part = [text.encode() for text in lines[first - 1 : last]]
    part[-1] = part[-1][:end]  # the columns count bytes
    part[0] = part[0][start:]
    source = b"".join(part).decode(errors="replace")
    try:
        tree = parsed(source if last == first else f"({source})").body[0]
    except (SyntaxError, IndexError, ValueError):
        return line, None
    return source, tree.value if isinstance(tree, ast.Expr) else tree
