"""One training step, forward, backward and update: by hand, in this package, and in the other engines.

    python benchmarks/steps.py                                     # prints the tables
    python benchmarks/steps.py --write docs/benchmarks-steps.md    # and writes the page

Every engine, in a process of its own, starts from the same parameters and has to agree on the costs of
three steps and on the parameters after them, before anything is timed. Then they take turns; a ratio is
formed within a turn, and its median, smallest and largest over the turns are shown. Cores are fixed, the
same for all.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import importlib.metadata
import multiprocessing
import os
import platform
import statistics
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("--write", type=Path, metavar="PAGE", help="also write the page to this file")
parser.add_argument("--turns", type=int, default=15)
parser.add_argument(
    "--threads",
    type=int,
    nargs="+",
    help="cores that every engine may use; each number is measured. By default one, and all there are",
)
parser.add_argument(
    "--clock",
    choices=("wall", "cpu"),
    default="wall",
    help="cpu: processor time, which other programs on the machine disturb less; it says nothing of the gain "
    "by threads, which add theirs up",
)
parser.add_argument("--only", help="workloads whose name has this in it")
arguments = parser.parse_args()

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
THREADS = sorted({1, len(CORES)}) if arguments.threads is None else arguments.threads
LIBRARIES = [f"{library}_NUM_THREADS" for library in ("OMP", "OPENBLAS", "MKL")]
for name in LIBRARIES:
    os.environ.setdefault(name, "1")  # an engine's process is given its own
clock = process_time if arguments.clock == "cpu" else perf_counter
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

# After the number of threads is set:
import numpy as np  # noqa: E402
from step_engines import ENGINES, ours  # noqa: E402
from step_workloads import WORKLOADS, Workload  # noqa: E402

OWN = "tinygrad_edu, compiled"
STUDENT, EXPERT = "by hand, student", "by hand, expert"
BOUND = "matrix products alone"
IN_NUMPY = ("by hand", "tinygrad_edu", "MyGrad", "HIPS")
SPAWN = multiprocessing.get_context("spawn")
IDLE = 0.2
"""Seconds before each turn: the threads of the engine before spin on for a while, on the other's cores."""
SECONDS = 0.05
"""About how long an engine runs in one turn."""


class Engine:
    """An engine in a process of its own: it shares no allocator and no threads with the others."""

    def __init__(self, name: str, k: int, threads: int) -> None:
        self.here, there = SPAWN.Pipe()
        self.process = SPAWN.Process(target=work, args=(there, name, k), daemon=True)
        with using(threads):
            self.process.start()

    def ask(self, *question: Any) -> Any:
        """What the process answers; an error of its is raised here."""
        self.here.send(question)
        answer = self.here.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close(self) -> None:
        """Ends the process."""
        self.here.send(("end",))
        self.process.join()


@contextlib.contextmanager
def using(threads: int) -> Iterator[None]:
    """Processes that are started here may use so many cores, and are told so before they import NumPy."""
    before = {name: os.environ[name] for name in LIBRARIES}
    os.environ.update(dict.fromkeys(LIBRARIES, str(threads)))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, set(CORES[:threads]))
    try:
        yield
    finally:
        os.environ.update(before)
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, set(CORES))


def work(pipe: Any, name: str, k: int) -> None:
    """What runs in the process: makes the step, and then does as it is asked."""
    w = WORKLOADS[k]
    parameters: dict[str, Any] = {}
    step: Callable[[], Any] | None = None
    while (question := pipe.recv())[0] != "end":
        try:
            if question[0] == "make":
                step, parameters = (w.bound(), {}) if name == BOUND else ENGINES[name](w)
                pipe.send(None)
            elif question[0] == "three":
                costs = [step() for _ in range(3)]
                pipe.send((costs, {key: np.array(v, np.float64) for key, v in parameters.items()}))
            elif question[0] == "run":
                pipe.send(measured(step, question[1]))
            elif question[0] == "peak":
                pipe.send(peak_memory(name, w))
            elif question[0] == "kernels":
                pipe.send(kernels())
        except Exception as error:  # noqa: BLE001  (reported by the parent)
            pipe.send(
                type(error)(str(error)[:300])
                if isinstance(error, ImportError)
                else RuntimeError(repr(error)[:300])
            )


def verified(k: int, threads: int) -> tuple[dict[str, Engine], list[str]]:
    """The engines whose first three costs, and parameters after them, are those derived by hand."""
    w = WORKLOADS[k]
    expected: dict[str, Any] = {}
    found: dict[str, Engine] = {}
    notes = []
    tolerance = 1e-9 if w.dtype == "float64" else 2e-4
    for name in ENGINES:
        engine = Engine(name, k, threads)
        try:
            engine.ask("make")
            costs, values = engine.ask("three")
        except (ImportError, RuntimeError) as error:
            notes.append(f"{name} is left out on {w.name}: {error}")
            engine.close()
            continue
        expected = expected or {"costs": costs, **values}
        np.testing.assert_allclose(costs, expected["costs"], rtol=tolerance, err_msg=name)
        for key, v in values.items():
            np.testing.assert_allclose(
                v, expected[key], rtol=tolerance, atol=tolerance, err_msg=f"{name}: {key}"
            )
        found[name] = engine
    found[BOUND] = Engine(BOUND, k, threads)
    found[BOUND].ask("make")
    return found, notes


def measured(step: Callable[[], Any], calls: int) -> float:
    """Seconds a call."""
    gc.collect()
    start = clock()
    for _ in range(calls):
        step()
    return (clock() - start) / calls


def taking_turns(engines: dict[str, Engine], turns: int) -> dict[str, list[float]]:
    """Seconds a call, turn by turn, in one interleaved run; nobody always follows the same neighbour."""
    calls = {name: max(1, int(SECONDS / engine.ask("run", 2))) for name, engine in engines.items()}
    times: dict[str, list[float]] = {name: [] for name in engines}
    names = list(engines)
    for turn in range(turns):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            sleep(IDLE)
            times[name].append(engines[name].ask("run", calls[name]))
    return times


def peak_memory(name: str, w: Workload) -> int | None:
    """The most that a step holds beyond its data and parameters, as far as Python sees (NumPy's arrays)."""
    if not name.startswith(IN_NUMPY):
        return None
    gc.collect()
    tracemalloc.start()
    try:
        step, _ = ENGINES[name](w)
        step()
        gc.collect()
        tracemalloc.reset_peak()
        step()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    itemsize = np.dtype(w.dtype).itemsize
    given = w.m * (w.dims[0] + w.classes) + sum(n * (k + 1) for k, n in pairwise(w.dims))
    return peak - given * itemsize


def table(
    w: Workload, threads: int, times: dict[str, list[float]], peaks: dict[str, int | None]
) -> list[str]:
    """One workload: milliseconds, how long the compiled step takes in comparison, peak memory."""
    lines = [
        f"### {'one thread' if threads == 1 else f'{threads} threads'} for every engine",
        "",
        "| | ms a step: median (min to max) | compiled step takes: median (min to max) | peak memory |",
        "|---|---|---|---|",
    ]
    for name, seconds in times.items():
        ratios = [ours / theirs for ours, theirs in zip(times[OWN], seconds, strict=True)]
        ratio = "" if name == OWN else f"{_spread(ratios)} ×"
        peak = peaks.get(name)
        held = "" if peak is None else f"{peak / 1e6:.1f} MB"
        lines.append(f"| {name} | {_spread([1e3 * s for s in seconds])} | {ratio} | {held} |")
    return [*lines, "", *_bandwidth(w, times), ""]


def _bandwidth(w: Workload, times: dict[str, list[float]]) -> list[str]:
    """What the memory allows, where a step does little more than read X."""
    if len(w.dims) > 2:
        return []
    size = w.dims[0] * w.m * np.dtype(w.dtype).itemsize
    X = np.ones(size // 8)
    seconds = min(measured(X.max, 1) for _ in range(5))
    ours_takes = statistics.median(times[OWN])
    return [
        f"Reading X ({size / 1e6:.0f} MB) once takes this machine about {1e3 * seconds:.1f} ms; the formulas",
        "read it twice, forward and backward. "
        f"The compiled step takes {ours_takes / seconds:.1f} times as long as one reading.",
    ]


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def machine() -> str:
    """The processor and the versions."""
    model = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    names = ("numpy", "torch", "jax", "mygrad", "autograd")
    versions = []
    for name in names:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return (
        f"{model or platform.machine()}, {len(CORES)} logical cores; measured on "
        f"{', '.join(map(str, THREADS))}, the same for every engine{kernels()}. "
        f"Python {platform.python_version()}, {', '.join(versions)}."
    )


def kernels() -> str:
    """Which processor NumPy's OpenBLAS takes this one for."""
    try:
        threadpoolctl = importlib.import_module("threadpoolctl")
    except ImportError:
        return ""
    found = {
        d.get("architecture") for d in threadpoolctl.threadpool_info() if d["internal_api"] == "openblas"
    }
    return (
        f"; NumPy's OpenBLAS runs its kernels for {', '.join(sorted(filter(None, found)))}" if found else ""
    )


def compile_time() -> str:
    """Recording and compiling the course's deep network, the call included."""

    tg = importlib.import_module("tinygrad_edu")

    w = next(w for w in WORKLOADS if w.dims == (12288, 20, 7, 5, 1))
    (X, Y), p = w.data(), w.parameters()
    seconds = []
    for _ in range(3):
        step = tg.compile(ours(w))
        start = perf_counter()
        step(p, X, Y)
        seconds.append(perf_counter() - start)
    return f"Recording and compiling {w.name}: {min(seconds):.2f} s, first call included."


def report() -> str:
    """The whole page."""
    body: list[str] = []
    notes: dict[str, None] = {}
    for k, w in enumerate(WORKLOADS):
        if arguments.only and arguments.only not in w.name:
            continue
        body += [f"## {w.name}", ""]
        own: dict[int, list[float]] = {}
        for threads in THREADS:
            engines, missing = verified(k, threads)
            notes |= dict.fromkeys(missing)
            times = taking_turns(engines, arguments.turns)
            peaks = {name: engine.ask("peak") for name, engine in engines.items()}
            for engine in engines.values():
                engine.close()
            own[threads] = times[OWN]
            lines = table(w, threads, times, peaks)
            print(w.name, *lines, sep="\n", file=sys.stderr)
            body += lines
        first, *others = own
        body += [
            f"The compiled step on {threads} threads: {min(own[first]) / min(own[threads]):.2f} times as "
            f"fast as on {first}, by the fastest turns.\n"
            for threads in others
            if arguments.clock == "wall"
        ]
    blas = os.environ.get("OPENBLAS_CORETYPE")
    command = (
        f"{f'OPENBLAS_CORETYPE={blas} ' if blas else ''}python benchmarks/steps.py {' '.join(sys.argv[1:])}"
    )
    timed = "processor time, all threads of the process" if arguments.clock == "cpu" else "wall-clock time"
    return (
        "\n".join(
            [
                "# Steps: forward pass, backward pass and update",
                "",
                f"Written by `{command}`:",
                f"{arguments.turns} interleaved turns, {timed}.",
                "",
                machine(),
                "",
                "Each engine runs in a process of its own; they take turns. Their costs and parameters over",
                "three steps agreed first. Below 1 ×, the compiled step is faster.",
                "",
                "*Student*: the course's formulas D1 to D6 and L13, line by line, in the course's blocks:",
                "that of D2 gives dA[l-1], too, down to dA[0]. *Lean student*: the same without dA[0].",
                "*Expert*: every array made beforehand, `out=` everywhere. *Matrix products alone*: what no",
                "step with this BLAS undercuts, unless it reads X once for both passes. NumPy's rows run",
                "with the BLAS that it brings (`OPENBLAS_CORETYPE` chooses its kernels; a wrong guess can",
                "cost a factor of two); JAX and PyTorch bring their own.",
                "",
                *body,
                compile_time(),
                "",
                *notes,
            ]
        ).rstrip()
        + "\n"
    )


if __name__ == "__main__":
    page = report()
    print(page, end="")
    if arguments.write:
        arguments.write.write_text(page, "utf-8")
