"""``tg.save`` and ``tg.load``: a model in a file, as arrays and data, never as code."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.arguments import plain
from tinygrad_edu.core.table import OPS
from tinygrad_edu.errors import arguments_explained, folder_for, path_of, shown
from tinygrad_edu.export import FileError, read, write
from tinygrad_edu.export.array_files import as_json
from tinygrad_edu.nn import images, layers, normalise, sequences
from tinygrad_edu.nn.checkpoint import KIND as CHECKPOINT
from tinygrad_edu.nn.course_models import MLP, LogisticRegression
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.layer_chain import Layer
from tinygrad_edu.nn.layers import ACTIVATIONS, described
from tinygrad_edu.nn.models import Sequential
from tinygrad_edu.nn.parameter_discovery import buffers_of, parameters_of
from tinygrad_edu.settings import numbers

MODEL, ARRAYS = "model of nn", "arrays by name"
SUFFIXES = (".npz", ".safetensors")
MODELS: dict[str, type[Sequential]] = {m.__name__: m for m in (Sequential, MLP, LogisticRegression)}
LAYERS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        layers.Dense, layers.Neuron, images.Conv2D, images.MaxPool2D, images.AvgPool2D, images.Flatten,
        sequences.Embedding, sequences.RNN, normalise.BatchNorm, normalise.LayerNorm, Dropout,
    )
}  # fmt: skip
DRAWN = {"Dense", "Neuron", "Conv2D", "Embedding", "RNN"}
"""The layers that take ``init``."""
COUNTS = {"n", "n_in", "n_out", "vocabulary"}
"""Settings that bound from below how many numbers a layer has."""


@arguments_explained
def save(model: Any, path: str | os.PathLike[str], *, about: Mapping[str, Any] | None = None) -> None:
    """Writes a model to a file, from which :func:`load` makes the same model.

    Args:
        model: a model of ``tg.nn``; or arrays by name, such as ``model.state_dict()``.
        path: ends in ``.npz`` (NumPy's, with a checksum) or ``.safetensors``.
        about: further data to store with it, as for JSON; ``tg.export.read(path)[1]["about"]`` reads it.

    Raises:
        TypeError: neither; or a layer, an activation or a cost of one's own, which is code; or an ``about``
            that JSON cannot hold.
        ValueError: another ending.
        OSError: the file cannot be written there.

    >>> import tempfile
    >>> import tinygrad_edu as tg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tg.save(tg.nn.MLP([2, 4, 1]), folder + "/model.npz")
    ...     tg.load(folder + "/model.npz")
    MLP([2, 4, 1], 'relu', output='sigmoid')
    """
    target = _path("save", path)
    if target.suffix not in SUFFIXES:
        raise ValueError(f"save: expected a path that ends in {' or '.join(SUFFIXES)}, got {str(path)!r}")
    folder_for(target, "save: ")
    told = {} if about is None else {"about": as_json("save: about", about)}
    if isinstance(model, Mapping):
        arrays = {str(name): _array(str(name), value) for name, value in model.items()}
        write(target, arrays, {"kind": ARRAYS} | told)
        return
    if (
        isinstance(model, type)
        or not isinstance(model, Sequential)
        or type(model) is not MODELS.get(type(model).__name__)
    ):
        hint = ""
        if hasattr(model, "predict") and hasattr(model, "get_params"):
            hint = "; of an estimator: joblib.dump(estimator, path)"
        elif hasattr(model, "state_dict"):
            hint = "; of a class of your own: tg.save(model.state_dict(), path)"
        elif hasattr(model, "loss"):
            hint = '; of a class of your own its arrays: tg.save({"W1": W1, ...}, path)'
        raise TypeError(f"save: expected a model of tg.nn, or arrays by name, got {shown(model)}{hint}")
    data = model.architecture
    _check_is_data(data)
    _check_nothing_is_shared(model)
    generators = model.generators()
    drawn = [generators.index(layer.rng) for layer in model.layers if isinstance(layer, Dropout)]
    states = [g.bit_generator.state for g in generators]
    write(
        target,
        model.state_dict(),
        {
            "kind": MODEL,
            "model": data,
            "generators": _plain(states),
            "draws_from": drawn,
            "frozen": [name for name, p in model.parameters().items() if not p.requires_grad],
        }
        | told,
    )


@arguments_explained
def load(path: str | os.PathLike[str]) -> Any:
    """The model that :func:`save` wrote to a file; or the arrays by name.

    Nothing in a file is run as code, and a file is judged before anything is made of it.

    Raises:
        FileNotFoundError: there is no such file.
        FileError: it is damaged, or of another kind; the message says which, and what reads it.

    >>> import tempfile
    >>> import tinygrad_edu as tg
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tg.save(tg.nn.LogisticRegression(3), folder + "/model.safetensors")
    ...     tg.load(folder + "/model.safetensors").w.shape
    (3, 1)
    """
    target = _path("load", path)
    if target.is_dir():
        raise FileError(f"{path}: expected a file that tg.save wrote, got a folder")
    if not target.exists():
        raise FileNotFoundError(f"load: there is no file {path}")
    try:
        arrays, meta = read(target)
    except FileError as error:
        raise FileError(f"{error}{_hint(target)}") from None
    kind = meta.get("kind")
    if kind == ARRAYS:
        return arrays
    if kind != MODEL:
        raise FileError(f"{path}: it is no model that tg.save wrote, but {_other(kind)}")
    try:
        return _model(meta, arrays)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise FileError(f"{path}: it describes no model that can be made: {error}") from None


def _path(called: str, path: Any) -> Path:
    hint = "; the model comes first: tg.save(model, path)" if isinstance(path, Sequential) else ""
    return path_of(path, called, "a file, such as 'model.npz'", hint)


def _array(name: str, value: Any) -> NDArray[Any]:
    if isinstance(value, Mapping):
        raise TypeError(
            f"save: {name}: expected an array of numbers, got arrays by name; write {{**{name}, ...}}"
        )
    return numbers(f"save: {name}", plain(value))


def _check_nothing_is_shared(model: Sequential) -> None:
    """Raises ValueError if two layers have one Tensor: a layer made from a file has its own."""
    held = [
        t for layer in model.layers for t in (*parameters_of(layer).values(), *buffers_of(layer).values())
    ]
    twice = {t.name for k, t in enumerate(held) if any(t is other for other in held[:k])}
    if twice:
        raise ValueError(
            f"save: several layers have the one Tensor {', '.join(map(str, twice))}, which a model made "
            "from a file would not; save the numbers: tg.save(model.state_dict(), path)"
        )


def _check_is_data(data: Any) -> None:
    """Raises TypeError if a part of a model is the user's code, which a file does not hold."""
    for part in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        _check_is_data(part)
    if isinstance(data, dict) and "own" in data:
        raise TypeError(
            f"save: {data['own'] or 'a function'} is your own code, and a file holds none; save the numbers, "
            "tg.save(model.state_dict(), path), and take them back with model.load_state_dict(tg.load(path))"
        )


def _plain(value: Any) -> Any:
    """A generator's state as JSON has it."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _hint(path: Path) -> str:
    if path.suffix in (".pt", ".pth", ".bin"):
        return "; PyTorch reads its own: model.load_state_dict(torch.load(path, weights_only=True))"
    if path.suffix in (".keras", ".h5", ".hdf5", ".pkl", ".pickle", ".joblib"):
        return "; of another library, take over the numbers: model.load_state_dict({name: array, ...})"
    return (
        "; if np.savez wrote it, write model.load_state_dict(np.load(path))" if path.suffix == ".npz" else ""
    )


def _other(kind: Any) -> str:
    if kind == CHECKPOINT:
        return "a checkpoint: go on with tg.nn.fit(model, ..., checkpoint=path, resume=True)"
    if kind is None:
        return "another program's arrays: model.load_state_dict(tg.export.read(path)[0])"
    return str(kind)


def _model(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Sequential:
    data = meta["model"]
    kind = MODELS.get(data["kind"])
    if kind is None:
        raise ValueError(f"its kind is {data['kind']!r}, which is none of {', '.join(MODELS)}")
    most = sum(array.size for array in arrays.values())
    model: Sequential = kind.__new__(kind)
    chain = [_layer(part, most) for part in data["layers"]]
    Sequential.__init__(model, chain, cost=data["cost"], l2=data["l2"], l1=data["l1"])
    for name, tensor in model.state().items():
        if name in arrays and arrays[name].dtype != tensor.dtype:
            raise ValueError(f"{name} is {arrays[name].dtype}, and its layer {tensor.dtype}")
    model.load_state_dict(arrays)
    for name in meta.get("frozen", ()):
        model.parameters()[name].requires_grad = False
    generators = [_generator(state) for state in meta["generators"]]
    for layer, k in zip([x for x in chain if isinstance(x, Dropout)], meta["draws_from"], strict=True):
        layer.rng = generators[k]
    return model


def _layer(data: Mapping[str, Any], most: int) -> Layer:
    if "function" in data:
        return _function(data["function"])
    kind = LAYERS.get(data["layer"])
    if kind is None:
        raise ValueError(f"it has a layer {data['layer']!r}, which is none of {', '.join(LAYERS)}")
    settings = {name: value for name, value in data.items() if name != "layer"}
    for name in COUNTS & settings.keys():
        _check_size(settings[name], most)
    if isinstance(settings.get("activation"), Mapping):
        settings["activation"] = _function(settings["activation"]["function"])
    elif settings.get("activation", "linear") not in ACTIVATIONS:
        raise ValueError(f"it has the activation {settings['activation']!r}")
    if data["layer"] in DRAWN:
        settings["init"] = _empty(most)
    layer: Layer = kind(**settings)
    if described(layer) != data:
        raise ValueError(f"it has a layer {data['layer']} with other settings than such a layer has")
    return layer


def _function(name: Any) -> Callable[..., Any]:
    """An operation by its name: of the table, and nothing else."""
    found = OPS.get(name) if isinstance(name, str) else None
    if found is None:
        raise ValueError(f"it has a function {name!r}, which is no operation")
    return found


def _empty(most: int) -> Callable[[tuple[int, ...], Any], NDArray[Any]]:
    def init(shape: tuple[int, ...], _: Any) -> NDArray[Any]:
        _check_size(int(np.prod(shape, dtype=object)), most)
        return np.zeros(shape)

    return init


def _check_size(n: Any, most: int) -> None:
    if type(n) is not int or n > most:
        raise ValueError(f"it has a layer of {n} numbers, and {most} in all")


def _generator(state: Any) -> np.random.Generator:
    kinds = {
        k.__name__: k
        for k in (np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64)
    }
    generator: Any = kinds[state["bit_generator"]](0)
    generator.state = state
    return np.random.Generator(generator)
