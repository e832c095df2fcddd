"""Arrays by name and a record in JSON, in the format safetensors, which PyTorch and JAX read as well.

Eight bytes say how long the header is, the header is JSON (dtype, shape and place of each array), and the
bytes of the arrays follow. The checksum and the record stand in the header's ``__metadata__``. Source:
https://huggingface.co/docs/safetensors. What is read is judged before anything is made of it: no code is in
it, and no array is larger than the bytes that are there for it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEAL, RECORD, METADATA = "sha256", "tinygrad_edu", "__metadata__"
_UNSEALED = "0" * 64
DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4", "U64": "<u8",
    "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip
_NAMES = {np.dtype(code): name for name, code in DTYPES.items()}
MOST = 100_000_000
"""The longest header, as in the format's own implementation."""


def packed(arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> bytes:
    """The file of these arrays and this record.

    Raises:
        TypeError: a dtype that the format lacks.

    >>> arrays, meta = unpacked(packed({"W1": np.ones((2, 3))}, {"epochs": 4}))
    >>> arrays["W1"].shape, meta
    ((2, 3), {'epochs': 4})
    """
    header: dict[str, Any] = {METADATA: {SEAL: _UNSEALED, RECORD: json.dumps(dict(meta))}}
    parts, end = [], 0
    for name, array in arrays.items():
        given = np.asarray(array)
        dtype = given.dtype.newbyteorder("<")
        if dtype not in _NAMES:
            raise TypeError(f"{name}: safetensors has no dtype {given.dtype}; write an .npz file")
        parts.append(given.astype(dtype).tobytes())
        begin, end = end, end + len(parts[-1])
        header[name] = {"dtype": _NAMES[dtype], "shape": list(given.shape), "data_offsets": [begin, end]}
    told = json.dumps(header).encode()
    told += b" " * (-len(told) % 8)
    body = b"".join(parts)
    seal = hashlib.sha256(told + body).hexdigest()
    told = told.replace(_UNSEALED.encode(), seal.encode(), 1)
    return len(told).to_bytes(8, "little") + told + body


def is_safetensors(content: bytes) -> bool:
    """Whether a file begins as the format says: a length, and then JSON.

    >>> is_safetensors(packed({}, {})), is_safetensors(b"PK..")
    (True, False)
    """
    return len(content) > 9 and int.from_bytes(content[:8], "little") <= MOST and content[8:9] == b"{"


def unpacked(content: bytes) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and the record of a file; of another program's file an empty record.

    Raises:
        ValueError: it isn't such a file, or damaged; the message says what is wrong.

    >>> unpacked(packed({"W1": np.ones(3)}, {})[:-1])
    Traceback (most recent call last):
    ...
    ValueError: it is cut off: the array W1 ends at byte 24 of 23
    """
    if not is_safetensors(content):
        raise ValueError("it is no safetensors file")
    length = int.from_bytes(content[:8], "little")
    told, body = content[8 : 8 + length], memoryview(content)[8 + length :]
    try:
        header = json.loads(told)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its header cannot be read: {error}") from None
    about = header.pop(METADATA, {}) if isinstance(header, dict) else None
    if not isinstance(about, dict):
        raise ValueError("its header or metadata are no JSON object")  # noqa: TRY004  (of a file)
    arrays = {name: _array(name, entry, body) for name, entry in header.items()}
    _check_places(header, len(body))
    if SEAL not in about and RECORD not in about:
        return arrays, {}
    _check_seal(str(about.get(SEAL)), told, body)
    try:
        meta = json.loads(about[RECORD])
    except (KeyError, TypeError, ValueError, RecursionError):
        meta = None
    if not isinstance(meta, dict):
        raise ValueError("its record is no JSON object")  # noqa: TRY004  (of a file)
    return arrays, meta


def _check_seal(seal: str, told: bytes, body: memoryview) -> None:
    plain = told.replace(seal.encode(), _UNSEALED.encode(), 1) if len(seal) == len(_UNSEALED) else told
    if hashlib.sha256(plain + bytes(body)).hexdigest() != seal:
        raise ValueError("it is damaged: its checksum does not match its contents")


def _array(name: str, entry: Any, body: memoryview) -> NDArray[Any]:
    try:
        code, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        whole = all(type(n) is int and n >= 0 for n in [*shape, begin, end])
    except (KeyError, TypeError, ValueError):
        whole = False
    if not whole:
        raise ValueError(f"it does not say where {name} stands, and of which dtype and shape it is")
    if end > len(body):
        raise ValueError(f"it is cut off: the array {name} ends at byte {end} of {len(body)}")
    if code == "BF16":  # the upper half of a float32
        bits = _values(name, "U16", shape, body[begin:end]).astype(np.uint32) << 16
        return bits.view(np.float32)
    return _values(name, code, shape, body[begin:end]).astype(_native(code))


def _values(name: str, code: Any, shape: Any, body: memoryview) -> NDArray[Any]:
    if code not in DTYPES:
        raise ValueError(f"its array {name} is of the unknown dtype {code!r}")
    if math.prod(shape) * np.dtype(DTYPES[code]).itemsize != len(body):
        raise ValueError(f"its array {name} says that it is {code} {shape}, and has {len(body)} bytes")
    return np.frombuffer(body, DTYPES[code]).reshape(shape)


def _native(code: str) -> np.dtype[Any]:
    return np.dtype(DTYPES[code]).newbyteorder("=")


def _check_places(header: Mapping[str, Any], length: int) -> None:
    """The arrays stand one behind the other, and nothing stands between or behind them."""
    at = 0
    for begin, end in sorted(tuple(entry["data_offsets"]) for entry in header.values()):
        if begin != at:
            raise ValueError(
                f"its arrays do not follow one another: one ends at {at}, and one begins at {begin}"
            )
        at = end
    if at != length:
        raise ValueError(f"it has {length - at} bytes behind its last array")
