"""Figures of matplotlib (extra ``plot``), without a window and without global state."""

from __future__ import annotations

import os
from typing import Any

from tinygrad_edu.errors import folder_for, path_of, require_extra


def figure(width: float, height: float) -> Any:
    """An empty ``Figure`` of the given width and height in inches.

    Raises:
        MissingExtraError: without matplotlib.
    """
    return require_extra("matplotlib.figure", extra="plot").Figure(
        figsize=(width, height), layout="constrained"
    )


def saved(drawn: Any, path: str | os.PathLike[str] | None) -> Any:
    """The figure, also written to a file where a path is given."""
    if path is not None:
        file = path_of(path, "plot", "a picture, such as 'cost.png'")
        if file.suffix[1:] not in drawn.canvas.get_supported_filetypes():
            raise ValueError(f"plot: expected a path that ends in .png, .svg or .pdf, got {str(path)!r}")
        folder_for(file, "plot: ")
        drawn.savefig(file, dpi=160)
    return drawn
