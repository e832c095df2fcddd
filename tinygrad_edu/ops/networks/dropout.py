"""Operations that draw random numbers, as they are computed: a compiled step draws anew each time."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.arguments import called
from tinygrad_edu.core.kinds import elementwise
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.ops.movement.shapes import dtype_of

__all__ = ["dropout", "kept"]

Array = Any


@elementwise(
    pullback=None, latex=r"(\operatorname{{rand}} < {keep_prob})", label="kept?", opaque=True,
    samples=[
        Sample((shape,), {"keep_prob": 0.8, "rng": np.random.default_rng(0)})
        for shape in ((3, 4), (), (0, 3))
    ],
)  # fmt: skip
def kept(x: Array, *, keep_prob: float, rng: np.random.Generator) -> Array:
    """1 / keep_prob with probability ``keep_prob``, else 0, for each entry of x: the mask of dropout.

    Raises:
        ValueError: a probability that is not above 0 and up to 1.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> sorted(set(tg.kept(np.zeros(100), keep_prob=0.5, rng=np.random.default_rng(0)).tolist()))
    [0.0, 2.0]
    """
    if not 0 < keep_prob <= 1:
        raise ValueError(f"keep_prob: expected a probability above 0 and up to 1, got {keep_prob!r}")
    mask = np.less(rng.random(np.shape(x)), keep_prob) / keep_prob
    dtype = dtype_of(x)
    return mask.astype(dtype if dtype.kind == "f" else np.float64)


@called("dropout")
def dropout(
    A: Array, keep_prob: float, *, rng: np.random.Generator | None = None, training: bool = True
) -> Array:
    """Inverted dropout: A * D / keep_prob, where D keeps an entry with probability ``keep_prob``.

    The expected value is that of A, so nothing is done when the model is used (``training=False``).
    Source: the course's regularisation exercise; N. Srivastava et al., JMLR 15, 2014.

    Args:
        A: any shape.
        keep_prob: how likely an entry is kept, above 0 and up to 1.
        rng: a NumPy generator, which each call advances; without it, results can't be repeated.
        training: whether to drop at all.

    Raises:
        TypeError: ``rng`` is a seed: every call would draw the same mask.
        ValueError: a probability that is not above 0 and up to 1.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> A = tg.Tensor(np.ones(6))
    >>> tg.dropout(A, 0.5, rng=np.random.default_rng(1)).tolist()
    [0.0, 0.0, 2.0, 0.0, 2.0, 2.0]
    """
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise TypeError(
            f"dropout: expected a NumPy generator as rng, got {rng!r}. Make one, default_rng(seed), "
            "and keep it: each call draws its next mask."
        )
    if not training:
        return A
    return A * kept(A, keep_prob=keep_prob, rng=np.random.default_rng() if rng is None else rng)
