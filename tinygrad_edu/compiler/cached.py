"""Kernels compiled by numba, in a module on disk, so that they are compiled once for all runs."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from tinygrad_edu import errors

__all__ = ["cache_folder", "functions_of"]


def cache_folder() -> Path:
    """Where kernels are kept: ``TINYGRAD_EDU_CACHE``, else the user's cache; else a temporary folder."""
    given = os.environ.get("TINYGRAD_EDU_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for folder in (
        Path(given) if given else base / "tinygrad_edu",
        Path(tempfile.gettempdir()) / "tinygrad_edu",
    ):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    raise OSError(
        "no folder to keep compiled kernels in; set TINYGRAD_EDU_CACHE to one that can be written to"
    )


def functions_of(source: str, names: list[str]) -> dict[str, Callable[..., Any]]:
    """The functions of a module's source, which is written to disk where it is not there yet.

    Raises:
        MissingExtraError: numba is not installed.
    """
    errors.require_extra("numba", extra="numba")
    module = _module(source)
    return {name: getattr(module, name) for name in names}


def _module(source: str) -> ModuleType:
    name = f"tinygrad_edu_kernels_{hashlib.sha256(source.encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    path = cache_folder() / f"{name}.py"
    if not path.exists():
        # Written whole and then moved into place: another process may be doing the same.
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, suffix=".tmp", delete=False, encoding="utf-8"
        ) as file:
            file.write(source)
        Path(file.name).replace(path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
