"""One report of several runs: mistakes that coincide on one input are told apart by the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tinygrad_edu.check.report import Diagnosis, Entry, Report
from tinygrad_edu.check.source import line_assigning


def several(reports: list[Report], backward: Callable[..., Any] | None = None) -> Report:
    """One report of several runs: right where all are, and of the mistakes those that explain every run."""
    first = reports[0]
    entries = [
        _together([r[e.name] for r in reports], backward) for e in first if all(e.name in r for r in reports)
    ]
    notes = tuple(dict.fromkeys(note for note in first.notes if all(note in r.notes for r in reports)))
    return replace(first, entries=tuple(entries), notes=notes)


def _together(entries: list[Entry], backward: Callable[..., Any] | None) -> Entry:
    wrong = [e for e in entries if not e.ok]
    if not wrong:
        return max(entries, key=lambda e: e.error)
    shared = [c for c in wrong[0].diagnosis.codes if all(c in e.diagnosis.codes for e in wrong)]
    best = min(
        wrong, key=lambda e: (len(set(e.diagnosis.codes) - set(shared)), len(e.diagnosis.alternatives))
    )
    worst = max(wrong, key=lambda e: e.error)
    diagnosis = replace(best.diagnosis, codes=tuple(shared) or ("unknown",))
    if not shared:
        diagnosis = Diagnosis(
            ("unknown",), f"no one mistake explains every run; in one of them: {best.diagnosis.text}"
        )
    line = None
    if backward is not None:
        line = (diagnosis.at and line_assigning(backward, diagnosis.at)) or line_assigning(
            backward, worst.name
        )
    return replace(worst, diagnosis=replace(diagnosis, line=line))
