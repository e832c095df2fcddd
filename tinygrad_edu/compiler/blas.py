"""NumPy's own BLAS, beyond what NumPy asks of it: its threads, and products that are subtracted in place."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from threading import get_ident
from typing import Any

import numpy as np
from numpy._core import _multiarray_umath  # type: ignore[attr-defined]
from numpy.typing import NDArray

from tinygrad_edu import errors

Array = NDArray[Any]

_ROWS, _AS_IT_LIES, _TURNED = 101, 111, 112
"""CBLAS: matrices lie row by row; an operand is taken as it lies, or its transpose is."""


def less_product(W: Array, A: Array, B: Array, *, times: float = 1.0, shrink: float = 0.0) -> tuple[Any, ...]:
    """A call, as function and arguments, after which W holds (1 - shrink) W - times A B.

    BLAS subtracts as it multiplies, so that W is read once, on the thread that multiplies, and A B takes no
    memory. Where BLAS cannot read them as they lie, the product is computed here, and subtracted then.

    Source: J. Dongarra et al., *A Set of Level 3 Basic Linear Algebra Subprograms*, 1990: xGEMM.

    Args:
        W: (n, k); the call writes to it.
        A: (n, m), which shares no memory with W, nor with what is written before the call.
        B: (m, k), the same.
        times: a number.
        shrink: another one.

    >>> W = np.eye(2)
    >>> function, *args = less_product(W, np.array([[1.0], [2.0]]), np.array([[10.0, 20.0]]), shrink=0.5)
    >>> function(*args)
    >>> W
    array([[ -9.5, -20. ],
           [-20. , -39.5]])
    """
    (n, k), m = W.shape, A.shape[1]
    found = _gemm(W.dtype.char), _lies(A), _lies(B)
    if None in found or not m or not W.flags.c_contiguous or not W.dtype == A.dtype == B.dtype:
        number = W.dtype.type
        return np.subtract, W * number(1 - shrink), (A * number(times)) @ B, W
    gemm, (a, lda), (b, ldb) = found  # type: ignore[misc]
    alpha, beta = -float(times), float(1 - shrink)
    return gemm, _ROWS, a, b, n, k, m, alpha, _place(A), lda, _place(B), ldb, beta, _place(W), k


def apart(X: Array, written: list[Array]) -> Array:
    """X, or a copy of it where it shares memory with arrays that are to be written to.

    >>> W = np.zeros(3)
    >>> apart(W[1:], [W]).base is None
    True
    """
    return X.copy() if any(np.may_share_memory(X, W) for W in written) else X


def _lies(X: Array) -> tuple[int, int] | None:
    """How a matrix lies in memory, row by row or column by column, and how far apart these begin."""
    for turned, (far, near), length in (
        (_AS_IT_LIES, X.strides, X.shape[1]),
        (_TURNED, X.strides[::-1], X.shape[0]),
    ):
        if near == X.itemsize and far >= near * max(length, 1) and far % near == 0:
            return turned, far // near
    return None


def _place(X: Array) -> int:
    address: int = X.__array_interface__["data"][0]
    return address


@cache
def _gemm(kind: str) -> Any:
    """C := α A B + β C, in float32 or float64; None where NumPy's BLAS cannot be called."""
    letter, number = {"f": ("s", ctypes.c_float), "d": ("d", ctypes.c_double)}.get(kind, ("", None))
    gemm = _of_blas(f"cblas_{letter}gemm") if letter else None
    if gemm is not None:
        place, which, whole = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64  # of which 32 bits may be read
        gemm.argtypes = [which] * 3 + [whole] * 3 + [number, place, whole, place, whole, number, place, whole]
        gemm.restype = None
    return gemm


class _Blas:
    """NumPy's BLAS, as far as its number of threads can be read and set."""

    def __init__(self) -> None:
        self.functions = _openblas() or _by_threadpoolctl()
        self.known = self.functions is not None
        self.before = 1
        self.users: set[int] = set()
        """Threads in a loop. No lock is needed, which an interrupt could leave locked."""

    @contextmanager
    def on_one_thread(self) -> Iterator[None]:
        """While a loop is run; several may be at once."""
        if self.functions is None:
            yield
            return
        get, put = self.functions
        try:
            self.users.add(get_ident())
            if (now := get()) != 1:
                self.before = now
                put(1)
            yield
        finally:
            self.users.discard(get_ident())
            if not self.users:
                self.restore()

    def restore(self) -> None:
        """As many threads as before the loops."""
        before, self.before = self.before, 1
        if before != 1 and self.functions is not None:
            self.functions[1](before)

    def forget(self) -> None:
        """In a forked process, where no thread runs a loop."""
        self.users.clear()
        self.restore()


def _of_blas(name: str) -> Any:
    """A function of the BLAS that NumPy is linked with, under the names that its builds have, or None."""
    try:
        library = ctypes.CDLL(_multiarray_umath.__file__)
    except OSError:
        return None
    for prefix in ("scipy_", ""):
        for suffix in ("64_", ""):
            try:
                return library[f"{prefix}{name}{suffix}"]
            except AttributeError:  # not in this build, or a system that does not look at linked libraries
                continue
    return None


def _openblas() -> tuple[Callable[[], int], Callable[[int], Any]] | None:
    get, put = map(_of_blas, ("openblas_get_num_threads", "openblas_set_num_threads"))
    return None if get is None or put is None else (get, put)


def _by_threadpoolctl() -> tuple[Callable[[], int], Callable[[int], Any]] | None:
    try:
        threadpoolctl = errors.require_extra("threadpoolctl", extra="sklearn")
    except errors.MissingExtraError:
        return None
    libraries = threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers
    if not libraries:
        return None

    def put(n: int) -> None:
        for library in libraries:
            library.set_num_threads(n)

    return lambda: max(library.get_num_threads() for library in libraries), put


BLAS = _Blas()
