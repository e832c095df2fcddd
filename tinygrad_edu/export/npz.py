"""Arrays by name and a record in JSON, in NumPy's ``.npz``, sealed with a checksum of the whole file.

The checksum stands in the comment of the zip archive, so ``np.load`` reads the file as any other. A file
is judged before anything in it is believed: nothing is unpickled, and no array is made that is larger
than the bytes that are there for it.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Mapping
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

SEAL = b"sha256:"
META = "meta.json"
_WHEN = (1980, 1, 1, 0, 0, 0)  # the same arrays make the same file
_BROKEN = (BadZipFile, ValueError, KeyError, EOFError, NotImplementedError, RuntimeError, OSError)


def packed(arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> bytes:
    """The file of these arrays and this record.

    >>> arrays, meta = unpacked(packed({"W1": np.ones((2, 3))}, {"epochs": 4}))
    >>> arrays["W1"].shape, meta
    ((2, 3), {'epochs': 4})
    """
    stream = io.BytesIO()
    with ZipFile(stream, "w", ZIP_STORED) as archive:
        archive.writestr(ZipInfo(META, _WHEN), json.dumps(dict(meta)))
        for name, array in arrays.items():
            # No member stays open here: an interrupt would come out as zipfile's ValueError.
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
            archive.writestr(ZipInfo(f"{name}.npy", _WHEN), member.getvalue())
        archive.comment = SEAL + b"0" * 64
    body = stream.getvalue()[:-64]
    return body + hashlib.sha256(body).hexdigest().encode()


def unpacked(content: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and the record of a file.

    Raises:
        ValueError: it isn't such a file, or a byte of it has changed; the message says which.

    >>> unpacked(b"hello")
    Traceback (most recent call last):
    ...
    ValueError: it is no .npz archive; expected a file that tg.save wrote
    """
    if not content.startswith(b"PK\x03\x04"):
        what = "no .npz archive" if content else "empty"
        raise ValueError(f"it is {what}; expected a file that tg.save wrote")
    if content[-64 - len(SEAL) : -64] != SEAL:
        raise ValueError("it has no checksum at its end: it is cut off, or another program's")
    if hashlib.sha256(content[:-64]).hexdigest().encode() != content[-64:]:
        raise ValueError("it is damaged: its checksum does not match its contents")
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            meta = json.loads(archive.read(_plain(archive, META)))
            names = [name for name in archive.namelist() if name != META]
            arrays = {name.removesuffix(".npy"): _array(archive, name) for name in names}
    except _BROKEN as error:
        raise ValueError(f"it cannot be read: {error}") from None
    if not isinstance(meta, dict):
        raise ValueError("it cannot be read: its record is no JSON object")  # noqa: TRY004  (of a file)
    return arrays, meta


def _plain(archive: ZipFile, name: str) -> ZipInfo:
    """A member that lies there as it is: a compressed one may unfold to any size."""
    member = archive.getinfo(name)
    if member.compress_type != ZIP_STORED or member.file_size != member.compress_size:
        raise ValueError(f"{name} is compressed")
    return member


def _array(archive: ZipFile, name: str) -> NDArray[Any]:
    content = archive.read(_plain(archive, name))
    stream = io.BytesIO(content)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(np.lib.format.read_magic(stream))
    if read_header is None:
        raise ValueError(f"{name} is of an unknown version of NumPy's format")
    shape, by_column, dtype = read_header(stream)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise ValueError(f"{name} says that it is {dtype} {shape}, and has other contents")
    array = np.frombuffer(content, dtype, offset=stream.tell()).copy()
    return array.reshape(shape, order="F" if by_column else "C")
