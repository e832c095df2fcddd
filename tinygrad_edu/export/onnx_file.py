"""``export.onnx``: a model, or a function of arrays, as an ONNX file."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.mode import no_grad
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import arguments_explained, folder_for, path_of
from tinygrad_edu.export.free_axes import Sizes, free_sizes
from tinygrad_edu.export.onnx_builder import Builder
from tinygrad_edu.export.onnx_operators import has_operator, write
from tinygrad_edu.export.recording import Recording, recorded

_OPSET, _IR = 20, 10


@arguments_explained
def onnx(model: Callable[..., Any], X: Any, path: str | os.PathLike[str]) -> None:
    """Writes what ``model(X)`` computes as an ONNX file, which other tools can run. Needs the extra ``onnx``.

    Args:
        model: a model, or a function of Tensors that gives a Tensor. Parameters and arrays that it finds
            elsewhere become the file's weights.
        X: an example of the input, an array or a Tensor; a tuple or a list where the function takes
            several. Its dtype is the file's input's.
        path: of the file, which is replaced.

    An axis of X whose length the function leaves open stays free in the file: a model of the course, recorded
    with X (n_x, m), runs for any m. The result is that of the model to about 1e-6, since ONNX Runtime
    computes some operators in float32 alone.

    Raises:
        MissingExtraError: without the package ``onnx``.
        TypeError: the function gives something else than a Tensor, or looks at values.
        ValueError: the path ends in something else than .onnx.
        NotImplementedError: it uses what ONNX has no operator for; the message names the operation and the
            quantity that it computes.

    Source: https://onnx.ai/onnx/.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> model = tg.nn.MLP([2, 3, 1], seed=1)
    >>> tg.export.onnx(model, np.zeros((2, 5)), "model.onnx")
    >>> import onnx as reader
    >>> (X,) = reader.load("model.onnx").graph.input
    >>> [axis.dim_param or axis.dim_value for axis in X.type.tensor_type.shape.dim]
    [2, 'm']
    """
    if not callable(model):
        raise TypeError(f"export.onnx: expected a model, or a function of Tensors, got {model!r}")
    target = path_of(path, "export.onnx", "a file, such as 'model.onnx'")
    if target.suffix != ".onnx":
        raise ValueError(f"export.onnx: expected a path that ends in .onnx, got {str(path)!r}")
    folder_for(target, "export.onnx: ")
    examples = _examples(model, X)

    def record(given: Any) -> Recording:
        with no_grad():
            return recorded(model, given, has_operator)

    sizes = free_sizes(record, examples)
    _save(sizes, target)


def _examples(model: Callable[..., Any], X: Any) -> dict[str, NDArray[Any]]:
    """The inputs by the names of the function's arguments."""
    given = list(X) if isinstance(X, (tuple, list)) and not np.isscalar(X[0] if X else 0.0) else [X]
    arrays = [np.asarray(x._data if isinstance(x, Tensor) else x) for x in given]
    for array in arrays:
        if array.dtype.kind not in "fiub":
            raise TypeError(f"export.onnx: X: expected an array of numbers, got dtype {array.dtype}")
    names = list(inspect.signature(model).parameters)
    names += [f"X{k}" for k in range(len(names), len(arrays))]
    return dict(zip(names, arrays, strict=False))


def _save(sizes: Sizes, path: Path) -> None:
    builder, base = Builder(sizes), sizes.base
    for name, array in base.weights.items():
        _weight(builder, sizes, name, array)
    for line in base.lines:
        write(builder, line)
    helper, checker = builder.helper, builder.checker
    inputs = [_described(builder, sizes, name) for name in base.inputs]
    output = _described(builder, sizes, base.output)
    graph = helper.make_graph(builder.nodes, "tinygrad_edu", inputs, [output], builder.initializers)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR, producer_name="tinygrad_edu"
    )
    checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString())


def _weight(builder: Builder, sizes: Sizes, name: str, array: NDArray[Any]) -> None:
    """A weight as it is; one number repeated along a free axis (a state that starts at 0) as that number."""
    if all(r.weights[name].shape == array.shape for r in sizes.grown.values()):
        builder.initializers.append(builder.numpy_helper.from_array(np.ascontiguousarray(array), name))
    else:
        number = builder.constant(array.reshape(-1)[:1].reshape((1,) * array.ndim))
        builder.node("Expand", number, builder.shape(name), to=name)


def _described(builder: Builder, sizes: Sizes, name: str) -> Any:
    """The name, type and shape of an input or output, its free axes by their letters."""
    shape, dtype = sizes.base.values[name]
    letters = _letters(sizes)
    free: list[int | str] = [*shape]
    for position in range(len(shape)):
        growth = sizes.growth(name, position)
        if growth:
            ((axis, step), *others) = growth.items()
            plain = not others and step == 1 and shape[position] == axis.size
            free[position] = letters[axis] if plain else f"{name}_{position}"
    kind = builder.helper.np_dtype_to_tensor_dtype(dtype)
    return builder.helper.make_tensor_value_info(name, kind, free)


def _letters(sizes: Sizes) -> dict[Any, str]:
    """m for the only free axis, as the course has it; m, n_1, n_2, ... where several are free."""
    return {axis: "m" if k == 0 else f"n_{k}" for k, axis in enumerate(sizes.grown)}
