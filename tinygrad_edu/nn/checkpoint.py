"""A training in a file: parameters, the optimiser's averages, the history, and where it stood.

The file is NumPy's ``.npz``, without pickle: arrays under ``parameters/W1``, ``optimizer/W1/v``,
``best/W1``, ``history/cost``, and the rest as JSON. It is replaced in one go, so that an interruption
while writing leaves the one before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.optim import Optimizer
from tinygrad_edu.nn.stopping import Stopping

__all__ = ["load", "save"]


def save(
    path: str | os.PathLike[str],
    *,
    parameters: Mapping[str, Tensor],
    optimizer: Optimizer,
    history: History,
    stopping: Stopping,
    generators: Sequence[np.random.Generator],
    facts: Mapping[str, Any],
) -> None:
    """Writes where a training stands. ``facts`` must be the same when it is resumed."""
    arrays: dict[str, Any] = {f"parameters/{name}": p.data for name, p in parameters.items()}
    arrays |= {
        f"optimizer/{key}/{slot}": a for key, slots in optimizer.state.items() for slot, a in slots.items()
    }
    arrays |= {f"best/{name}": array for name, array in stopping.best.items()}
    record = asdict(history)
    arrays |= {f"history/{name}": np.array(record.pop(name)) for name in _series(record)}
    meta = {
        "t": optimizer.t,
        "history": record,
        "stopping": [stopping.best_cost, stopping.waited],
        "generators": [generator.bit_generator.state for generator in generators],
        "facts": dict(facts),
    }
    target = Path(path)
    beside = target.with_name(target.name + ".part")
    with beside.open("wb") as file:
        np.savez(file, meta=np.array(json.dumps(meta)), **arrays)
    beside.replace(target)


def _series(record: Mapping[str, Any]) -> list[str]:
    return [name for name, value in record.items() if isinstance(value, list)]


def load(
    path: str | os.PathLike[str],
    *,
    parameters: Mapping[str, Tensor],
    optimizer: Optimizer,
    stopping: Stopping,
    generators: Sequence[np.random.Generator],
    facts: Mapping[str, Any],
) -> History:
    """Puts everything back as it was saved, and gives the history.

    Raises:
        ValueError: the file isn't a checkpoint, or is another training's; the message says what differs.
    """
    try:
        with Path(path).open("rb") as stream, np.load(stream) as file:
            arrays = {name: file[name] for name in file.files}
        meta = json.loads(arrays.pop("meta").item())
    except (BadZipFile, ValueError, KeyError, EOFError, AttributeError) as error:
        raise ValueError(f"{path}: not a checkpoint of nn.fit: {error}") from None
    for name, value in facts.items():
        saved = meta["facts"].get(name)
        if saved != value:
            raise ValueError(
                f"{path}: a checkpoint of another training: {name} was {saved}, and is {value} now"
            )
    found = _under("parameters", arrays)
    for name, parameter in parameters.items():
        parameter.data[...] = found[name]
    optimizer.t = meta["t"]
    optimizer.state = {}
    for key, array in _under("optimizer", arrays).items():
        name, _, slot = key.rpartition("/")
        optimizer.state.setdefault(name, {})[slot] = array
    stopping.best = _under("best", arrays)
    stopping.best_cost, stopping.waited = meta["stopping"]
    for generator, state in zip(generators, meta["generators"], strict=True):
        generator.bit_generator.state = state
    series = {name: array.tolist() for name, array in _under("history", arrays).items()}
    return History(**{f.name: series.get(f.name, meta["history"].get(f.name)) for f in fields(History)})


def _under(prefix: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    start = prefix + "/"
    return {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
