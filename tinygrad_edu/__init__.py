"""An autograd engine that shows its work: build, draw and check the gradients of a first deep-learning course.

Names are NumPy's for values, PyTorch's for differentiation, the course's for models.

>>> import tinygrad_edu as tg
>>> a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
>>> J = 3 * (a + b * c)
>>> J.backward()
>>> float(a.grad), float(b.grad), float(c.grad)
(3.0, 6.0, 9.0)
"""

from tinygrad_edu import check, course, data, nn, ops
from tinygrad_edu.autodiff import define, func, grad
from tinygrad_edu.compile import compile
from tinygrad_edu.core.mode import no_grad, scope
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.derive import Derivation, derive
from tinygrad_edu.draw import RenderError, draw, step_through
from tinygrad_edu.errors import MissingExtraError, StaleGraphError
from tinygrad_edu.graph import Graph, Program
from tinygrad_edu.nn import optim
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
