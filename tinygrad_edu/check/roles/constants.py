"""Names for the number by which a wrong array is off."""

from __future__ import annotations

from collections.abc import Iterator
from math import e, log, sqrt

from tinygrad_edu.check.diagnosis.edit import Edit

__all__ = ["Constants"]

_PLAIN = {
    2.0: "2",
    0.5: "1/2",
    3.0: "3",
    1 / 3: "1/3",
    4.0: "4",
    0.25: "1/4",
    10.0: "10",
    0.1: "1/10",
    100.0: "100",
    0.01: "1/100",
}
_RATES = (0.001, 0.005, 0.0075, 0.009, 0.02, 0.03, 0.05, 0.075, 0.2, 0.3, 1.2)
"""Learning rates of the course, by which a gradient may have been multiplied already."""
_LOGS = {1 / log(2): "1/ln 2, as with log2", 1 / log(10): "1/ln 10, as with log10"}
_LOGS |= {log(2): "ln 2, as with log2", log(10): "ln 10, as with log10", 1 / log(1 + e): "1/ln(1 + e)"}


class Constants:
    """The numbers that a network has names for: m, its sizes, and those of everyday slips.

    Args:
        m: the number of examples.
        per_example: whether the quantity has a column for each example, so that no 1/m belongs in it.
        sizes: ``{"n_x": 7, ...}``: the network's other sizes.
        summed: whether the quantity is a sum over examples, so that 1/m twice is also a mean divided by m.
        extra: further named numbers, such as a keep probability.
    """

    def __init__(
        self, m: int, *, per_example: bool, sizes: dict[str, int], summed: bool, extra: dict[str, float]
    ) -> None:
        self.table: list[tuple[float, tuple[Edit, ...]]] = []
        sign = Edit(("sign",), "the sign is wrong", 1.0)
        for value, edit in self._single(m, per_example, sizes, summed, extra):
            self.table.append((value, (edit,) if edit else ()))
            self.table.append((-value, (sign, edit) if edit else (sign,)))
        self.table.sort(key=lambda entry: sum(edit.cost for edit in entry[1]))

    def _single(
        self, m: int, per_example: bool, sizes: dict[str, int], summed: bool, extra: dict[str, float]
    ) -> Iterator[tuple[float, Edit | None]]:
        yield 1.0, None
        if m > 1:
            missing = ("constant_factor", "factor_m_missing") if per_example else ("factor_m_missing",)
            told = "m times too large" + ("" if per_example else ": the factor 1/m is missing")
            yield float(m), Edit(missing, told, 1.0)
            doubled = ("factor_m_doubled", "mean_for_sum") if summed else ("factor_m_doubled",)
            told = (
                "divided by m, which in this convention happens at dW and db only"
                if per_example
                else (
                    "the factor 1/m is there twice"
                    + (" (a mean, and divided by m once more)" if summed else "")
                )
            )
            yield 1 / m, Edit(doubled, told, 1.0)
            yield float(m) ** 2, Edit(("factor_m_missing", "constant_factor"), "m² times too large", 1.6)
            yield (
                1 / m**2,
                Edit(("factor_m_doubled", "constant_factor"), "the factor 1/m is there three times", 1.6),
            )
        for value, name in _PLAIN.items():
            edit = Edit(("constant_factor",), f"off by the factor {name}", 1.1)
            yield value, edit
            if m > 1:
                with_m = Edit(("constant_factor", "factor_m_missing"), f"off by the factor {name} · m", 1.6)
                yield value * m, with_m
                yield (
                    value / m,
                    Edit(("constant_factor", "factor_m_doubled"), f"off by the factor {name} / m", 1.6),
                )
        for value, name in _LOGS.items():
            yield (
                value,
                Edit(
                    ("log_base", "constant_factor"),
                    f"off by the factor {name}: another base of the logarithm",
                    1.1,
                ),
            )
            if m > 1 and not per_example:
                yield (
                    value * m,
                    Edit(
                        ("log_base", "constant_factor", "factor_m_missing"),
                        f"off by the factor {name}, and 1/m is missing",
                        2.0,
                    ),
                )
        for name, n in sizes.items():
            yield from self._of_size(name, n, m, per_example)
        if m > 2 and not per_example:
            yield m / (m - 1), Edit(("wrong_m", "constant_factor"), "divided by m - 1 instead of m", 1.2)
            yield m / (m + 1), Edit(("wrong_m", "constant_factor"), "divided by m + 1 instead of m", 1.3)
            yield sqrt(m), Edit(("wrong_m", "constant_factor"), "divided by √m instead of m", 1.4)
        for value in _RATES:
            yield value, Edit(("constant_factor",), f"off by the factor {value}: a learning rate?", 1.3)
        for name, value in extra.items():
            yield value, Edit(("constant_factor",), f"off by the factor {name} = {value:.4g}", 1.3)
            yield 1 / value, Edit(("constant_factor",), f"off by the factor 1/{name} = {1 / value:.4g}", 1.3)

    @staticmethod
    def _of_size(name: str, n: int, m: int, per_example: bool) -> Iterator[tuple[float, Edit]]:
        if n < 2:
            return
        if not per_example and n != m:
            yield (
                m / n,
                Edit(("constant_factor", "wrong_m"), f"divided by {name} = {n} instead of m = {m}", 1.15),
            )
        yield 1 / n, Edit(("constant_factor", "wrong_m"), f"off by the factor 1/{name} = 1/{n}", 1.2)
        yield float(n), Edit(("constant_factor",), f"off by the factor {name} = {n}", 1.2)

    def name(self, value: float, tolerance: float = 1e-9) -> tuple[Edit, ...] | None:
        """The edits that a constant factor amounts to, the plainest first; None where it has no name."""
        for known, edits in self.table:
            if abs(value - known) <= tolerance * abs(known):
                return edits
        return None
