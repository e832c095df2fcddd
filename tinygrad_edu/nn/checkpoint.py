"""A checkpoint file: the model's state, the optimiser's averages, the history, and the progress so far.

The file is a sealed ``.npz`` (``export``): arrays under ``state/W1``, ``optimizer/W1/v``, ``best/W1``,
``history/cost``, and the rest as JSON. A new file replaces the old one in one step, so an interrupted write
leaves the old one. Each save appends only what is new in the history.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import folder_for, path_of
from tinygrad_edu.export import FileError, read, write
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.optim import Optimizer
from tinygrad_edu.nn.stopping import Stopping
from tinygrad_edu.settings import at_least, whole

KIND = "checkpoint of nn.fit"
OPTIMIZER = "the optimizer"
OPTIMIZER_WITHOUT_RATE = "the optimizer but for its learning rate"
SECONDS = 30.0
MOST = 0.02
"""The largest share of the running time that saving may take, where no ``checkpoint_every`` is given."""


@dataclass
class Standing:
    """The complete state of a training."""

    state: Mapping[str, Tensor]
    optimizer: Optimizer
    history: History
    stopping: Stopping
    generators: Sequence[np.random.Generator]
    facts: Mapping[str, Any]
    """What has to be the same when training resumes."""


@dataclass
class Checkpoint:
    """The file, and when to write it: every ``epochs`` epochs; if that is None, every ``seconds`` seconds."""

    path: Path
    epochs: int | None = None
    seconds: float = SECONDS
    _series: dict[str, NDArray[Any]] = field(default_factory=dict)
    _next: float = field(init=False)
    """When it is to be written again."""

    def __post_init__(self) -> None:
        self._next = time.monotonic() + self.seconds

    def due(self, epochs: int) -> bool:
        """Whether it is time to write, after so many epochs."""
        if self.epochs is not None:
            return epochs % self.epochs == 0
        return time.monotonic() >= self._next

    def save(self, standing: Standing) -> None:
        """Writes the state of a training."""
        began = time.monotonic()
        history, stopping, optimizer = standing.history, standing.stopping, standing.optimizer
        arrays: dict[str, Any] = {f"state/{name}": p._data for name, p in standing.state.items()}
        for key, slots in optimizer.state.items():
            arrays |= {f"optimizer/{key}/{slot}": a for slot, a in slots.items()}
        arrays |= {f"best/{name}": array for name, array in stopping.best.items()}
        series, single = _of_history(history)
        arrays |= {f"history/{name}": self._appended(name, values) for name, values in series.items()}
        meta = {
            "kind": KIND,
            "t": optimizer.t,
            "settings": {name: getattr(optimizer, name) for name in _settable(optimizer)},
            "history": single,
            "stopping": [stopping.best_cost, stopping.waited],
            "generators": [generator.bit_generator.state for generator in standing.generators],
            "facts": dict(standing.facts),
        }
        write(self.path, arrays, meta)
        written = time.monotonic()
        self._next = written + max(self.seconds, (written - began) / MOST)

    def _appended(self, name: str, values: list[float]) -> NDArray[Any]:
        had = self._series.get(name)
        if had is None or len(had) > len(values):
            had = np.empty(0)
        if len(had) < len(values):
            had = np.concatenate([had, np.array(values[len(had) :], np.float64)])
        self._series[name] = had
        return had

    def load(self, standing: Standing) -> History:
        """Restores everything as it was saved, and returns the history.

        Raises:
            FileError: the file is damaged, or no checkpoint.
            ValueError: it belongs to another training; the message lists what differs.
        """
        try:
            arrays, meta = read(self.path)
        except FileError as error:
            raise FileError(f"{error} (not a {KIND})") from None
        if meta.get("kind") != KIND:
            raise FileError(f"{self.path}: not a {KIND}, but {meta.get('kind', 'something else')}")
        _compare(self.path, meta, standing.facts)
        state = _under("state", arrays)
        for name in standing.state.keys() ^ state.keys():
            raise FileError(f"{self.path}: not a {KIND} of this model: state/{name} is missing on one side")
        for name, array in state.items():
            standing.state[name].data[...] = array
        optimizer, stopping = standing.optimizer, standing.stopping
        optimizer.t, optimizer.state = meta["t"], {}
        if meta["facts"][OPTIMIZER] == standing.facts[OPTIMIZER]:  # else the user has changed the rate
            for name, value in meta.get("settings", {}).items():  # a callback may have
                setattr(optimizer, name, value)
        for key, array in _under("optimizer", arrays).items():
            name, _, slot = key.rpartition("/")
            optimizer.state.setdefault(name, {})[slot] = array
        stopping.best = _under("best", arrays)
        stopping.best_cost, stopping.waited = meta["stopping"]
        for generator, state in zip(standing.generators, meta["generators"], strict=True):
            generator.bit_generator.state = state
        self._series = _under("history", arrays)
        series = {name: array.tolist() for name, array in self._series.items()}
        return History(**series, **meta["history"])

    def diverged(self, why: str) -> None:
        """Records in the file that the training diverged after it was written."""
        arrays, meta = read(self.path)
        write(self.path, arrays, meta | {"diverged": why})


def _settable(optimizer: Optimizer) -> list[str]:
    """The settings that a callback may change while training is under way: numbers, not a schedule."""
    return [*([] if callable(optimizer.schedule) else ["lr"]), *optimizer.settings]


def _of_history(history: History) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """The history as arrays (its series) and single values."""
    record = {f.name: getattr(history, f.name) for f in fields(history)}
    series = {name: value for name, value in record.items() if isinstance(value, list)}
    return series, {name: value for name, value in record.items() if name not in series}


def _compare(path: Path, meta: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Raises if the checkpoint is another training's.

    After a divergence the learning rate may differ. What only one of them has, as validation, may join later.
    """
    saved: dict[str, Any] = meta["facts"]
    skipped = OPTIMIZER if "diverged" in meta else OPTIMIZER_WITHOUT_RATE
    told = "; ".join(
        f"{name} was {saved[name]}, and is {facts[name]} now"
        for name in facts
        if name != skipped and name in saved and saved[name] != facts[name]
    )
    if told:
        raise ValueError(f"{path}: a checkpoint of another training: {told}")


def _under(prefix: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    start = prefix + "/"
    return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}


def digest(*arrays: NDArray[Any]) -> str:
    """A checksum of arrays and their shapes.

    >>> digest(np.zeros((2, 3))) == digest(np.zeros((3, 2)))
    False
    """
    check = 0
    for array in arrays:
        check = zlib.crc32(np.ascontiguousarray(array).data.cast("B"), check)
    shapes = ", ".join(f"{a.dtype} {a.shape}" for a in arrays)
    return f"{shapes}, checksum {check:08x}"


def place(path: Any, epochs: Any, seconds: Any) -> Checkpoint | None:
    """The arguments ``checkpoint``, ``checkpoint_every`` and ``checkpoint_seconds``, checked before training.

    Raises:
        TypeError, ValueError: not a path, or numbers out of range.
        OSError: the file cannot be written there.
    """
    every = None if epochs is None else whole("checkpoint_every", epochs, 1)
    seconds = at_least("checkpoint_seconds", seconds, 0)
    if path is None:
        for name, given in (("checkpoint_every", every), ("checkpoint_seconds", seconds != SECONDS)):
            if given:
                raise ValueError(f"{name}: expected checkpoint=, the file to write, too")
        return None
    target = path_of(path, "checkpoint", "a file, such as 'run.npz'")
    if target.suffix in (".pt", ".pth", ".keras", ".h5", ".hdf5"):
        raise ValueError(f"checkpoint: it is an .npz file, such as 'run.npz', got {str(path)!r}")
    folder_for(target, "checkpoint: ")
    beside = target.with_name(target.name + ".part")
    try:
        beside.write_bytes(b"")
        beside.unlink()
    except OSError as error:
        raise type(error)(f"checkpoint: {target} cannot be written: {error.strerror or error}") from None
    return Checkpoint(target, every, seconds)
