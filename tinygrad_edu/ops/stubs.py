"""The stubs of functions and of a Tensor's methods, which editors and type checkers read.

``python -m tinygrad_edu.ops.stubs`` writes ``tinygrad_edu/__init__.pyi`` and ``core/methods.pyi``. A function
gives a Tensor where one of its operands is one, and an array where none is: one overload each.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import numpy as np

from tinygrad_edu.core.arguments import Arguments
from tinygrad_edu.core.kinds import COMPOSED
from tinygrad_edu.core.methods import ArrayMethods
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.table import OPS
from tinygrad_edu.core.tensor import Tensor

__all__ = ["MADE_WITH", "files"]

PACKAGE = Path(__file__).parent.parent
MADE_WITH = f"NumPy {'.'.join(np.__version__.split('.')[:2])} and Python 3.{sys.version_info.minor}"
HEAD = f"""# Written by `python -m tinygrad_edu.ops.stubs` from the table: change the definitions.
# Made with {MADE_WITH}.

from collections.abc import Callable, Sequence
from typing import Any, Literal, Self, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray
"""
PUBLIC = """
_Plain = float | np.generic | NDArray[Any] | Sequence[Any]
_Operand = Tensor | _Plain

class _Defined(Op):
    @overload
    def __call__(self, x: Tensor, /, *others: _Operand, **settings: Any) -> Tensor: ...
    @overload
    def __call__(self, x: _Plain, y: Tensor, /, *others: _Operand, **settings: Any) -> Tensor: ...
    @overload
    def __call__(self, /, *arrays: _Plain, **settings: Any) -> NDArray[Any]: ...

"""
METHODS = """
def described(name: str, function: Callable[..., Any]) -> None: ...

class ArrayMethods:
    __slots__ = ()

"""
Parameter = inspect.Parameter


def files() -> dict[Path, str]:
    """The files, and the text of each."""
    return {
        PACKAGE / "__init__.pyi": "".join([HEAD, *_public()]),
        PACKAGE / "core" / "methods.pyi": "".join([HEAD, METHODS, *_methods()]),
    }


def _public() -> Iterator[str]:
    sheets, taken = [], []
    for node in ast.parse((PACKAGE / "__init__.py").read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            sheets.append(sys.modules[str(node.module)])
        elif isinstance(node, ast.ImportFrom) and node.module != "typing":
            taken += [f"from {node.module} import {a.name} as {a.asname or a.name}\n" for a in node.names]
    kept = [
        line for line in taken if not re.search(" as (as_import|define|deferred|FIRST|TOP|unknown)$", line)
    ]
    package = sys.modules["tinygrad_edu"]
    for name, home in package.LATER.items():
        if home is not None or name in package.__all__ or name == "estimators":
            kept.append(f"from tinygrad_edu{f'.{home}' if home else ''} import {name} as {name}\n")
    results = {type(result) for name in COMPOSED if _is_named(result := _result(name))}
    yield "".join(sorted(kept))
    yield "from tinygrad_edu.core.op import Op\n"
    yield "".join(sorted(f"from {c.__module__} import {c.__name__}\n" for c in results))
    yield PUBLIC
    yield _define(inspect.signature(sys.modules["tinygrad_edu.autodiff.definition"].define))
    functions = {name: getattr(sheet, name) for sheet in sheets for name in sheet.__all__}
    own = {name: name for name in functions if name in OPS or name in COMPOSED}
    for name in sorted(own):
        yield from _function(name)
    for name in sorted(functions.keys() - own.keys()):
        other = getattr(functions[name], "__name__", name)
        yield f"{name} = {other}\n" if other in own else _as_written(name, functions[name], "Tensor")


def _define(signature: inspect.Signature) -> str:
    parameters = str(signature.replace(return_annotation=signature.empty)).replace("'", "")
    return f"def define{parameters} -> Callable[[Callable[..., Any]], _Defined]: ...\n"


def _methods() -> Iterator[str]:
    for name, method in vars(ArrayMethods).items():
        if isinstance(method, property):
            yield f"    @property\n    def {name}(self) -> Self: ...\n"
        elif getattr(method, "__name__", "") in OPS | COMPOSED and "args" in method.__code__.co_varnames[:2]:
            operands, settings, result = _facts(name)
            given = [
                part.replace("_Operand", "Any")
                for part in _written([*operands[1:], *settings], {}, first="self")
            ]
            yield f"    def {name}({', '.join(given)}) -> {_said(result, 'Self')}: ...\n"
        elif callable(method) and "self: Any" in str(inspect.signature(method)).replace("'", ""):
            yield f"    def {name}(self, *args: Any, **settings: Any) -> Any: ...\n"  # NumPy's, on arrays
        elif callable(method):
            yield "    " + _as_written(name, method, "Self")


def _as_written(name: str, function: Callable[..., Any], result: str) -> str:
    signature = inspect.signature(function)
    parameters = str(signature.replace(return_annotation=signature.empty)).replace("'", "")
    parameters = re.sub(r"\bArray\b", "_Operand", parameters)
    return f"def {name}{parameters} -> {result}: ...\n"


def _function(name: str) -> Iterator[str]:
    """One signature for each place where the first Tensor may stand, and one for arrays alone."""
    operands, settings, result = _facts(name)
    free = [p for p in operands if _annotation(p) == "_Operand" and p.kind is not p.VAR_POSITIONAL]
    if not free or isinstance(result, (np.ndarray, np.generic, bool, int)):
        given = _written([*operands, *settings], {})
        yield f"def {name}({', '.join(given)}) -> {_said(result, 'Tensor')}: ...\n"
        return
    for k, first in enumerate(free):
        before = {p.name: "_Plain" for p in free[:k]}
        given = _written([*operands, *settings], {**before, first.name: "Tensor"})
        yield f"@overload\ndef {name}({', '.join(given)}) -> {_said(result, 'Tensor')}: ...\n"
    given = _written([*operands, *settings], dict.fromkeys((p.name for p in free), "_Plain"))
    yield f"@overload\ndef {name}({', '.join(given)}) -> {_said(result, 'NDArray[Any]')}: ...\n"


def _facts(name: str) -> tuple[list[Parameter], list[Parameter], Any]:
    """The operands, the settings in the order in which they are given, and a result on Tensors."""
    entry = OPS.get(name) or COMPOSED[name]
    kernel = inspect.unwrap(entry.forward if isinstance(entry, Op) else entry.call)
    arguments = entry.arguments if isinstance(entry, Op) else Arguments(name, kernel, entry.numpy)
    types = inspect.get_annotations(kernel, eval_str=True)
    parameters = {n: p.replace(annotation=types.get(n, Any)) for n, p in arguments.own.items()}
    operands = [p for p in parameters.values() if p.default is p.empty and p.kind is not p.KEYWORD_ONLY]
    operands = [p for p in operands if p.kind is not p.VAR_KEYWORD]
    settings: list[Parameter] = []
    rest = {n: p for n, p in parameters.items() if p not in operands}
    for n in () if any(p.kind is p.VAR_POSITIONAL for p in operands) else arguments.order:
        if n in rest and (rest[n].default is not Parameter.empty or all(_needed(p) for p in settings)):
            settings.append(rest.pop(n).replace(kind=Parameter.POSITIONAL_OR_KEYWORD))
        elif n not in parameters:
            break  # NumPy has one here that is not taken: what comes after it is named
    late = [p if p.kind is p.VAR_KEYWORD else p.replace(kind=p.KEYWORD_ONLY) for p in rest.values()]
    return operands, [*settings, *late], _result(name)


def _needed(parameter: Parameter) -> bool:
    return parameter.default is parameter.empty


def _result(name: str) -> Any:
    """What comes out, of Tensors, at the first sample."""
    entry = OPS.get(name) or COMPOSED[name]
    sample = entry.samples[0]
    xs: Any = [Tensor(x) if x.dtype.kind == "f" else x for x in sample.draw(np.random.default_rng(0))]
    call = entry if isinstance(entry, Op) else entry.call
    settings = {n: np.random.default_rng(0) if n == "rng" else v for n, v in sample.settings.items()}
    return call(*(sample.arrange(*xs) if sample.arrange else xs), **settings)


def _is_named(result: Any) -> bool:
    return isinstance(result, tuple) and hasattr(result, "_fields")


def _said(result: Any, tensor: str) -> str:
    """The type of a result, where Tensors are what ``tensor`` says."""
    if isinstance(result, Tensor):
        return tensor
    if _is_named(result):
        return type(result).__name__
    if isinstance(result, list):
        return f"list[{_said(result[0], tensor)}]"
    if isinstance(result, tuple):
        parts = {_said(part, tensor) for part in result}
        return f"tuple[{parts.pop() if len(parts) == 1 else 'Any'}, ...]"
    return "NDArray[Any]"


def _annotation(parameter: Parameter) -> str:
    """A parameter's type: where anything goes and something must be given, an operand."""
    kind = parameter.annotation
    if kind is Any:
        return "_Operand" if _needed(parameter) and parameter.kind is not Parameter.KEYWORD_ONLY else "Any"
    said = _type(kind)
    return "int | Sequence[int]" if said == "tuple[int, ...]" and "ax" not in parameter.name else said


def _type(kind: Any) -> str:
    if get_args(kind) and type in [get_origin(part) for part in get_args(kind)]:
        return "DTypeLike | None"
    said = kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)
    said = re.sub(r"typing\.Optional\[(.*)\]", r"\1 | None", said)
    said = said.replace("typing.", "").replace("collections.abc.", "")
    return re.sub(r"(numpy\.random\._generator\.)?Generator", "np.random.Generator", said)


def _written(parameters: list[Parameter], kinds: Mapping[str, str], first: str = "") -> list[str]:
    """Parameters as a stub has them."""
    given, named = [first] * bool(first), False
    for p in parameters:
        kind = kinds.get(p.name) or _annotation(p)
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            given.append(f"{'*' if p.kind is p.VAR_POSITIONAL else '**'}{p.name}: Any")
            named = True
            continue
        if p.kind is p.KEYWORD_ONLY and not named:
            given.append("*")
            named = True
        given.append(f"{p.name}: {kind}{_default(p)}")
    return given


def _default(parameter: Parameter) -> str:
    plain = isinstance(parameter.default, (bool, int, float, str, type(None)))
    return "" if _needed(parameter) else f" = {parameter.default!r}" if plain else " = ..."


if __name__ == "__main__":
    for path, text in files().items():
        path.write_text(text, "utf-8")
