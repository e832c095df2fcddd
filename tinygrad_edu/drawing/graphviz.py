"""Graphviz's ``dot``: the machine's, else that of a Python package.

``graphviz-pure`` is a port of Graphviz that comes from PyPI, so pictures work after ``pip install`` alone.
It computes where boxes and arrows go. Their look is written by this package.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from typing import Any


class RenderError(RuntimeError):
    """A picture could not be made."""


def places(source: str, seconds: float | None = None) -> dict[str, Any] | None:
    """The layout that ``dot`` gives a graph, as its JSON: positions of nodes, paths of edges.

    None where it isn't ready after so many seconds.

    Raises:
        RenderError: there is no ``dot``, or it failed.

    >>> found = places("digraph { a -> b }")
    >>> len(found["edges"])
    1
    """
    program = _program()
    try:
        done = subprocess.run(
            [program, "-Tjson0"], input=source.encode(), capture_output=True, check=False, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace")[:2000]
        raise RenderError(f"{program} could not lay out the graph: {said}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def quoted(text: str) -> str:
    r"""A text as an identifier or a label of DOT, escaped.

    >>> print(quoted('a "b" \\'))
    "a \"b\" \\"
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _program() -> str:
    folders = (sysconfig.get_path("scripts"), os.path.dirname(sys.executable))  # noqa: PTH120
    found = (
        shutil.which("dot")
        or shutil.which("graphviz-pure", path=os.pathsep.join(folders))
        or shutil.which("graphviz-pure")
    )
    if found is None:
        raise RenderError(
            f"no 'dot' on this machine, and no 'graphviz-pure' in {folders[0]}: "
            "expected one of them to lay out the picture. Write: pip install graphviz-pure, "
            "or install Graphviz (https://graphviz.org/download/)."
        )
    return found
