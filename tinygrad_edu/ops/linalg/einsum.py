"""Einstein summation: any sum of products, named by the indices of its operands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.core.axes import Flow, Settings, Shapes, contracted
from tinygrad_edu.core.facts import EACH
from tinygrad_edu.core.kinds import composed, contraction
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.ops.movement.shapes import astype, dtype_of

__all__ = [
    "contract", "einsum", "multi_dot",
]  # fmt: skip

Array = Any
_LETTERS = ascii_uppercase + ascii_lowercase  # in the order in which an implicit result has its axes


def _lengths(terms: list[str], xs: tuple[Array, ...]) -> dict[str, int]:
    """How far each index runs: an axis of length 1 is broadcast against the others of its name."""
    lengths: dict[str, int] = {}
    for term, x in zip(terms, xs, strict=True):
        for index, n in zip(term, np.shape(x), strict=True):
            known = lengths.get(index, 1)
            if known != n and 1 not in (known, n):
                raise ValueError(f"in einsum {','.join(terms)!r}, index {index!r} runs to {known} and to {n}")
            lengths[index] = n if known == 1 else known
    return lengths


def _back_through_contract(k: int, g: Array, y: Array, *xs: Array, subscripts: str) -> Array:
    """The gradient of operand k is an einsum too: of g and the other operands, over the indices of k.

    An index of k that stands nowhere else was summed over: the gradient is the same all along it. One that
    stands twice in k read the diagonal: off it, the gradient is 0 (``eye``).
    """
    inputs, _, result = subscripts.partition("->")
    terms = inputs.split(",")
    lengths = _lengths(terms, xs)
    given = [result, *terms[:k], *terms[k + 1 :]]
    operands = [g, *xs[:k], *xs[k + 1 :]]
    spare = iter(letter for letter in _LETTERS if letter not in subscripts)
    wanted, alike = "", []
    for axis, index in enumerate(terms[k]):
        if index in wanted:
            own = next(spare)
            given.append(index + own)
            operands.append(np.eye(lengths[index], dtype=g.dtype))
            wanted += own
        elif terms[k].count(index) == 1 and not any(index in term for term in given):
            alike.append(axis)
        else:
            wanted += index
    gradient = contract(*operands, subscripts=f"{','.join(given)}->{wanted}")
    return np.expand_dims(gradient, tuple(alike)) if alike else gradient


def _case(subscripts: str, *shapes: tuple[int, ...]) -> Sample:
    return Sample(shapes, {"subscripts": subscripts})


def _spelled(subscripts: str, *shapes: tuple[int, ...]) -> Sample:
    return Sample(shapes, arrange=lambda *xs: (subscripts, *xs))


def _subscripts(_: Shapes, settings: Settings) -> Flow:
    operands, result = settings["subscripts"].split("->")
    return contracted(operands.split(","), result)


def _by_blas(settings: Mapping[str, Any], *xs: Any) -> str:
    """Source: a product of several is left to BLAS, which NumPy does where it may choose the order."""
    told = [repr(settings["subscripts"]), *map(str, xs), *["optimize=True"] * (len(xs) > 1)]
    return f"np.einsum({', '.join(told)})"


def _as_product(subscripts: str, a: Array, b: Array) -> Array | None:
    """The same as matrix products, one for each place along the indices that both have and the result keeps.

    Where no index is summed over, the same entry by entry. None where an index stands twice in an operand, is
    broadcast, or ends in one operand alone.
    """
    inputs, _, result = subscripts.partition("->")
    left, right = inputs.split(",")
    of_a, of_b = dict(zip(left, np.shape(a), strict=True)), dict(zip(right, np.shape(b), strict=True))
    shared = [index for index in left if index in of_b]
    alone = {index for index in of_a | of_b if index not in shared}
    if len(of_a) < len(left) or len(of_b) < len(right) or not alone <= set(result):
        return None
    if any(of_a[index] != of_b[index] for index in shared):
        return None
    summed = [index for index in shared if index not in result]
    stacked = [index for index in result if index in shared]
    rows, columns = ([index for index in term if index in alone] for term in (left, right))
    if not summed:
        return _beside(a, left, result) * _beside(b, right, result)
    depth = math.prod(of_a[index] for index in summed)
    x = np.transpose(a, [left.index(index) for index in (*stacked, *rows, *summed)])
    y = np.transpose(b, [right.index(index) for index in (*stacked, *summed, *columns)])
    x = np.reshape(x, (*x.shape[: len(stacked)], math.prod(of_a[index] for index in rows), depth))
    y = np.reshape(y, (*y.shape[: len(stacked)], depth, math.prod(of_b[index] for index in columns)))
    lengths = [(of_a | of_b)[index] for index in (*stacked, *rows, *columns)]
    order = [*stacked, *rows, *columns]
    return np.transpose(np.reshape(x @ y, tuple(lengths)), [order.index(index) for index in result])


def _beside(x: Array, term: str, result: str) -> Array:
    """The axes of an operand as the result has them, of length 1 where they are the other's."""
    kept = [index for index in result if index in term]
    x = np.transpose(x, [term.index(index) for index in kept])
    lengths = iter(np.shape(x))
    return np.reshape(x, tuple(next(lengths) if index in kept else 1 for index in result))


@contraction(
    axes=_subscripts, parts=True,
    pullback=_back_through_contract, latex=r"\sum_{{{settings}}} {xs}", label="einsum",
    samples=[
        _case("ij,jk->ik", (2, 3), (3, 4)),
        _case("ij->ji", (2, 3)),
        _case("ij->i", (2, 3)),
        _case("ij->", (2, 3)),
        _case("ii->i", (3, 3)),
        _case("ii->", (3, 3)),
        _case("iij->j", (2, 2, 3)),
        _case("iii->i", (3, 3, 3)),
        _case("i,j->ij", (2,), (3,)),
        _case("i,i,i->i", (3,), (3,), (3,)),
        _case("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
        _case("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
        _case("ij,jk->ik", (2, 1), (3, 4)),
        _case("ii,i->i", (1, 1), (3,)),
        _case("ij,kj->j", (2, 3), (4, 3)),
        _case(",i->i", (), (3,)),
        _case("ij,jk->ik", (0, 3), (3, 2)),
    ],
    linear=(EACH,),
    source=_by_blas,
)  # fmt: skip
def contract(*xs: Array, subscripts: str) -> Array:
    """What :func:`einsum` records: a sum of products with every index and the result written out.

    >>> import tinygrad_edu as tg
    >>> tg.einsum("ij,j", tg.Tensor([[1.0, 2.0], [3.0, 4.0]]), [1.0, 1.0]).settings
    {'subscripts': 'ij,j->i'}
    """
    _lengths(subscripts.partition("->")[0].split(","), xs)
    if len(xs) == 2 and any(isinstance(x, Tensor) for x in xs):  # taken apart for a compiled step
        product = _as_product(subscripts, *xs)
        if product is not None:
            return product
    return np.einsum(subscripts, *xs, optimize=len(xs) > 1)


@composed(samples=[
    _spelled("ij,jk", (2, 3), (3, 4)),
    _spelled("ba", (2, 3)),
    _spelled("ii", (3, 3)),
    _spelled("...ij, ...jk", (2, 2, 3), (2, 3, 2)),
    _spelled("...ij,...jk->...ki", (2, 1, 2, 3), (3, 3, 2)),
    _spelled("i...->...i", (2, 3, 2)),
    _spelled("...,...", (3,), ()),
    _spelled("...j,...j->...", (2, 3), (1,)),
    _spelled("ij,kj->k", (2, 3), (4, 3)),
    Sample(((2, 3), (3, 4)), arrange=lambda a, b: (a, [0, 1], b, [1, 2])),
    Sample(((2, 3), (2,)), arrange=lambda a, b: (a, [0, 30], b, [0], [30, 0])),
    Sample(((2, 3, 4),), arrange=lambda a: (a, [Ellipsis, 1, 0], [0, Ellipsis])),
])  # fmt: skip
def einsum(*operands: Any, optimize: Any = True) -> Array:
    """``np.einsum`` with any subscripts: implicit result, ellipsis, diagonals, sums, or lists of integers.

    Indices that the result lacks are summed over; an index that an operand has twice reads its diagonal;
    an axis of length 1 is broadcast against the others of its name; ``...`` stands for the remaining axes.
    Source: https://numpy.org/doc/stable/reference/generated/numpy.einsum.html.

    Args:
        *operands: the subscripts and the arrays, ``einsum("ij,jk", a, b)``; or the arrays, each followed by
            a list of integers that name its axes, and perhaps one for the result.
        optimize: taken for NumPy's sake; the order of the products is always chosen.

    Raises:
        ValueError: the subscripts don't fit the arrays, or one index has two lengths.

    >>> import tinygrad_edu as tg
    >>> A = tg.Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> tg.einsum("ii", A).item(), tg.einsum("ij->i", A).tolist(), tg.einsum(A, [1, 0]).tolist()
    (5.0, [3.0, 7.0], [[1.0, 3.0], [2.0, 4.0]])
    """
    subscripts, arrays = _split(operands)
    return _contracted(arrays, _explicit(subscripts, arrays))


def _contracted(xs: Sequence[Array], subscripts: str) -> Array:
    """The operands are cast first: narrow whole numbers that are summed up before the product would wrap."""
    to = np.result_type(*map(dtype_of, xs))
    return contract([x if dtype_of(x) == to else astype(x, dtype=to) for x in xs], subscripts=subscripts)


def _split(arguments: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The subscripts and the arrays, from either of the two forms that np.einsum takes."""
    if not arguments:
        raise ValueError("einsum: expected subscripts and arrays, got nothing")
    if isinstance(arguments[0], str):
        return arguments[0], arguments[1:]
    paired = len(arguments) // 2 * 2
    terms = ",".join(map(_term, arguments[1:paired:2]))
    return (terms if paired == len(arguments) else f"{terms}->{_term(arguments[-1])}"), arguments[:paired:2]


def _term(axes: Any) -> str:
    """``[0, Ellipsis, 2]`` as letters."""
    letters: dict[Any, str] = {Ellipsis: "...", **dict(enumerate(_LETTERS))}
    try:
        return "".join(letters[axis] for axis in axes)
    except (KeyError, TypeError):
        raise ValueError(
            "einsum: expected subscripts such as 'ij,jk->ik' first, or after each array a list of integers "
            f"from 0 to 51 and Ellipsis, got {errors.described(axes, None)}"
        ) from None


def _explicit(subscripts: str, operands: tuple[Any, ...]) -> str:
    """The subscripts with the ellipsis spelled in letters, and with the result."""
    text = subscripts.replace(" ", "")
    inputs, arrow, result = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"einsum: {subscripts!r} names {len(terms)} operands, got {len(operands)}")
    shapes = [np.shape(x) for x in operands]
    extra = [
        len(shape) - len(term) + 3 if "..." in term else 0 for term, shape in zip(terms, shapes, strict=True)
    ]
    leading = "".join(letter for letter in _LETTERS if letter not in text)[: max(0, *extra)]
    if not arrow:
        once = [letter for letter in _LETTERS if inputs.count(letter) == 1]
        result = leading + "".join(once)
    elif leading and "..." not in result:
        raise ValueError(f"einsum: the result of {subscripts!r} has no '...' for the axes that stand there")
    terms = [t.replace("...", leading[len(leading) - max(0, n) :]) for t, n in zip(terms, extra, strict=True)]
    result = result.replace("...", leading)
    for term, shape in zip(terms, shapes, strict=True):
        if len(term) != len(shape):
            raise ValueError(
                f"einsum: {term!r} of {subscripts!r} does not name the {len(shape)} axes of shape {shape}"
            )
    _check_letters(subscripts, terms, result)
    return f"{','.join(terms)}->{result}"


def _check_letters(subscripts: str, terms: list[str], result: str) -> None:
    for letter in "".join([*terms, result]):
        if letter not in _LETTERS:
            raise ValueError(f"einsum: {letter!r} in {subscripts!r} is not a letter")
    for letter in result:
        if result.count(letter) > 1:
            raise ValueError(f"einsum: the result of {subscripts!r} has {letter!r} twice")
        if not any(letter in term for term in terms):
            raise ValueError(f"einsum: {letter!r} in the result of {subscripts!r} is in no operand")


@composed(
    samples=[
        Sample(((2, 3), (3, 4), (4, 2))),
        Sample(((3,), (3, 4), (4, 2), (2,))),
        Sample(((2, 3), (3, 2))),
    ],
    numpy=np.linalg.multi_dot,
)
def multi_dot(*arrays: Any) -> Array:
    """``np.linalg.multi_dot``: the product of several matrices, in an order that is cheap.

    The first and the last may be vectors. Takes the matrices, or one list of them.

    Raises:
        ValueError: fewer than two, one that is not a matrix, or neighbours that don't fit.

    >>> import tinygrad_edu as tg
    >>> tg.multi_dot([tg.Tensor([1.0, 2.0]), [[1.0, 0.0], [0.0, 1.0]], [3.0, 4.0]]).item()
    11.0
    """
    xs = tuple(arrays[0]) if len(arrays) == 1 else arrays
    ranks = [np.ndim(x) for x in xs]
    if len(xs) < 2 or any(n != 2 for n in ranks[1:-1]) or not {ranks[0], ranks[-1]} <= {1, 2}:
        raise ValueError(
            f"multi_dot: expected matrices (vectors at the ends), got shapes {[np.shape(x) for x in xs]}"
        )
    terms = [_LETTERS[k : k + 2] for k in range(len(xs))]
    ends = [_LETTERS[0]] * (ranks[0] == 2) + [_LETTERS[len(xs)]] * (ranks[-1] == 2)
    terms[0], terms[-1] = terms[0][2 - ranks[0] :], terms[-1][: ranks[-1]]
    return _contracted(xs, f"{','.join(terms)}->{''.join(ends)}")
