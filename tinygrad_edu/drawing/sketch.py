"""A picture before its layout: boxes, arrows, and what stands in them.

Views make sketches of a graph, ``layout`` finds the places, and ``svg``, ``paper``, ``dot`` and ``text``
write them down. Nothing here knows of Tensors or of pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

Kind = Literal["parameter", "data", "computed", "output", "gradient", "layer"]


@dataclass(frozen=True)
class Line:
    """A line of text. What is bold stands first: the name."""

    text: str
    name: str = ""
    red: bool = False
    faint: bool = False
    value: bool = False
    """Whether it tells what a formula comes to."""
    of: str = ""
    """Whose value it tells, or whose gradient where it is red."""
    lead: int = 0
    """How many characters stand before that value."""

    @property
    def whole(self) -> str:
        """All of it."""
        return self.name + self.text


@dataclass(frozen=True)
class Cells:
    """A small matrix, entry by entry."""

    rows: tuple[tuple[str, ...], ...]
    name: str = ""
    """What stands before it, such as ``dW =``."""
    red: bool = False
    short: str = ""
    """Its shape and range, where there is no room for entries."""
    of: str = ""
    """Whose value it is, or whose gradient where it is red."""

    @property
    def shortened(self) -> Line:
        """The same in one line."""
        lead = len(self.name) + 1 if self.name else 0
        return Line(self.short, red=self.red, value=True, of=self.of, lead=lead)


@dataclass(frozen=True)
class Strip:
    """An array as colours, (height, width, 4) of uint8: a heat map, or an image."""

    pixels: NDArray[Any]
    caption: str = ""


Row = Line | Cells | Strip


@dataclass(frozen=True)
class Part:
    """What has a frame and a name of its own: a quantity, or its gradient."""

    key: str
    kind: Kind
    rows: tuple[Row, ...]
    name: str = ""
    """How a tag elsewhere in the picture calls it."""
    spoken: str = ""
    """The text for screen readers, and for the tooltip."""


@dataclass(frozen=True)
class Box:
    """Parts that stand on top of one another and move together: a quantity and its gradient."""

    parts: tuple[Part, ...]
    scope: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arrow:
    """From one part to another, and what comes back along it.

    ``tail`` of an arrow that comes back is where the gradient comes from.
    """

    tail: str
    head: str
    label: str = ""
    note: str = ""
    """The value of the label: ``= 3``; or what else happens: ``Σ over m``."""
    within: bool = False
    """From part to part of one box."""
    plain: bool = False
    """Whether the label is the name of what passes, not a derivative."""
    returns: Arrow | None = None
    """The arrow beside it on which the gradient comes back."""

    @property
    def labelled(self) -> tuple[Arrow, ...]:
        """Those of the two that have a label, the one above first."""
        return tuple(a for a in (self, self.returns) if a is not None and a.label)


@dataclass(frozen=True)
class Sketch:
    """A whole picture."""

    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    title: str
    description: str = ""
    legend: tuple[str, ...] = ()
    tight: bool = False
    """Whether boxes stand close together."""
