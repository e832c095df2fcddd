"""``check.assert_gradients``: the comparison as an assertion, for tests and for graders that run tests."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.check.comparison import compare
from tinygrad_edu.errors import arguments_explained


@arguments_explained
def assert_gradients(J: Any, manual: Any, **options: Any) -> None:
    """Passes where gradients derived by hand are right; else its message is the report.

    Args:
        J: the cost, a scalar Tensor.
        manual: the gradients, as for :func:`compare`.
        options: the other arguments of :func:`compare`.

    Raises:
        AssertionError: one of them is wrong; the message is the report, with the diagnosis.

    >>> import tinygrad_edu as tg
    >>> w = tg.Tensor(3.0)
    >>> J = w**2
    >>> tg.check.assert_gradients(J, {"dw": 6.0})
    """
    __tracebackhide__ = True  # pytest points at the line of the test
    report = compare(J, manual, **options)
    if not report.ok:
        raise AssertionError(f"{report!r}\n{report}")
