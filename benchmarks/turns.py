"""Engines in processes of their own that take turns: what the scripts that measure steps have in common.

Every engine starts from the same parameters and has to agree on the costs of three steps, and on the
parameters after them, before anything is timed. Then they take turns; a ratio is formed within a turn, and
its median, smallest and largest over the turns are shown. Cores are fixed, the same for all.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any

parser = argparse.ArgumentParser(description="Engines take turns; a ratio is formed within a turn.")
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

OWN = "tinygrad_edu, compiled"
SPAWN = multiprocessing.get_context("spawn")
IDLE = 0.2
"""Seconds before each turn: the threads of the engine before spin on for a while, on the other's cores."""
SECONDS = 0.05
"""About how long an engine runs in one turn."""

Make = Callable[[], tuple[Callable[[], float], Mapping[str, Any]]]
"""Makes a step, and the parameters that it moves; a function of a module, or a partial of one."""
Times = dict[str, list[float]]


class Engine:
    """An engine in a process of its own: it shares no allocator and no threads with the others."""

    def __init__(self, make: Make, threads: int) -> None:
        self.here, there = SPAWN.Pipe()
        self.process = SPAWN.Process(target=work, args=(there, make), daemon=True)
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


def work(pipe: Any, make: Make) -> None:
    """What runs in the process: makes the step, and then does as it is asked."""
    parameters: Mapping[str, Any] = {}
    step: Callable[[], Any] | None = None
    while (question := pipe.recv())[0] != "end":
        try:
            if question[0] == "make":
                step, parameters = make()
                pipe.send(None)
            elif question[0] == "three":
                costs = [step() for _ in range(3)]
                pipe.send((costs, {key: np.array(v, np.float64) for key, v in parameters.items()}))
            elif question[0] == "run":
                pipe.send(measured(step, question[1]))
            elif question[0] == "peak":
                pipe.send(peak_memory(make))
        except Exception as error:  # noqa: BLE001  (reported by the parent)
            pipe.send(
                type(error)(str(error)[:300])
                if isinstance(error, ImportError)
                else RuntimeError(repr(error)[:300])
            )


def verified(
    makes: Mapping[str, Make], threads: int, tolerance: float, workload: str
) -> tuple[dict[str, Engine], list[str]]:
    """The engines whose first three costs, and parameters after them, are those of the first that works."""
    expected: dict[str, Any] = {}
    found: dict[str, Engine] = {}
    notes = []
    for name, make in makes.items():
        engine = Engine(make, threads)
        try:
            engine.ask("make")
            costs, values = engine.ask("three")
        except (ImportError, RuntimeError) as error:
            notes.append(f"{name} is left out on {workload}: {error}")
            engine.close()
            continue
        expected = expected or {"costs": costs, **values}
        np.testing.assert_allclose(costs, expected["costs"], rtol=tolerance, err_msg=name)
        for key, v in values.items():
            np.testing.assert_allclose(
                v, expected[key], rtol=tolerance, atol=tolerance, err_msg=f"{name}: {key}"
            )
        found[name] = engine
    return found, notes


def measured(step: Callable[[], Any] | None, calls: int) -> float:
    """Seconds a call."""
    assert step is not None
    gc.collect()
    start = clock()
    for _ in range(calls):
        step()
    return (clock() - start) / calls


def taking_turns(engines: dict[str, Engine], turns: int) -> Times:
    """Seconds a call, turn by turn, in one interleaved run; nobody always follows the same neighbour."""
    calls = {name: max(1, int(SECONDS / engine.ask("run", 2))) for name, engine in engines.items()}
    times: Times = {name: [] for name in engines}
    names = list(engines)
    for turn in range(turns):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            sleep(IDLE)
            times[name].append(engines[name].ask("run", calls[name]))
    return times


def peak_memory(make: Make) -> int:
    """The most that a step holds, as far as Python sees (NumPy's arrays)."""
    gc.collect()
    tracemalloc.start()
    try:
        step, _ = make()
        step()
        gc.collect()
        tracemalloc.reset_peak()
        step()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def table(threads: int, times: Times, peaks: Mapping[str, int | None] | None = None) -> list[str]:
    """One workload: milliseconds, how long the compiled step takes in comparison, and peak memory."""
    columns = "| | ms a step: median (min to max) | compiled step takes: median (min to max) |"
    lines = [
        f"### {'one thread' if threads == 1 else f'{threads} threads'} for every engine",
        "",
        columns + " peak memory |" * (peaks is not None),
        "|---|---|---|" + "---|" * (peaks is not None),
    ]
    for name, seconds in times.items():
        ratios = [ours / theirs for ours, theirs in zip(times[OWN], seconds, strict=True)]
        ratio = "" if name == OWN else f"{spread(ratios)} ×"
        peak = None if peaks is None else peaks.get(name)
        held = "" if peak is None else f"{peak / 1e6:.1f} MB"
        line = f"| {name} | {spread([1e3 * s for s in seconds])} | {ratio} |"
        lines.append(line + f" {held} |" * (peaks is not None))
    return [*lines, ""]


def second_core(own: Mapping[int, list[float]]) -> list[str]:
    """How much faster the compiled step is on more threads."""
    first, *others = own
    return [
        f"The compiled step on {threads} threads: {min(own[first]) / min(own[threads]):.2f} times as "
        f"fast as on {first}, by the fastest turns.\n"
        for threads in others
        if arguments.clock == "wall"
    ]


def spread(values: list[float]) -> str:
    """Median, smallest and largest."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def page(title: str, script: str, lines: Sequence[str]) -> str:
    """A page: how it was made, on what, and the lines."""
    blas = os.environ.get("OPENBLAS_CORETYPE")
    command = (
        f"{f'OPENBLAS_CORETYPE={blas} ' if blas else ''}python benchmarks/{script} {' '.join(sys.argv[1:])}"
    )
    timed = "processor time, all threads of the process" if arguments.clock == "cpu" else "wall-clock time"
    head = [
        f"# {title}",
        "",
        f"Written by `{command}`:",
        f"{arguments.turns} interleaved turns, {timed}.",
        "",
        machine(),
        "",
    ]
    return "\n".join([*head, *lines]).rstrip() + "\n"


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


def written(page: str) -> None:
    """Prints the page, and writes it where that was asked for."""
    print(page, end="")
    if arguments.write:
        arguments.write.write_text(page, "utf-8")
