"""DOT to a picture, by the ``dot`` of the machine, else by the one that a Python package carries.

``graphviz-pure`` is a port of Graphviz that comes from PyPI, so pictures work after ``pip install``
alone. It writes svg and png; pdf needs a ``dot`` of the system.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

__all__ = ["FORMATS", "RenderError", "render"]

FORMATS = ("svg", "png", "pdf", "dot")
_DPI = {"png": "160"}


class RenderError(RuntimeError):
    """A picture could not be made."""


def render(source: str, file_type: str) -> bytes:
    """The picture of a DOT source, as svg, png, pdf or dot.

    Raises:
        ValueError: an unknown file type.
        RenderError: no program for it, or the program failed.

    >>> render("digraph { a -> b }", "svg")[:5]
    b'<?xml'
    """
    if file_type not in FORMATS:
        known = ", ".join(f".{f}" for f in FORMATS)
        raise ValueError(f"unknown file type {'.' + file_type!r} for a picture: expected one of {known}")
    if file_type == "dot":
        return source.encode()
    command = [str(_program(file_type)), f"-T{file_type}"]
    if file_type in _DPI:
        command.append(f"-Gdpi={_DPI[file_type]}")
    done = subprocess.run(command, input=source.encode(), capture_output=True, check=False)
    if done.returncode or not done.stdout:
        raise RenderError(
            f"{command[0]} could not draw the graph: {done.stderr.decode(errors='replace')[:2000]}"
        )
    return done.stdout


def _program(file_type: str) -> Path:
    system = shutil.which("dot")
    if system is not None:
        return Path(system)
    if file_type == "pdf":
        raise RenderError(
            "pdf needs Graphviz's own 'dot' on this machine (https://graphviz.org/download/), and there is "
            "none; svg and png work without it."
        )
    folders = (sysconfig.get_path("scripts"), str(Path(sys.executable).parent))
    carried = shutil.which("graphviz-pure", path=os.pathsep.join(folders)) or shutil.which("graphviz-pure")
    if carried is None:
        raise RenderError(
            f"no 'dot' on this machine, and no 'graphviz-pure' in {folders[0]}: "
            "reinstall tinygrad_edu (pip install graphviz-pure), or install Graphviz."
        )
    return Path(carried)
