"""An autograd engine that shows its work: build, draw and check the gradients of a first course.

Names are NumPy's for values, PyTorch's for differentiation, the course's for models.

>>> import tinygrad_edu as tg
>>> a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
>>> J = 3 * (a + b * c)
>>> J.backward()
>>> float(a.grad), float(b.grad), float(c.grad)
(3.0, 6.0, 9.0)
"""

from typing import Any

from tinygrad_edu import data, export, nn, ops
from tinygrad_edu.autodiff import define, func, grad
from tinygrad_edu.compiler import compile, get_num_threads, set_num_threads
from tinygrad_edu.core.mode import no_grad, scope
from tinygrad_edu.core.notebook_display import FIRST
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.core.version import __version__ as __version__
from tinygrad_edu.elsewhere import deferred
from tinygrad_edu.errors import (
    HistoryLostWarning,
    MissingExtraError,
    OuterBroadcastWarning,
    RecordedUpdateWarning,
    StaleGraphError,
    as_import,
    unknown,
)
from tinygrad_edu.graph import Graph, Program
from tinygrad_edu.nn import optim
from tinygrad_edu.nn.foreign_names import TOP
from tinygrad_edu.nn.saving import load, save
from tinygrad_edu.ops.along_axis.cumulative import *
from tinygrad_edu.ops.along_axis.differences import *
from tinygrad_edu.ops.along_axis.filters import *
from tinygrad_edu.ops.along_axis.polynomials import *
from tinygrad_edu.ops.along_axis.sorting import *
from tinygrad_edu.ops.elementwise.arithmetic import *
from tinygrad_edu.ops.elementwise.exponential import *
from tinygrad_edu.ops.elementwise.logic import *
from tinygrad_edu.ops.elementwise.rounding import *
from tinygrad_edu.ops.elementwise.selection import *
from tinygrad_edu.ops.elementwise.trigonometric import *
from tinygrad_edu.ops.indexing.diagonals import *
from tinygrad_edu.ops.indexing.gather_scatter import *
from tinygrad_edu.ops.linalg.decompositions import *
from tinygrad_edu.ops.linalg.determinants import *
from tinygrad_edu.ops.linalg.einsum import *
from tinygrad_edu.ops.linalg.inverses import *
from tinygrad_edu.ops.linalg.norms import *
from tinygrad_edu.ops.linalg.products import *
from tinygrad_edu.ops.linalg.spectra import *
from tinygrad_edu.ops.movement.joining import *
from tinygrad_edu.ops.movement.shapes import *
from tinygrad_edu.ops.movement.tiling import *
from tinygrad_edu.ops.networks.activations import *
from tinygrad_edu.ops.networks.convolution import *
from tinygrad_edu.ops.networks.costs import *
from tinygrad_edu.ops.networks.dropout import *
from tinygrad_edu.ops.networks.embeddings import *
from tinygrad_edu.ops.networks.pooling import *
from tinygrad_edu.ops.networks.windows import *
from tinygrad_edu.ops.numpy_coverage.alternative_names import *
from tinygrad_edu.ops.reduction.moments import *
from tinygrad_edu.ops.reduction.nan_functions import *
from tinygrad_edu.ops.reduction.quantiles import *
from tinygrad_edu.ops.reduction.searching_and_counting import *
from tinygrad_edu.ops.reduction.sums_and_extrema import *

__all__ = [
    "Derivation", "Graph", "HistoryLostWarning", "MissingExtraError", "OuterBroadcastWarning", "Program",
    "RecordedUpdateWarning", "RenderError", "StaleGraphError", "Tensor", "check", "compile", "course", "data",
    "define", "derive", "distributed", "draw", "export", "func", "get_num_threads", "grad", "load", "nn",
    "no_grad", "ops", "optim", "save", "scope", "set_num_threads", "step_through",
]  # fmt: skip
__all__ += [name for sheet in ops.__all__ for name in getattr(getattr(ops, sheet), "__all__", ())]


LATER = {
    "Derivation": "derivation",
    "RenderError": "drawing",
    "check": None,
    "course": None,
    "derivation": None,
    "derive": "derivation",
    "distributed": None,
    "draw": "drawing",
    "drawing": None,
    "estimators": None,
    "page": None,
    "step_through": "page.step_through",
}
"""Imported when somebody asks for it: a room, or a name and the module that has it."""
FIRST.append(lambda: deferred(__name__, "drawing", LATER))


def __getattr__(name: str) -> Any:
    try:
        return deferred(__name__, name, LATER)
    except AttributeError as error:
        known = unknown(__name__, name, TOP)
        raise as_import(known if "here it is" in str(known) else error) from None


def __dir__() -> list[str]:
    return sorted({*globals(), *LATER})
