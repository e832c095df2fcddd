"""What a user installs, and the commands that the README promises."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.architecture import EXTRAS

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OPTIONAL: dict[str, list[str]] = PROJECT["optional-dependencies"]
BUNDLES = {"demo", "all", "dev", "bench", "docs"}  # extras made of others, and what only developers need


def names(requirements: list[str]) -> set[str]:
    """``dask[distributed]>=2025.1`` is dask."""
    return {re.match(r"[\w-]+", requirement).group() for requirement in requirements}  # type: ignore[union-attr]


def extras_in(requirements: list[str]) -> set[str]:
    """The extras of tinygrad_edu itself that a bundle takes in."""
    own = [r for r in requirements if r.startswith(PROJECT["name"])]
    return {extra for r in own for extra in r[r.index("[") + 1 : -1].split(",")}


def test_the_core_needs_three_packages() -> None:
    assert names(PROJECT["dependencies"]) == {"numpy", "graphviz-pure", "resvg-py"}


def test_every_extra_that_the_code_asks_for_is_declared() -> None:
    assert set(EXTRAS.values()) == set(OPTIONAL) - BUNDLES


def test_the_readme_tells_of_every_extra() -> None:
    rows = re.findall(r"^\| (`.+?`) \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(OPTIONAL)


def test_all_is_every_extra_and_dev_takes_it_in() -> None:
    assert extras_in(OPTIONAL["all"]) == set(OPTIONAL) - BUNDLES
    assert "all" in extras_in(OPTIONAL["dev"])


def test_tests_do_not_install_torch() -> None:
    assert "torch" not in {name for extra in set(OPTIONAL) - {"bench"} for name in names(OPTIONAL[extra])}


def test_the_command_line_is_where_the_package_says() -> None:
    module, _, function = PROJECT["scripts"]["tinygrad-edu"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    pytest.importorskip("hatchling", reason="needs hatchling, which the extra 'dev' brings")
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    packed = {name for name in wheel.namelist() if ".dist-info/" not in name}
    present = {str(p.relative_to(ROOT)) for p in (ROOT / "tinygrad_edu").rglob("*") if p.is_file()}
    assert packed == {name for name in present if "__pycache__" not in name}


def test_the_wheel_is_typed_licensed_and_has_its_command(wheel: zipfile.ZipFile) -> None:
    texts = {
        n.partition(".dist-info/")[2]: wheel.read(n).decode() for n in wheel.namelist() if ".dist-info/" in n
    }
    assert "tinygrad_edu/py.typed" in wheel.namelist()
    assert "License-Expression: MIT AND Bitstream-Vera" in texts["METADATA"]
    assert "Requires-Python: >=3.11" in texts["METADATA"]
    assert "tinygrad_edu contributors" in texts["licenses/LICENSE"]
    assert "DejaVu" in texts["licenses/tinygrad_edu/drawing/fonts/LICENSE"]
    assert "tinygrad-edu = tinygrad_edu.cli:main" in texts["entry_points.txt"]


def test_what_is_not_our_own_has_its_licence_beside_it(wheel: zipfile.ZipFile) -> None:
    ours = {".py", ".pyi", ".typed", ".md", ".js", ".css", ".html", ".txt", ".toml"}
    others = {Path(n) for n in wheel.namelist() if ".dist-info/" not in n and Path(n).suffix not in ours}
    folders = {path.parent for path in others if path.suffix}
    assert folders == {Path("tinygrad_edu/drawing/fonts")}
    assert all(str(folder / "LICENSE") in wheel.namelist() for folder in folders)


WITHOUT_EXTRAS = """
import importlib, pkgutil, sys
blocked = set(sys.argv[1].split(","))
of_an_extra = ["tinygrad_edu.estimators"]  # classes of scikit-learn's: nothing is left of them without it

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
import tinygrad_edu
for module in pkgutil.walk_packages(tinygrad_edu.__path__, "tinygrad_edu."):
    if module.name in of_an_extra:
        try:
            importlib.import_module(module.name)
        except tinygrad_edu.MissingExtraError as error:
            assert "tinygrad_edu[sklearn]" in str(error)
    elif not module.name.endswith("__main__"):
        importlib.import_module(module.name)
a, b, c = (tinygrad_edu.Tensor(x) for x in (5.0, 3.0, 2.0))
print((3 * (a + b * c)).item())
"""


def test_every_module_imports_without_any_extra() -> None:
    command = [sys.executable, "-c", WITHOUT_EXTRAS, ",".join(EXTRAS)]
    result = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert result.stdout == "33.0\n", result.stderr


def test_importing_it_imports_no_extra() -> None:
    asked = f"import sys, tinygrad_edu; print(sorted(set({sorted(EXTRAS)!r}) & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert result.stdout == "[]\n", result.stderr


SLIM = """
import sys
import tinygrad_edu as tg
rooms = ["check", "course", "derivation", "distributed", "drawing", "page"]
assert not [name for name in sys.modules if name.split(".")[1:2] and name.split(".")[1] in rooms]
assert {*tg.__all__, *rooms} <= {*dir(tg)}
assert "<table>" in tg.Tensor(33.0)._repr_mimebundle_()["text/html"]
assert "tinygrad_edu.drawing" in sys.modules
assert "tinygrad_edu.check" not in sys.modules
assert all(getattr(tg, name) is getattr(tg, name) for name in [*tg.__all__, *rooms])
assert isinstance(tg.derive(3 * tg.Tensor(2.0)), tg.Derivation)
"""


def test_importing_it_imports_no_room_that_is_not_needed_at_once() -> None:
    """What reads a graph is half of the package: it comes when it is asked for, by name or by a notebook."""
    subprocess.run([sys.executable, "-c", SLIM], cwd=ROOT, check=True)


# What an index shows


def of_the_build(name: str) -> Any:
    """A program beside pyproject.toml, or of the folder ``docs``."""
    spec = importlib.util.spec_from_file_location(Path(name).stem, ROOT / name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_index_shows_the_readme_without_a_link_that_leads_nowhere(wheel: zipfile.ZipFile) -> None:
    (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
    shown = wheel.read(name).decode().partition("\n\n")[2]
    sessions = re.compile(r"^```python.*?^```$", re.MULTILINE | re.DOTALL)
    assert sessions.findall(shown) == sessions.findall((ROOT / "README.md").read_text("utf-8"))
    links = re.findall(r"\]\(([^)]+)\)", sessions.sub("", shown))
    assert [link for link in links if not link.startswith("https://")] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (None, " See the docs, [x](https://x.org) and [it](#it).\n"),
        (
            "https://host.org/us/it",
            "![A](https://host.org/us/it/raw/main/a.svg) "
            "See [the docs](https://host.org/us/it/blob/main/docs/README.md#so), "
            "[x](https://x.org) and [it](#it).\n",
        ),
    ],
)
def test_links_are_whole_where_an_address_is_known(source: str | None, expected: str) -> None:
    pytest.importorskip("hatchling", reason="needs hatchling, which the extra 'dev' brings")
    text = "![A](a.svg) See [the docs](docs/README.md#so), [x](https://x.org) and [it](#it).\n"
    assert of_the_build("hatch_build.py").for_the_index(text, source) == expected


def test_the_badges_say_what_pyproject_does() -> None:
    badges = of_the_build("docs/make_badges.py").written()
    written = {path.name: path.read_text("utf-8") for path in badges}
    assert written == {p.name: t for p, t in badges.items()}, "python docs/make_badges.py writes them"
    for document in ("README.md", "README.zh.md"):
        text = (ROOT / document).read_text("utf-8")
        assert all(f"](docs/pictures/{path.name})" in text for path in badges)
    for words in of_the_build("docs/make_badges.py").said().values():
        assert words in (ROOT / "README.md").read_text("utf-8")


# The two commands


def recipe(target: str) -> tuple[str, str]:
    """The extra that a target of the Makefile installs, and what it then runs."""
    text = (ROOT / "Makefile").read_text("utf-8").replace("$(BIN)", ".venv/bin")
    found = re.search(rf"^{target}: \.venv/installed-(\w+)\n\t(.+)\n$", text, re.MULTILINE)
    assert found, target
    return found[1], found[2]


@pytest.mark.parametrize("target", ["demo", "test"])
def test_the_readme_gives_the_line_that_make_runs(target: str) -> None:
    extra, command = recipe(target)
    line = (
        "python3 -m venv --without-pip .venv && "
        f"python3 -m pip --python .venv/bin/python install -e '.[{extra}]' && {command}"
    )
    readme = (ROOT / "README.md").read_text("utf-8")
    assert extra in OPTIONAL
    assert f"make {target}" in readme
    assert line in readme


@pytest.fixture
def ci(tmp_path: Path) -> Any:
    """Runs .ci/run in a tree where every tool is a stand-in that succeeds, but for one."""
    if not (shutil.which("bash") and shutil.which("make")):
        pytest.skip("needs bash and make")
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    tools = tmp_path / ".venv" / "bin"
    tools.mkdir(parents=True)

    def run(failing: str | None) -> subprocess.CompletedProcess[str]:
        for tool in ("ruff", "mypy", "codespell"):
            (tools / tool).write_text(f'#!/bin/sh\ncase "{tool} $*" in "{failing}") exit 3;; esac\n')
            (tools / tool).chmod(0o755)
        steps = {
            target: "false" if target == failing else "true" for target in (".venv/installed-dev", "test")
        }
        makefile = "".join(f"{target}:\n\t@{command}\n" for target, command in steps.items())
        (tmp_path / "Makefile").write_text(".PHONY: test .venv/installed-dev\n" + makefile)
        return subprocess.run([tmp_path / ".ci" / "run"], capture_output=True, text=True, check=False)

    return run


def test_ci_passes_when_every_check_does(ci: Any) -> None:
    assert ci(None).returncode == 0


@pytest.mark.parametrize(
    "failing",
    [
        ".venv/installed-dev",
        "ruff check .",
        "ruff format --check .",
        "mypy --strict tinygrad_edu",
        "codespell .",
        "test",
    ],
)
def test_ci_fails_when_one_check_does(ci: Any, failing: str) -> None:
    result = ci(failing)
    assert result.returncode == 1
    assert "failed: " in result.stdout


@pytest.mark.parametrize("script", ["run", "install"])
def test_ci_is_executable(script: str) -> None:
    assert os.access(ROOT / ".ci" / script, os.X_OK)


def test_the_hosted_checks_run_the_oldest_and_the_newest_python() -> None:
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")
    told = re.findall(r"Python :: (3\.\d+)", " ".join(PROJECT["classifiers"]))
    oldest, newest = (f(told, key=lambda v: int(v[2:])) for f in (min, max))
    assert PROJECT["requires-python"] == f">={oldest}"
    assert f'python: ["{oldest}", "{newest}"]' in workflow
    assert "run: .ci/run\n" in workflow
    assert f'{{python: "{oldest}", numpy: "numpy==2.0.*"}}' in workflow  # the oldest NumPy, too
    assert "numpy>=2.0" in PROJECT["dependencies"]
    assert 'run: .ci/install python "${{ matrix.numpy }}"' in workflow


def test_a_commit_is_held_to_what_the_checks_hold() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    entries = re.findall(r"entry: \.venv/bin/(\S+(?: check| format)?)", hooks)
    checks = (ROOT / ".ci" / "run").read_text("utf-8")
    run = re.findall(r"^check \.venv/bin/(\S+(?: check| format)?)", checks, re.MULTILINE)
    assert sorted(entries) == sorted(run)


# The documents


def documents() -> list[Path]:
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "tinygrad_edu").rglob("*.md")]
    return sorted(found)


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_links_between_documents_lead_somewhere(document: Path) -> None:
    prose = re.sub(r"`[^`]*`", "", document.read_text("utf-8"))  # a formula may look like a link
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose)
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (document.parent / link).exists()] == []


def test_the_changelog_has_this_version() -> None:
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
