"""The design, kept by a machine. Every rule is also shown to bite: a planted breach of it is found."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import indent
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import tinygrad_edu as tg
from tests.architecture import (
    Module,
    hidden_imports,
    hidden_modules,
    import_cycles,
    long_modules,
    modules_of,
    of_one_machine,
    operations_by_name,
    public_for_nobody,
    stale_readmes,
    undocumented,
    written_twice,
    wrong_imports,
)
from tinygrad_edu.core.kinds import COMPOSED
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.table import OPS

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "tinygrad_edu"
Check = Callable[[list[Module]], list[str]]
OF_THE_SOURCE: list[Check] = [
    wrong_imports,
    import_cycles,
    hidden_imports,
    hidden_modules,
    long_modules,
    undocumented,
    public_for_nobody,
    written_twice,
]


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    return modules_of(PACKAGE)


@pytest.mark.parametrize("check", OF_THE_SOURCE, ids=lambda check: check.__name__)
def test_the_source_keeps_the_design(check: Check, modules: list[Module]) -> None:
    problems = check(modules)
    assert not problems, "\n".join(problems)


def test_every_room_says_what_enters_and_leaves() -> None:
    problems = stale_readmes(PACKAGE)
    assert not problems, "\n".join(problems)


def test_readers_ask_for_facts_and_never_for_names(modules: list[Module]) -> None:
    problems = operations_by_name(modules, OPS)
    assert not problems, "\n".join(problems)


def test_no_file_names_a_machine_or_a_registry() -> None:
    problems = of_one_machine(_texts(REPOSITORY))
    assert not problems, "\n".join(problems)


def _texts(repository: Path) -> dict[str, str]:
    """The text files that git tracks or would track; without git, those of the source distribution."""
    if shutil.which("git") and (repository / ".git").exists():
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True).stdout
        paths: Iterable[Path] = map(Path, listed.splitlines())
    else:
        folders = ("tinygrad_edu", "tests", "docs")
        paths = (p.relative_to(repository) for folder in folders for p in (repository / folder).rglob("*.*"))
    texts = {}
    for path in paths:
        try:
            texts[str(path)] = (repository / path).read_text("utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # a picture, or a file that is being moved
    return texts


# What only the running package can tell


def undescribed(namespace: Any) -> list[str]:
    """Public names that are bound to something without a docstring of its own."""
    values = {name: getattr(namespace, name) for name in namespace.__all__}
    return [name for name, value in values.items() if not isinstance(value, str) and not _own_doc(value)]


def _own_doc(value: Any) -> str | None:
    doc = getattr(value, "__doc__", None)
    return None if doc == type(value).__doc__ and not isinstance(value, type) else doc


def unfit_samples(operations: Mapping[str, Any]) -> list[str]:
    """Operations that have no samples, or samples that they could not be called with."""
    problems = []
    for name, op in operations.items():
        if not op.samples:
            problems.append(f"{name}: no samples")
        for sample in op.samples:
            if sample.make is None and not op.variadic and len(sample.shapes) != len(op.parameters):
                problems.append(f"{name}: {len(sample.shapes)} shapes for {op.parameters}")
            if set(sample.settings) - set(op.settings):
                problems.append(f"{name}: settings {set(sample.settings)}, of {op.settings}")
    return problems


def test_every_public_name_has_a_docstring() -> None:
    assert undescribed(tg) == []


def test_no_public_function_hides_a_room(modules: list[Module]) -> None:
    rooms = {m.room for m in modules} - {""}
    hidden = [name for name in tg.__all__ if name in rooms and not isinstance(getattr(tg, name), ModuleType)]
    assert hidden == []


def test_every_operation_has_a_sample_domain() -> None:
    assert len(OPS) > 20
    assert unfit_samples(OPS) == []


def test_every_composed_function_has_a_sample_domain() -> None:
    assert [name for name, entry in COMPOSED.items() if not entry.samples] == []


# The checks bite

DOC = '"""Says what it is."""\n'
BODY = """
    total = 0
    for x in xs:
        if x > 0:
            total += x
        else:
            total -= x
    total = total * 2
    return total
"""
TWICE = f"def f(xs: list) -> float:\n    {DOC}{BODY}"
AGAIN = "def g(them):" + BODY.replace("total", "s").replace("xs", "them").replace("x ", "one ").replace(
    " x", " one"
)
OTHER = "def h(xs):" + BODY.replace("2", "3")
IN_A_CLASS = "class C:\n" + indent(AGAIN, "    ")

FOR_TYPES = "if TYPE_CHECKING:\n    from p.core.a import y"

BREACHES: list[tuple[Check, dict[str, str], str]] = [
    (wrong_imports, {"core/a.py": "from p.graph.b import c"}, "core.a:1: core imports graph"),
    (wrong_imports, {"ops/a.py": "import p"}, "ops.a:1: ops imports p"),
    (wrong_imports, {"ops/a.py": "from p import Tensor"}, "ops imports p"),
    (wrong_imports, {"core/a.py": "from ..nn import b", "nn/b.py": ""}, "core.a:1: core imports nn"),
    (wrong_imports, {"core/__init__.py": "from .. import nn", "nn/__init__.py": ""}, "core imports nn"),
    (wrong_imports, {"course/a.py": "from p.core import b"}, "course imports core"),
    (wrong_imports, {"check/a.py": "import p.course", "course/__init__.py": ""}, "imports course"),
    (wrong_imports, {"core/a.py": "if TYPE_CHECKING:\n    from p.nn import x"}, "core imports nn"),
    (wrong_imports, {"__init__.py": "from p import cli", "cli.py": ""}, "__init__ imports cli"),
    (wrong_imports, {"nn/a.py": "import sympy"}, "nn imports sympy"),
    (wrong_imports, {"nn/a.py": "try:\n    import tqdm\nexcept ImportError:\n    pass"}, "nn imports tqdm"),
    (wrong_imports, {"core/a.py": "import resvg_py"}, "core imports resvg_py"),
    (wrong_imports, {"attic/a.py": ""}, "no room of the name 'attic'"),
    (import_cycles, {"core/a.py": "import p.core.b", "core/b.py": "from . import a"}, "core.a ->"),
    (import_cycles, {"a.py": "from .b import f", "b.py": "import p.c", "c.py": "from . import a"}, "a ->"),
    (import_cycles, {"core/a.py": "from . import b", "core/b.py": FOR_TYPES}, "core.a ->"),
    (hidden_imports, {"nn/a.py": "def f():\n    import os"}, "nn.a:2: f imports os"),
    (hidden_imports, {"nn/a.py": "class C:\n  def f(self):\n    if 1:\n      import os"}, "f imports os"),
    (hidden_imports, {"nn/a.py": "def f():\n    importlib.import_module('os')"}, "import_module instead"),
    (hidden_imports, {"nn/a.py": "require_extra('sympy', extra='plot')"}, "require_extra('sympy', 'plot')"),
    (hidden_imports, {"nn/a.py": "errors.require_extra(name, extra='plot')"}, "require_extra(name, 'plot')"),
    (hidden_modules, {"nn/__init__.py": "from p.nn.fit import fit", "nn/fit.py": ""}, "fit hides the module"),
    (hidden_modules, {"__init__.py": "from p.nn.a import f as nn", "nn/__init__.py": ""}, "p: nn hides"),
    (hidden_modules, {"nn/__init__.py": "def fit(): ...", "nn/fit.py": ""}, "p.nn: fit hides"),
    (long_modules, {"core/a.py": "x = 1\n" * 401}, "core.a: 401 lines"),
    (undocumented, {"core/a.py": "x = 1"}, "core.a: the module"),
    (undocumented, {"core/a.py": DOC + "def f(): ..."}, "core.a:2: f"),
    (undocumented, {"core/a.py": DOC + "class C:\n    'A class.'\n    def m(self): ..."}, "core.a:4: C.m"),
    (public_for_nobody, {"core/a.py": "def f(): ...", "nn/b.py": "f = 1"}, "core.a:1: f is used here"),
    (written_twice, {"core/a.py": TWICE, "nn/b.py": AGAIN}, "core.a:1 f = p.nn.b:1 g"),
    (written_twice, {"core/a.py": TWICE + IN_A_CLASS}, "f = p.core.a:13 g"),
]  # fmt: skip

WITHIN_THE_RULES: list[tuple[Check, dict[str, str]]] = [
    (wrong_imports, {"nn/a.py": "import numpy\nfrom p.core import b\nfrom p import errors", "errors.py": ""}),
    (wrong_imports, {"drawing/a.py": "from __future__ import annotations\nimport resvg_py\nimport os.path"}),
    (wrong_imports, {"nn/a.py": "if TYPE_CHECKING:\n    from tqdm import tqdm"}),
    (wrong_imports, {"cli.py": "from . import nn", "nn/__init__.py": "from . import a", "nn/a.py": ""}),
    (import_cycles, {"nn/a.py": "from .b import x", "nn/b.py": "if TYPE_CHECKING:\n  from .a import y"}),
    (hidden_imports, {"nn/a.py": "def f():\n    return require_extra('matplotlib.pyplot', extra='plot')"}),
    (hidden_modules, {"__init__.py": "from p import nn", "nn/__init__.py": "x = a", "nn/a.py": ""}),
    (long_modules, {"core/a.py": "x = 1\n" * 400}),
    (undocumented, {"core/a.py": DOC + "def _f(): ...\n@x.setter\ndef g(): ...\n@overload\ndef h(): ..."}),
    (public_for_nobody, {"core/a.py": "def f(): ...\nclass C: ...", "nn/b.py": "from p.a import f\na.C"}),
    (public_for_nobody, {"core/a.py": '__all__ = ["f"]\ndef f(): ...\ndef _g(): ...'}),
    (written_twice, {"core/a.py": TWICE + OTHER, "core/b.py": "def f(x):\n  x\ndef g(y):\n  y"}),
]  # fmt: skip


def named(value: Any) -> str:
    return getattr(value, "__name__", "")


def planted(folder: Path, files: dict[str, str]) -> list[Module]:
    package = folder / "p"
    for name, source in {"__init__.py": DOC, **files}.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, "utf-8")
    return modules_of(package)


@pytest.mark.parametrize(("check", "files", "said"), BREACHES, ids=named)
def test_a_breach_is_found(check: Check, files: dict[str, str], said: str, tmp_path: Path) -> None:
    assert any(said in problem for problem in check(planted(tmp_path, files)))


@pytest.mark.parametrize(("check", "files"), WITHIN_THE_RULES, ids=named)
def test_what_keeps_the_rules_is_let_be(check: Check, files: dict[str, str], tmp_path: Path) -> None:
    assert check(planted(tmp_path, files)) == []


def test_a_room_without_readme_is_found(tmp_path: Path) -> None:
    planted(tmp_path, {"core/__init__.py": DOC, "ops/__init__.py": DOC, "ops/README.md": "What enters."})
    assert stale_readmes(tmp_path / "p") == ["core: no README.md"]


def test_a_readme_that_is_behind_its_room_is_found(tmp_path: Path) -> None:
    files = {"core/__init__.py": DOC, "core/order.py": DOC, "core/tensor.py": DOC}
    planted(tmp_path, files | {"core/README.md": "`order.py` and `table.py`"})
    assert stale_readmes(tmp_path / "p") == [
        "core/README.md leaves out tensor",
        "core/README.md names table.py, which is not there",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "x = node.op == 'exp'",
        "x = node.rule.kernel in ('sum', 'mean')",
        "x = OPS['exp']",
        "x = {'exp': 4, 'log': 4}",
        "x = frozenset({'exp', 'log'})",
    ],
)
def test_an_operation_known_by_its_name_is_found(line: str, tmp_path: Path) -> None:
    folder = planted(tmp_path, {"compiler/a.py": line, "ops/b.py": line, "nn/c.py": "x = {'auto', 'exp'}"})
    assert {problem.partition(":")[0] for problem in operations_by_name(folder, OPS)} == {"p.compiler.a"}


@pytest.mark.parametrize(
    "line",
    [
        "open('/|home/ada/data.csv')",
        "see /|root/.cache",
        r"C:\|Users\ada",
        "pip install --index|-url https://example.org",
        "https://files.python|hosted.org/x.whl",
    ],
)
def test_a_path_of_one_machine_is_found(line: str) -> None:
    files = {"a.md": "fine\n" + line.replace("|", ""), "b.md": "https://numpy.org/home/x ./work/y"}
    assert len(of_one_machine(files)) == 1


def test_a_public_name_without_docstring_is_found() -> None:
    namespace = SimpleNamespace(bare=lambda x: x, number=3.0, version="1", room=tg)
    namespace.__all__ = ["bare", "number", "version", "room"]
    assert undescribed(namespace) == ["bare", "number"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, []),
        ({"samples": ()}, ["multiply: no samples"]),
        ({"samples": (Sample(((2,), (2,)), {"axis": 0}),)}, ["multiply: settings {'axis'}, of ()"]),
        ({"samples": (Sample(((2,),)),)}, ["multiply: 1 shapes for ('a', 'b')"]),
    ],
)
def test_an_operation_without_fitting_samples_is_found(change: dict[str, Any], said: list[str]) -> None:
    assert unfit_samples({"multiply": replace(OPS["multiply"], **change)}) == said
