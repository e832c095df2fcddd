"""Report: what a comparison found, as a table in text or HTML, and as data."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from textwrap import wrap
from typing import Any

from tinygrad_edu.core.tensor import Tensor


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with one quantity, and how sure that is.

    >>> import numpy as np, tinygrad_edu as tg
    >>> w = tg.Tensor([1.0, 2.0])
    >>> J = np.sum(w**2)
    >>> found = tg.check.compare(J, {"dw": -2 * w.data})["dw"].diagnosis
    >>> found.codes, found.text, found.confidence
    (('sign',), 'the sign is wrong', 'sure')
    """

    codes: tuple[str, ...] = ()
    """The mistakes, most specific first; empty where there is none."""
    text: str = ""
    """The same for the reader."""
    alternatives: tuple[str, ...] = ()
    """Other mistakes that would give exactly these numbers."""
    root: str | None = None
    """The quantity that this one is only wrong because of."""
    at: str = ""
    """The gradient in whose formula the mistake is made: dZ1, though it was found in dW1."""
    where: dict[str, Any] = field(default_factory=dict)
    """Which entries differ: ``count``, ``of``, ``first``, ``rows``, ``columns``."""
    line: tuple[int, str] | None = None
    """The number and text of the source line that assigns it, where that is known."""
    place: str = ""
    """Where that line is, as its author counts: ``line 12``, in a notebook ``cell 3, line 2``."""

    @property
    def confidence(self) -> str:
        """``sure``: no other mistake as plain gives these numbers. ``one of several``. ``not named``."""
        if not self.codes or self.codes[0] in ("unknown", "wrong_shape"):
            return "not named" if self.codes else "sure"
        return "one of several" if self.alternatives else "sure"

    @property
    def sentence(self) -> str:
        """Everything for the reader: the mistake, what it may be instead, and the line."""
        told = self.text
        if self.alternatives:
            told += f" (or, with the same numbers: {'; or '.join(self.alternatives[:2])})"
        if self.line is not None:
            told += f" [{self.place}: {self.line[1]}]"
        return told


OK = Diagnosis()


@dataclass(frozen=True)
class Entry:
    """One quantity: what was given, against what is right.

    >>> import numpy as np, tinygrad_edu as tg
    >>> w = tg.Tensor([1.0, 2.0])
    >>> J = np.sum(w**2)
    >>> entry = tg.check.compare(J, {"dw": 2 * w.data})["dw"]
    >>> entry.name, entry.shape, entry.ok, entry.error
    ('dw', (2,), True, 0.0)
    """

    name: str
    shape: tuple[int, ...]
    """The shape of what was given."""
    ok: bool
    error: float
    """The largest absolute difference; infinite where the shapes don't fit."""
    tolerance: float
    """The largest difference that rounding would explain."""
    diagnosis: Diagnosis = OK

    @property
    def verdict(self) -> str:
        """``right``, ``wrong``, or ``follows`` where only a quantity above it is wrong."""
        if self.ok:
            return "right"
        return "follows" if "follows_from" in self.diagnosis.codes else "wrong"

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "ok": self.ok,
            "verdict": self.verdict,
            "error": self.error if math.isfinite(self.error) else None,
            "tolerance": self.tolerance,
            "codes": list(self.diagnosis.codes),
            "text": self.diagnosis.text,
            "alternatives": list(self.diagnosis.alternatives),
            "confidence": self.diagnosis.confidence,
            "root": self.diagnosis.root,
            "at": self.diagnosis.at,
            "where": self.diagnosis.where,
            "line": list(self.diagnosis.line) if self.diagnosis.line else None,
        }


_HEADINGS = ("quantity", "shape", "max error", "verdict", "diagnosis")
_COLOURS = {"right": "\x1b[32m", "wrong": "\x1b[31m", "follows": "\x1b[33m"}
_MARKS = {"right": "✓", "wrong": "✗", "follows": "↳"}


@dataclass(frozen=True)
class Report:
    """A table of quantity, shape, largest error, verdict, diagnosis; ``report["dW1"]`` is one line of it.

    >>> import numpy as np, tinygrad_edu as tg
    >>> w = tg.Tensor([1.0, 2.0])
    >>> J = np.sum(w**2)
    >>> report = tg.check.compare(J, {"dw": 2 * w.data})
    >>> report.ok, [entry.verdict for entry in report.entries]
    (True, ['right'])
    """

    entries: tuple[Entry, ...]
    convention: str
    notes: tuple[str, ...] = ()
    """What concerns all quantities together, such as another convention that fits."""
    keys: dict[Any, str] = field(default_factory=dict, repr=False)
    """The name that each key of the given mapping stood for."""
    how: str = ""
    """How the quantities were read: as which multiples of the derivative, in which layout."""
    unknown: tuple[str, ...] = ()
    """What is said of the keys that are no quantity's."""

    @property
    def ok(self) -> bool:
        """Whether every quantity is right, and every key is one's."""
        return not self.unknown and all(entry.ok for entry in self.entries)

    @property
    def headline(self) -> str:
        """What is wrong, where, and why, in one sentence; and how the quantities were read."""
        roots = [e for e in self.entries if e.verdict == "wrong"]
        follow = [e for e in self.entries if e.verdict == "follows"]
        if not roots and not follow:
            told = (
                f"All {len(self.entries)} right."
                if len(self.entries) > 1
                else f"{self.entries[0].name} is right."
            )
        else:
            first = (roots or follow)[0]
            line = f" ({first.diagnosis.place})" if first.diagnosis.line else ""
            told = f"{first.name} is wrong{line}: {first.diagnosis.text}."
            if len(roots) > 1:
                told += f" So {'is' if len(roots) == 2 else 'are'} {', '.join(e.name for e in roots[1:])}."
            if follow:
                told += f" {', '.join(e.name for e in follow)} only follow{'s' if len(follow) == 1 else ''}."
        return told

    def __getitem__(self, which: str | Tensor) -> Entry:
        name = self.keys.get(which, which)
        for entry in self.entries:
            if name in (entry.name, entry.name.removeprefix("d")):
                return entry
        raise KeyError(f"{which!r} is not in this report; it has: {', '.join(e.name for e in self.entries)}")

    def __contains__(self, which: object) -> bool:
        return self.keys.get(which, which) in [entry.name for entry in self.entries]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def text(self, *, colour: bool = False, width: int = 110) -> str:
        """The table for a terminal of that width."""
        rows = [_HEADINGS, *((e.name, str(e.shape), _number(e.error), f"{_MARKS[e.verdict]} {e.verdict}",
                              e.diagnosis.sentence) for e in self.entries)]  # fmt: skip
        wide = [max(len(row[k]) for row in rows) for k in range(4)]
        last = max(width - sum(wide) - 4 * 3, 30)
        lines = []
        for row, entry in zip(rows, (None, *self.entries), strict=True):
            told = wrap(row[4], last) or [""]
            for k, part in enumerate(told):
                cells = [(row[j] if k == 0 else "").ljust(wide[j]) for j in range(4)]
                if colour and entry is not None and k == 0:
                    cells[3] = f"{_COLOURS[entry.verdict]}{cells[3]}\x1b[0m"
                lines.append(" | ".join([*cells, part]).rstrip())
            if entry is None:
                lines.append("-|-".join("-" * w for w in [*wide, min(last, max(len(r[4]) for r in rows))]))
        right = sum(entry.ok for entry in self.entries)
        read = f"convention: {self.convention}" + (f", {self.how}" if self.how else "")
        lines.append(f"{right} of {len(self.entries)} right ({read})")
        return "\n".join([*wrap(self.headline, width), "", *lines, *self.unknown, *self.notes])

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        wrong = ", ".join(f"{e.name}: {'/'.join(e.diagnosis.codes)}" for e in self.entries if not e.ok)
        return f"<Report: {len(self.entries)} quantities, {wrong or 'all right'}>"

    def to_dict(self) -> dict[str, Any]:
        """As plain data: ``ok``, ``convention``, ``notes``, ``entries``."""
        return {
            "ok": self.ok,
            "headline": self.headline,
            "convention": self.convention,
            "how": self.how,
            "unknown": list(self.unknown),
            "notes": list(self.notes),
            "entries": [entry.to_dict() for entry in self.entries],
        }

    def to_json(self, **options: Any) -> str:
        """The same as JSON; options as for :func:`json.dumps`."""
        return json.dumps(self.to_dict(), **{"ensure_ascii": False, **options})

    def _html(self) -> str:
        head = "".join(f"<th>{h}</th>" for h in _HEADINGS)
        style = {"right": "#1a7f37", "wrong": "#cf222e", "follows": "#9a6700"}
        body = "".join(
            f"<tr><td><code>{escape(e.name)}</code></td><td>{e.shape}</td><td>{_number(e.error)}</td>"
            f'<td style="color:{style[e.verdict]}">{_MARKS[e.verdict]} {e.verdict}</td>'
            f'<td style="text-align:left">{escape(e.diagnosis.sentence)}</td></tr>'
            for e in self.entries
        )
        notes = "".join(f"<p>{escape(note)}</p>" for note in (*self.unknown, *self.notes))
        notes = f"<p>convention: {escape(self.convention)}, {escape(self.how)}</p>{notes}"
        notes = f"</table>{notes}"
        opening = f"<p><b>{escape(self.headline)}</b></p>"
        return opening + f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>{notes}"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": self._html(), "text/plain": str(self)}


def _number(error: float) -> str:
    return "-" if not math.isfinite(error) else f"{error:.1e}" if error else "0"
