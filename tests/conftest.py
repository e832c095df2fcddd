"""What the tests share: the course's cases and data, and how Hypothesis searches."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

collect_ignore = ["types/user.py"]  # what a user wrote is run by its test, and defines an operation

SHARED = Path(__file__).resolve().parents[2] / "shared"

# The same examples every time: a suite that passed here passes there; CI tries more of them.
# To search on, with other examples and more of them: pytest --hypothesis-profile=explore
settings.register_profile("ci", derandomize=True, deadline=None, database=None)
settings.register_profile("fixed", settings.get_profile("ci"), max_examples=30)
settings.register_profile(
    "explore", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") else "fixed")

# A shell starts what runs in the background with Ctrl-C ignored; the tests of interrupts press it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of published cases and data beside the checkout; what needs it is skipped without it."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder 'shared' beside the checkout (published cases and images)")
    return SHARED


@pytest.fixture(scope="session")
def contexts(shared: Path) -> Any:
    """The course's networks, forward and backward, by code that knows nothing of the engine."""
    sys.path.insert(0, str(shared / "cases"))
    try:
        return importlib.import_module("contexts")
    finally:
        sys.path.remove(str(shared / "cases"))
