"""Arrays by name, with a record, in a file: which format, how it is put in place, what is wrong with it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tinygrad_edu.errors import path_of, shown
from tinygrad_edu.export import npz, safetensors

Arrays = dict[str, NDArray[Any]]


class FileError(ValueError):
    """A file that is damaged, or something else than what it is taken for. The message has its path."""


def write(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> None:
    """Writes arrays and a record that JSON can hold to a file, in one go.

    A path that ends in ``.safetensors`` gives that format, any other an ``.npz``.

    ``meta`` is the record.

    Raises:
        TypeError: a dtype that the format lacks.
        OSError: the file cannot be written there.

    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(folder + "/a.npz", {"W": np.eye(2)}, {"kind": "test"})
    ...     read(folder + "/a.npz")[1]
    {'kind': 'test'}
    """
    path = path_of(path, "write", "a file, such as 'a.npz'")
    if not isinstance(arrays, Mapping):
        raise TypeError(f"write: arrays: expected arrays by name, got {shown(arrays)}")
    of = safetensors if path.suffix == ".safetensors" else npz
    replaced(path, of.packed(arrays, as_json("write: meta", meta)))


def as_json(name: str, value: Any) -> dict[str, Any]:
    """Data by name, as JSON gives it back.

    >>> as_json("about", 3)
    Traceback (most recent call last):
    ...
    TypeError: about: expected data by name, as for JSON, got 3
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}: expected data by name, as for JSON, got {shown(value)}")
    try:
        found: dict[str, Any] = json.loads(json.dumps(dict(value)))
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name}: expected data that JSON can hold: {error}") from None
    return found


def read(path: str | os.PathLike[str]) -> tuple[Arrays, dict[str, Any]]:
    """The arrays and the record of a file that :func:`write` wrote, or of anybody's safetensors file.

    The record of another program's file is empty.

    ``path`` is the file.

    Raises:
        FileNotFoundError: there is none.
        FileError: it is damaged, or of another format.

    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(folder + "/a.safetensors", {"W": np.eye(2)}, {"kind": "test"})
    ...     arrays, record = read(folder + "/a.safetensors")
    >>> arrays["W"].tolist(), record
    ([[1.0, 0.0], [0.0, 1.0]], {'kind': 'test'})
    """
    file = path_of(path, "read", "a file, such as 'a.npz'")
    if not file.exists():
        raise FileNotFoundError(f"read: there is no file {path}")
    content = file.read_bytes()
    try:
        if safetensors.is_safetensors(content):
            return safetensors.unpacked(content)
        return npz.unpacked(content)
    except ValueError as error:
        raise FileError(f"{path}: {error}") from None


def replaced(path: str | os.PathLike[str], content: bytes) -> None:
    """Puts a file in place of the one before, so that an interruption leaves one or the other, whole.

    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     replaced(folder + "/a", b"new")
    ...     os.listdir(folder)
    ['a']
    """
    target = Path(path)
    beside = target.with_name(target.name + ".part")
    try:
        beside.write_bytes(content)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
