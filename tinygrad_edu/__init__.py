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

from tinygrad_edu import check, course, data, distributed, export, nn, ops
from tinygrad_edu.autodiff import define, func, grad
from tinygrad_edu.compile import compile
from tinygrad_edu.core.mode import no_grad, scope
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.core.version import __version__ as __version__
from tinygrad_edu.derive import Derivation, derive
from tinygrad_edu.draw import RenderError, draw
from tinygrad_edu.errors import (
    HistoryLostWarning,
    MissingExtraError,
    OuterBroadcastWarning,
    RecordedUpdateWarning,
    StaleGraphError,
    deferred,
)
from tinygrad_edu.graph import Graph, Program
from tinygrad_edu.nn import optim
from tinygrad_edu.nn.elsewhere import TOP, unknown
from tinygrad_edu.nn.saving import load, save
from tinygrad_edu.ops.aliases import *
from tinygrad_edu.ops.contraction import *
from tinygrad_edu.ops.costs import *
from tinygrad_edu.ops.cumulative import *
from tinygrad_edu.ops.decompositions import *
from tinygrad_edu.ops.determinants import *
from tinygrad_edu.ops.diagonals import *
from tinygrad_edu.ops.differences import *
from tinygrad_edu.ops.einsum import *
from tinygrad_edu.ops.elementwise import *
from tinygrad_edu.ops.elementwise_angles import *
from tinygrad_edu.ops.elementwise_choice import *
from tinygrad_edu.ops.elementwise_exponential import *
from tinygrad_edu.ops.elementwise_questions import *
from tinygrad_edu.ops.elementwise_steps import *
from tinygrad_edu.ops.embeddings import *
from tinygrad_edu.ops.filters import *
from tinygrad_edu.ops.indexing import *
from tinygrad_edu.ops.joining import *
from tinygrad_edu.ops.linalg import *
from tinygrad_edu.ops.missing import *
from tinygrad_edu.ops.moments import *
from tinygrad_edu.ops.movement import *
from tinygrad_edu.ops.networks import *
from tinygrad_edu.ops.norms import *
from tinygrad_edu.ops.polynomials import *
from tinygrad_edu.ops.quantiles import *
from tinygrad_edu.ops.random import *
from tinygrad_edu.ops.reduction import *
from tinygrad_edu.ops.reduction_questions import *
from tinygrad_edu.ops.sorting import *
from tinygrad_edu.ops.spectra import *
from tinygrad_edu.ops.tiling import *
from tinygrad_edu.ops.windows import *
from tinygrad_edu.page.step_through import step_through

__all__ = [
    "Derivation",
    "Graph",
    "HistoryLostWarning",
    "MissingExtraError",
    "OuterBroadcastWarning",
    "Program",
    "RecordedUpdateWarning",
    "RenderError",
    "StaleGraphError",
    "Tensor",
    "check",
    "compile",
    "course",
    "data",
    "define",
    "derive",
    "distributed",
    "draw",
    "export",
    "func",
    "grad",
    "load",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "save",
    "scope",
    "step_through",
]
__all__ += ops.aliases.__all__
__all__ += ops.contraction.__all__
__all__ += ops.costs.__all__
__all__ += ops.cumulative.__all__
__all__ += ops.decompositions.__all__
__all__ += ops.determinants.__all__
__all__ += ops.diagonals.__all__
__all__ += ops.differences.__all__
__all__ += ops.einsum.__all__
__all__ += ops.elementwise.__all__
__all__ += ops.elementwise_angles.__all__
__all__ += ops.elementwise_choice.__all__
__all__ += ops.elementwise_exponential.__all__
__all__ += ops.elementwise_questions.__all__
__all__ += ops.elementwise_steps.__all__
__all__ += ops.embeddings.__all__
__all__ += ops.filters.__all__
__all__ += ops.indexing.__all__
__all__ += ops.joining.__all__
__all__ += ops.linalg.__all__
__all__ += ops.missing.__all__
__all__ += ops.moments.__all__
__all__ += ops.movement.__all__
__all__ += ops.networks.__all__
__all__ += ops.norms.__all__
__all__ += ops.polynomials.__all__
__all__ += ops.quantiles.__all__
__all__ += ops.random.__all__
__all__ += ops.reduction.__all__
__all__ += ops.reduction_questions.__all__
__all__ += ops.sorting.__all__
__all__ += ops.spectra.__all__
__all__ += ops.tiling.__all__
__all__ += ops.windows.__all__


def __getattr__(name: str) -> Any:
    if name in TOP:
        raise unknown(__name__, name, TOP)
    return deferred(__name__, name, ("estimators",))  # its library is an extra
