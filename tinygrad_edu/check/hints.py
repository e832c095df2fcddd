"""Hints: as much of a diagnosis as a teacher wants to tell. Where; of what kind; the right formula."""

from __future__ import annotations

from collections.abc import Mapping

from tinygrad_edu.check.report import Entry, Report

LEVELS = (1, 2, 3)
_KINDS: Mapping[str, tuple[str, ...]] = {
    "a constant factor: count how often you divide by m, and look at the other numbers": (
        "factor_m_missing", "factor_m_doubled", "constant_factor", "wrong_m", "log_base", "integer_division",
        "dropout_scale",
    ),
    "a sign": ("sign", "sign_inside"),
    "a transpose: write the shapes under the formula": ("transpose", "inner_transpose", "wrong_shape"),
    "the kind of product, * or @": ("elementwise_for_matmul", "matmul_for_elementwise"),
    "a sum: over which axis, whether at all, and keepdims": (
        "sum_axis", "sum_all", "sum_missing", "sum_extra", "summed_too_early", "sum_keepdims", "mean_for_sum",
        "softmax_axis",
    ),
    "the slope of an activation: which one, and at which value": (
        "slope_missing", "slope_extra", "slope_doubled", "slope_wrong", "slope_wrong_activation",
        "slope_at_a", "slope_at_z", "activation_for_slope", "slope_on_gradient", "output_shortcut",
        "softmax_elementwise",
    ),
    "a quantity that stands where another belongs": (
        "z_for_a", "a_for_z", "wrong_layer", "bias_from_weights", "labels_swapped", "stale_parameters",
    ),
    "something left out or counted twice: follow every path from J to it": (
        "chain_factor_missing", "term_missing", "term_doubled", "regularisation_missing",
        "regularisation_factor", "regularisation_extra", "dropout_mask_missing",
    ),
    "which examples take part": ("last_example_only", "example_omitted", "examples_misaligned", "clipped"),
}  # fmt: skip
_KIND = {code: kind for kind, codes in _KINDS.items() for code in codes}


def hints(report: Report, level: int, formulas: Mapping[str, str] | None = None) -> str:
    """What a report says of each mistake, up to a level; quantities that only follow are left out.

    Args:
        report: of a comparison.
        level: 1 says where; 2 also of what kind; 3 what it is, with the right formula.
        formulas: the right formulas by quantity, such as ``{"dW1": "dW1 = dZ1 @ X.T / m"}``.

    Raises:
        ValueError: another level.

    >>> import tinygrad_edu as tg
    >>> w = tg.Tensor(3.0)
    >>> J = w**2
    >>> print(hints(tg.check.compare(J, {"dw": -6.0}), 2))
    dw is wrong. Look at: a sign.
    """
    if level not in LEVELS:
        raise ValueError(f"hints: level: expected 1, 2 or 3, got {level!r}")
    if report.ok:
        return "Everything is right."
    wrong = [entry for entry in report if entry.verdict == "wrong"] or [e for e in report if not e.ok]
    return "\n".join(_hint(entry, level, formulas or {}) for entry in wrong)


def _hint(entry: Entry, level: int, formulas: Mapping[str, str]) -> str:
    diagnosis = entry.diagnosis
    place = f" ({diagnosis.place})" if diagnosis.line else ""
    told = [f"{entry.name} is wrong{place}."]
    kind = next((_KIND[code] for code in diagnosis.codes if code in _KIND), None)
    if level == 2:
        told.append(f"Look at: {kind}." if kind else "The kind of mistake is not known.")
    if level == 3:
        text = diagnosis.text.rstrip(".")
        told.append(f"{text[:1].upper()}{text[1:]}.")
        if entry.name in formulas:
            theirs = [f"  yours: {diagnosis.line[1]}"] if diagnosis.line else []
            told.append("\n".join(["", *theirs, f"  right: {formulas[entry.name]}"]))
    return " ".join(told)
