"""One pool of threads for the process: parts of a loop are handed out in order, to the next free thread.

NumPy and BLAS let other threads run while they compute. What a part writes is its own, so that the results
are the same bits for any number of threads; whoever asks adds them up in the order of the parts.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import copy_context
from itertools import count
from pathlib import Path
from queue import SimpleQueue
from threading import Thread, get_ident
from typing import Any

from tinygrad_edu.compiler.blas import BLAS
from tinygrad_edu.errors import arguments_explained

Part = Callable[..., None]
"""``part(k, *arrays)``: the part with that number, computed in those arrays."""


@arguments_explained
def set_num_threads(n: int) -> None:
    """Says on how many threads compiled steps work, in the whole process.

    The results are the same bits for any number. NumPy's own threads, in products outside a loop over
    tiles and in eager code, are BLAS's business (``OPENBLAS_NUM_THREADS``, or the package threadpoolctl).

    Args:
        n: at least 1.

    Raises:
        TypeError: n is no whole number.
        ValueError: n is less than 1.

    >>> import tinygrad_edu as tg
    >>> before = tg.get_num_threads()
    >>> tg.set_num_threads(2)
    >>> tg.get_num_threads()
    2
    >>> tg.set_num_threads(before)
    """
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"set_num_threads: expected a whole number of threads, got {n!r}")
    n = n.__index__()
    if n < 1:
        raise ValueError(f"set_num_threads: expected at least 1 thread, got {n}")
    _chosen[:] = [n]
    while len(_idle) >= n:  # the caller of a step is one of them
        _idle.pop().inbox.put(None)


@arguments_explained
def get_num_threads() -> int:
    """On how many threads compiled steps work.

    What ``set_num_threads`` said; else ``OMP_NUM_THREADS``; else the cores that the process may use, by
    its affinity and by the limit of its container.

    >>> import tinygrad_edu as tg
    >>> tg.get_num_threads() >= 1
    True
    """
    if not _chosen:
        _chosen.append(_allowed())
    return _chosen[-1]


def threads_for(parts: int) -> int:
    """How many threads work on that many parts."""
    return min(get_num_threads(), parts) if BLAS.known else 1


def spread(part: Part, parts: int, space: Callable[[int], Sequence[Any]]) -> None:
    """Computes all parts, on as many threads as there are; BLAS works on one thread in each.

    What the parts write is memory of the call, which is not used again after an interrupt.

    The caller's context holds in every thread (``np.errstate``). Where another step is using the threads,
    the caller does the work alone. An error is that of the first part that raises one, as on one thread.

    Args:
        part: called with ``0, 1, ..., parts - 1``, each once, and the arrays of its thread.
        parts: how many.
        space: the arrays that thread t works in; 0 is the caller.
    """
    threads = threads_for(parts)
    with BLAS.on_one_thread(), _kept_here(threads) as others:
        spaces = [space(t) for t in range(threads)]
        work = _Work(part, parts)
        helpers: list[_Helper] = []
        try:
            _take(helpers, len(spaces) - 1)
            while helpers:
                helpers[-1].keep_to(others)
                helpers[-1].inbox.put((work, copy_context(), spaces[len(helpers)]))
                helpers.pop()
            work.run(spaces[0])
        finally:
            _idle.extend(helpers)  # of an interrupt between
            work.wait()
        work.check()


class _Work:
    """A loop in progress."""

    def __init__(self, part: Part, parts: int) -> None:
        self.part, self.parts = part, parts
        self.next = count().__next__
        self.errors: dict[int, BaseException] = {}
        self.stopped = False
        self.started: list[None] = []
        self.finished: list[None] = []
        self.signal: SimpleQueue[None] = SimpleQueue()

    def run(self, arrays: Sequence[Any]) -> None:
        """Takes one part after another, until none is left or one has failed."""
        while not self.stopped and (k := self.next()) < self.parts:
            try:
                self.part(k, *arrays)
            except BaseException as error:  # noqa: BLE001  (raised again by the caller of the step)
                self.stopped = True
                self.errors[k] = error

    def wait(self) -> None:
        """Until no helper writes any more, whatever happens meanwhile. One that has not begun will not."""
        self.stopped = True
        interrupt: BaseException | None = None
        while len(self.finished) < len(self.started):
            try:
                self.signal.get()
            except BaseException as error:  # noqa: BLE001  (raised when nobody writes any more)
                interrupt = error
        if interrupt is not None:
            raise interrupt

    def check(self) -> None:
        """Raises what went wrong: an interrupt, else the error of the first part that has one."""
        errors = [self.errors[k] for k in sorted(self.errors)]
        for error in sorted(errors, key=lambda e: isinstance(e, Exception)):
            raise error


class _Helper:
    """A thread that waits for work, and ends with the process."""

    def __init__(self) -> None:
        self.inbox: SimpleQueue[Any] = SimpleQueue()
        self.cores: set[int] = set()
        self.thread = Thread(target=self._serve, name="tinygrad_edu", daemon=True)
        self.thread.start()

    def keep_to(self, cores: set[int]) -> None:
        """Lets it run on these cores only; where none are named, as before."""
        if cores and cores != self.cores and self.thread.native_id is not None:
            self.cores = cores
            _keep(self.thread.native_id, cores)

    def _serve(self) -> None:
        while (given := self.inbox.get()) is not None:
            work, context, arrays = given
            work.started.append(None)
            context.run(work.run, arrays)
            _idle.append(self)  # before it is missed
            work.finished.append(None)
            work.signal.put(None)
            del given, work, context, arrays  # nothing of a step is kept
        _all.discard(self)


_chosen: list[int] = []
_idle: list[_Helper] = []
_all: set[_Helper] = set()
_cores_of: dict[int, set[int]] = {}
"""On which cores the callers of loops may run else: what an interrupted end leaves, the next loop mends."""


def _take(helpers: list[_Helper], wanted: int) -> None:
    """Adds idle threads, up to as many as wanted."""
    while len(helpers) < wanted:
        try:
            helpers.append(_idle.pop())
        except IndexError:
            if len(_all) >= get_num_threads() - 1:
                return
            helpers.append(_Helper())
            _all.add(helpers[-1])


@contextmanager
def _kept_here(threads: int) -> Iterator[set[int]]:
    """The caller stays on its core for the time of a loop. Gives the other cores, for the helpers.

    A system that saves cores wakes a thread on the core of whoever woke it, and moves it to an idle one only
    after some 50 ms: until then a loop ran on one core (on such a machine, 9.3 ms for 5.8).
    """
    if _this_core is None or threads == 1:
        yield set()
        return
    me = get_ident()
    cores = _cores_of.setdefault(me, os.sched_getaffinity(0))
    here = {_this_core()}
    try:
        _keep(0, here)
        yield cores - here or cores
    finally:
        _keep(0, cores)
        _cores_of.pop(me, None)


def _keep(thread: int, cores: set[int]) -> None:
    """Lets a thread, 0 is this one, run on these cores only; where the system refuses, as before."""
    with suppress(OSError):
        os.sched_setaffinity(thread, cores)


def _allowed() -> int:
    """The cores that the process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    given = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if given.isdecimal() and int(given) > 0:
        return int(given)
    return max(1, min([cores, *_quotas()]))


def _quotas() -> Iterator[int]:
    """The limits of the control groups that the process is in, in cores, rounded up."""
    root = Path("/sys/fs/cgroup")
    try:
        lines = Path("/proc/self/cgroup").read_text("utf-8").splitlines()
    except OSError:
        return
    for own in (line.partition("::")[2] for line in lines if line.startswith("0::")):
        folder = root / own.strip("/")
        for place in (folder, *folder.parents):
            quota = _words(place / "cpu.max")
            if len(quota) == 2 and all(word.isdecimal() for word in quota):
                yield -(-int(quota[0]) // int(quota[1]))
            if place == root:
                break
    older = [_words(root / "cpu" / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
    if all(len(words) == 1 and words[0].isdecimal() for words in older):
        yield -(-int(older[0][0]) // int(older[1][0]))


def _words(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8").split()
    except OSError:
        return []


def _after_fork() -> None:
    """A forked process has only the thread that forked it."""
    _idle.clear()
    _all.clear()
    _cores_of.clear()
    BLAS.forget()


def _core_of_caller() -> Callable[[], int] | None:
    """The system's function that tells the core of its caller, where threads can be kept to cores."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    return getattr(ctypes.PyDLL(None), "sched_getcpu", None)


_this_core = _core_of_caller()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
