"""The course's formulas, derived by hand, in plain NumPy: the independent witness. See README.md here.

Names are those of the notes and of the course's exercises. What two models have under one name, such as
``predict``, stands in the model's own module: ``logistic``, ``two_layer``, ``l_layer``.

>>> from tinygrad_edu import course
>>> course.formulas["L9"]
Formula(L9: The chain of loss and sigmoid)
"""

from tinygrad_edu.course import (
    activations,
    agreement,
    checking,
    costs,
    features,
    initialisation,
    l_layer,
    logistic,
    models,
    optimisers,
    regularisation,
    two_layer,
    written_out,
)
from tinygrad_edu.course.activations import *
from tinygrad_edu.course.catalogue import NOTES, Catalogue, Formula, Misprint, Slip, formulas
from tinygrad_edu.course.checking import *
from tinygrad_edu.course.costs import *
from tinygrad_edu.course.features import *
from tinygrad_edu.course.initialisation import *
from tinygrad_edu.course.l_layer import (
    L_model_backward,
    L_model_forward,
    accuracy,
    backward_from_output,
    cost_of_network,
    count_parameters,
    hidden_dZ,
    layer_activations,
    linear_activation_backward,
    linear_activation_forward,
    linear_backward,
    linear_forward,
    network_shapes,
    update_parameters,
)
from tinygrad_edu.course.logistic import (
    forward_loop,
    mean_of_examples,
    model,
    optimize,
    propagate,
    propagate_loop,
)
from tinygrad_edu.course.models import *
from tinygrad_edu.course.optimisers import *
from tinygrad_edu.course.regularisation import *
from tinygrad_edu.course.two_layer import (
    backward_one,
    backward_propagation,
    collapse,
    forward_by_examples,
    forward_by_units,
    forward_propagation,
    layer_sizes,
    nn_model,
)
from tinygrad_edu.course.written_out import *
from tinygrad_edu.errors import answers

__all__ = [
    "NOTES", "Catalogue", "Formula", "L_model_backward", "L_model_forward", "Misprint", "Slip", "accuracy",
    "activations", "agreement", "backward_from_output", "backward_one", "backward_propagation", "checking",
    "collapse", "cost_of_network", "costs", "count_parameters", "features", "formulas", "forward_by_examples",
    "forward_by_units", "forward_loop", "forward_propagation", "hidden_dZ", "initialisation", "l_layer",
    "layer_activations", "layer_sizes", "linear_activation_backward", "linear_activation_forward",
    "linear_backward", "linear_forward", "logistic", "mean_of_examples", "model", "models", "network_shapes",
    "nn_model", "optimisers", "optimize", "propagate", "propagate_loop", "regularisation", "two_layer",
    "update_parameters", "written_out",
]  # fmt: skip
__all__ += activations.__all__
__all__ += checking.__all__
__all__ += costs.__all__
__all__ += features.__all__
__all__ += initialisation.__all__
__all__ += models.__all__
__all__ += optimisers.__all__
__all__ += regularisation.__all__
__all__ += written_out.__all__

answers(__name__, "tg.course", "one of its functions, such as tg.course.sigmoid(z)")
