"""CONTRIBUTING's "add an operation", followed to the letter on a copy of the package."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
GUIDE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
(DEFINITION,) = re.findall(r"```python\n(@.*?)```", GUIDE, re.DOTALL)
SESSION = "\n".join(re.findall(r"```python\n(>>> .*?)```", GUIDE, re.DOTALL))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the repository in which the guide has been followed."""
    for folder in ("tinygrad_edu", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / name, tmp_path)
    follow(tmp_path, DEFINITION)
    return tmp_path


def follow(checkout: Path, definition: str) -> None:
    source = (ROOT / "tinygrad_edu/ops/elementwise/arithmetic.py").read_text("utf-8")
    if "def logcosh" in source:
        pytest.skip("the guide has been followed in this checkout")
    listed = source.replace('"ldexp",', '"ldexp", "logcosh",', 1)
    assert listed != source
    (checkout / "tinygrad_edu/ops/elementwise/arithmetic.py").write_text(f"{listed}\n\n{definition}", "utf-8")


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def generated_tests(checkout: Path) -> tuple[int, int]:
    """How many tests of the new operation pass, and fail."""
    quiet = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--ignore=tests/test_contributing.py")
    result = run(checkout, "pytest", "tests", "-k", "logcosh", *quiet)
    counts = {outcome: int(n) for n, outcome in re.findall(r"(\d+) (passed|failed|error)", result.stdout)}
    assert "error" not in counts, result.stdout
    return counts.get("passed", 0), counts.get("failed", 0)


def test_the_examples_hold_once_the_guide_is_followed(checkout: Path) -> None:
    (checkout / "session.txt").write_text(SESSION, "utf-8")
    result = run(checkout, "doctest", "session.txt")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.slow
def test_the_new_operation_is_tested_without_writing_a_test(checkout: Path) -> None:
    passed, failed = generated_tests(checkout)
    assert passed >= 10
    assert failed == 0


@pytest.mark.slow
def test_a_wrong_rule_fails_those_tests(checkout: Path) -> None:
    follow(checkout, DEFINITION.replace("g * np.tanh(x)", "1.0005 * g * np.tanh(x)"))
    _, failed = generated_tests(checkout)
    assert failed >= 1
