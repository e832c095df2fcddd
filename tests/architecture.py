"""What ``test_architecture`` looks for in the source of a package: each check lists what it finds wrong.

``ARROWS`` is the one table of who may import whom. The checks read source, and import none of it.
"""

from __future__ import annotations

import ast
import copy
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from sys import stdlib_module_names
from typing import Any

# An arrow points at what is imported; whoever may import a room may import what that one may.
ARROWS = """
    cli                          -> estimators, distributed, check, page, export, compiler, derivation, course
    estimators, distributed      -> nn, data
    nn                           -> compiler, autodiff, export
    check                        -> derivation, autodiff
    page                         -> drawing
    drawing                      -> derivation
    compiler, autodiff           -> ops
    export                       -> ops
    compiler, derivation, export -> graph
    graph                        -> expression
    expression                   -> ops
    ops                          -> core
    core, course, data           ->
"""
OPEN_TO_ALL = {"elsewhere", "errors", "settings"}
FRONT_DOOR = {
    "": {"cli"},
    "__main__": set[str](),
}  # __init__ and __main__ see all, __init__ not the command line
THIRD_PARTY = {"numpy": None, "resvg_py": {"drawing"}}  # None: every room
EXTRAS = {
    "IPython": "notebook",
    "PIL": "data",
    "cloudpickle": "dask",
    "dask": "dask",
    "distributed": "dask",
    "h5py": "h5",
    "matplotlib": "plot",
    "onnx": "onnx",
    "pandas": "data",
    "reportlab": "pdf",
    "scipy": "sklearn",
    "sklearn": "sklearn",
    "sympy": "derive",
    "threadpoolctl": "sklearn",
    "tqdm": "progress",
}
MOST_LINES = 400
BY_FACT = {"autodiff", "check", "compiler", "derivation", "drawing", "export", "expression", "graph", "page"}
"""Rooms that ask an operation for its facts, or name the operation itself, and never quote its name."""
SAME_BODY = 6  # statements from which on two functions alike are one function written twice

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


@dataclass(frozen=True)
class Import:
    """An import statement: what it names, and where it stands."""

    target: str
    line: int
    for_types: bool
    inside: str | None


@dataclass(frozen=True)
class Module:
    """A file of a package: ``name`` is dotted, and starts with the package."""

    name: str
    path: Path
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.path)

    @property
    def room(self) -> str:
        return self.name.partition(".")[2].partition(".")[0]

    def at(self, line: int) -> str:
        return f"{self.name}:{line}"

    @cached_property
    def imports(self) -> list[Import]:
        return list(self._imports(self.tree, for_types=False, inside=None))

    def _imports(self, node: ast.AST, *, for_types: bool, inside: str | None) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.Import, ast.ImportFrom)):
                for target in self._targets(child):
                    yield Import(target, child.lineno, for_types, inside)
            elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
                yield from self._imports(child, for_types=True, inside=inside)
            else:
                within = child.name if isinstance(child, Function) else inside
                yield from self._imports(child, for_types=for_types, inside=within)

    def _targets(self, node: ast.Import | ast.ImportFrom) -> list[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        base = node.module or ""
        if node.level:
            parts = self.name.split(".") + ["__init__"] * (self.path.name == "__init__.py")
            base = ".".join([*parts[: -node.level], *([base] if base else [])])
        return [f"{base}.{alias.name}" for alias in node.names]


def modules_of(package: Path) -> list[Module]:
    """Every module of the package in that folder."""
    found = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, path, path.read_text("utf-8")))
    return found


def allowed(arrows: str = ARROWS) -> dict[str, set[str]]:
    """For each room, those that it may import, by way of others too."""
    direct: dict[str, set[str]] = defaultdict(set)
    for line in arrows.strip().splitlines():
        left, right = ({room.strip() for room in side.split(",")} - {""} for side in line.split("->"))
        for room in left:
            direct[room] |= right
    order = TopologicalSorter(direct).static_order()
    reach: dict[str, set[str]] = {}
    for room in order:
        reach[room] = direct[room].union(*(reach[other] for other in direct[room]))
    return reach


def _module_meant(target: str, names: set[str]) -> str:
    """``a.b.c`` may be the module a.b.c, or the name c in the module a.b."""
    return target if target in names else target.rpartition(".")[0]


def wrong_imports(modules: list[Module]) -> list[str]:
    """Imports against the arrows, and of libraries that the core does not have."""
    package = modules[0].name.partition(".")[0]
    names = {m.name for m in modules}
    reach = allowed()
    rooms = set(reach) | OPEN_TO_ALL | FRONT_DOOR.keys()
    problems = [
        f"{m.name}: no room of the name {m.room!r} in the table" for m in modules if m.room not in rooms
    ]
    for m in modules:
        for i in m.imports:
            top = i.target.partition(".")[0]
            if top != package:
                if not (_library_allowed(top, m.room) or (i.for_types and top in EXTRAS)):
                    problems.append(f"{m.at(i.line)}: {m.room or '__init__'} imports {top}")
                continue
            meant = _module_meant(i.target, names)
            room = meant.partition(".")[2].partition(".")[0]
            if m.room in FRONT_DOOR:
                fine = room not in FRONT_DOOR[m.room]
            else:
                fine = room in {m.room} | OPEN_TO_ALL | reach.get(m.room, set())
            if not fine:
                problems.append(f"{m.at(i.line)}: {m.room or '__init__'} imports {room or package}")
    return problems


def _library_allowed(top: str, room: str) -> bool:
    if top in THIRD_PARTY:
        return THIRD_PARTY[top] is None or room in (THIRD_PARTY[top] or ())
    return top in stdlib_module_names


def import_cycles(modules: list[Module]) -> list[str]:
    """A ring of modules that import one another. Imports that only types need count in the core."""
    names = {m.name for m in modules}
    graph = {
        m.name: {_module_meant(i.target, names) for i in m.imports if m.room == "core" or not i.for_types}
        & names
        for m in modules
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return ["imports in a ring: " + " -> ".join(reversed(error.args[1]))]
    return []


def hidden_modules(modules: list[Module]) -> list[str]:
    """Names in a package that hide a module of it: ``import p.grad as m`` would give a function ``grad``."""
    names = {m.name for m in modules}
    problems = []
    for m in modules:
        if m.path.name == "__init__.py":
            bound = dict.fromkeys(_defined_in(m.tree))
            bound.update(_imported_as(m))
            problems += [
                f"{m.name}: {name} hides the module {m.name}.{name}"
                for name, target in bound.items()
                if f"{m.name}.{name}" in names and target != f"{m.name}.{name}"
            ]
    return problems


def _defined_in(tree: ast.Module) -> set[str]:
    stored = {
        n.id
        for s in tree.body
        for n in ast.walk(s)
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    return stored | {node.name for node in tree.body if isinstance(node, Definition)}


def _imported_as(module: Module) -> Iterator[tuple[str, str]]:
    """Each name that an import binds at the top of a module, and what it is there."""
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom):
            for target, alias in zip(module._targets(node), node.names, strict=True):
                yield alias.asname or alias.name, target
        elif isinstance(node, ast.Import):
            yield from ((alias.asname, alias.name) for alias in node.names if alias.asname)


def hidden_imports(modules: list[Module]) -> list[str]:
    """Imports inside functions, and optional libraries that ``require_extra`` asks for by the wrong extra."""
    problems = []
    for m in modules:
        problems += [f"{m.at(i.line)}: {i.inside} imports {i.target}" for i in m.imports if i.inside]
        for call in (node for node in ast.walk(m.tree) if isinstance(node, ast.Call)):
            function = ast.unparse(call.func).rpartition(".")[2]
            if function in {"__import__", "import_module"} and m.room not in {"elsewhere", "errors"}:
                problems.append(f"{m.at(call.lineno)}: {function} instead of errors.require_extra")
            if function == "require_extra":
                asked = [ast.unparse(a) for a in call.args] + [ast.unparse(k.value) for k in call.keywords]
                library = asked[0].strip("'").partition(".")[0]
                if asked[1:] != [repr(EXTRAS.get(library))]:
                    problems.append(f"{m.at(call.lineno)}: require_extra({', '.join(asked)})")
    return problems


def long_modules(modules: list[Module]) -> list[str]:
    """Modules over the limit."""
    sizes = {m.name: len(m.source.splitlines()) for m in modules}
    return [f"{name}: {n} lines, at most {MOST_LINES}" for name, n in sizes.items() if n > MOST_LINES]


def undocumented(modules: list[Module]) -> list[str]:
    """Modules, and public functions, classes and methods, without a docstring."""
    problems = [f"{m.name}: the module" for m in modules if not ast.get_docstring(m.tree)]
    for m in modules:
        for name, node in _public(m.tree):
            if not ast.get_docstring(node):
                problems.append(f"{m.at(node.lineno)}: {name}")
    return problems


def _public(scope: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, Definition]]:
    for node in scope.body:
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        if {"overload", "setter"} & {ast.unparse(d).rpartition(".")[2] for d in node.decorator_list}:
            continue
        yield prefix + node.name, node
        if isinstance(node, ast.ClassDef):
            yield from _public(node, f"{prefix}{node.name}.")


def public_for_nobody(modules: list[Module]) -> list[str]:
    """Functions and classes that look public, and that neither ``__all__`` nor another module names."""
    named = {m.name: _named_in(m.tree) for m in modules}
    data = {path: path.read_text("utf-8") for m in modules for path in m.path.parent.glob("*.toml")}
    named |= {str(path): {*re.findall(r"\w+", text)} for path, text in data.items()}
    return [
        f"{m.at(node.lineno)}: {node.name} is used here alone: _{node.name}"
        for m in modules
        for node in m.tree.body
        if isinstance(node, Definition)
        and not node.name.startswith("_")
        and f'"{node.name}"' not in m.source  # in __all__, or looked up by name
        and "NamedTuple" not in map(ast.unparse, getattr(node, "bases", ()))  # its repr shows the name
        and not any(node.name in names for name, names in named.items() if name != m.name)
    ]


def _named_in(tree: ast.Module) -> set[str]:
    imports = (n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom)))
    read = {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}
    return read | {alias.name for node in imports for alias in node.names}


def written_twice(modules: list[Module]) -> list[str]:
    """Functions whose bodies are the same but for the names of their variables and their docstrings."""
    places = defaultdict(list)
    for m in modules:
        for node in ast.walk(m.tree):
            if isinstance(node, Function):
                body = _normalised(node)
                if sum(isinstance(n, ast.stmt) for n in ast.walk(body)) > SAME_BODY:  # the def is one
                    places[ast.dump(body)].append(f"{m.at(node.lineno)} {node.name}")
    return [" = ".join(where) for where in places.values() if len(where) > 1]


def _normalised(function: Function) -> Function:
    """A copy without name, docstring and annotations, its variables numbered as they come."""
    plain = copy.deepcopy(function)
    plain.name, plain.decorator_list, plain.returns = "f", [], None
    if ast.get_docstring(plain) is not None:
        plain.body = plain.body[1:]
    own = {n.arg for n in ast.walk(plain) if isinstance(n, ast.arg)}
    own |= {n.id for n in ast.walk(plain) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    number: dict[str, str] = {}
    for node in ast.walk(plain):
        if isinstance(node, ast.arg):
            node.arg, node.annotation = number.setdefault(node.arg, f"v{len(number)}"), None
        elif isinstance(node, ast.Name) and node.id in own:
            node.id = number.setdefault(node.id, f"v{len(number)}")
    return plain


def operations_by_name(modules: list[Module], names: Collection[str]) -> list[str]:
    """Where a reader knows operations by their quoted names: in a question, a look-up or a table.

    A copy under another name would be treated otherwise there. ``names`` are those of all operations.
    """
    problems = []
    for m in modules:
        for node in ast.walk(m.tree) if m.room in BY_FACT else ():
            quoted = [e.value for e in _asked(node) if isinstance(e, ast.Constant)]
            found = [name for name in quoted if isinstance(name, str) and name in names]
            alone = isinstance(node, (ast.Compare, ast.Subscript))  # one name among other words says nothing
            if len(found) > (0 if alone else 1):
                problems.append(f"{m.at(node.lineno)}: {', '.join(found)}")
    return problems


def _asked(node: Any) -> list[ast.AST | None]:
    """What stands beside ``x.op ==`` and in ``OPS[...]``; the keys of a table, the members of a set."""
    match node:
        case ast.Compare():
            sides = [node.left, *node.comparators]
            of_an_op = any(isinstance(s, ast.Attribute) and s.attr in {"name", "kernel", "op"} for s in sides)
            return [e for side in sides for e in ast.walk(side)] if of_an_op else []
        case ast.Subscript() if ast.unparse(node.value).rpartition(".")[2] in {"OPS", "RECORD"}:
            return [node.slice]
        case ast.Dict():
            return node.keys
        case ast.Set() | ast.Tuple() | ast.List():
            return node.elts
    return []


def stale_readmes(package: Path) -> list[str]:
    """Rooms without a README.md, and READMEs that leave out a file of the room, or name one that is gone."""
    problems = []
    for room in sorted({path.parent for path in package.rglob("__init__.py")} - {package}):
        if not (room / "README.md").is_file():
            problems.append(f"{room.name}: no README.md")
            continue
        text = (room / "README.md").read_text("utf-8")
        files = {p.stem for p in room.glob("[a-z]*.py")} | {p.parent.name for p in room.glob("*/__init__.py")}
        unsaid = sorted(name for name in files if not re.search(rf"\b{name}\b", text))
        starts = (room, package, package.parent)
        named = re.findall(r"`((?:\w+/)*\w+\.py)`", text)
        gone = [n for n in named if not any((start / n).is_file() for start in starts)]
        problems += [f"{room.name}/README.md leaves out {name}" for name in unsaid]
        problems += [f"{room.name}/README.md names {name}, which is not there" for name in gone]
    return problems


# Each holds a bracket that it does not look for, so that this file is not found by its own search.
_OUTSIDE = re.compile(
    "|".join(
        [
            r"(?<![\w.~/])/(?:[h]ome|[r]oot|[U]sers|[w]ork|[m]nt|[s]cratch)/[\w.]",
            r"\b[A-Za-z]:\\+[U]sers\b",
            r"\b(?:[i]ndex-url|[f]ind-links|[t]rusted-host)\b",
            r"\b(?:[p]ypi\.org|[p]ypi\.python\.org|[p]ythonhosted\.org|[a]naconda\.org|[n]pmjs\.org)\b",
        ]
    )
)


def of_one_machine(files: Mapping[str, str]) -> list[str]:
    """Paths of somebody's machine, and hosts or settings of a package registry, in any text file."""
    return [
        f"{name}:{number}: {found.group()}"
        for name, text in files.items()
        for number, line in enumerate(text.splitlines(), 1)
        if (found := _OUTSIDE.search(line))
    ]
