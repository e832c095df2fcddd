"""Models and how they learn: layers, initialisers, optimisers, the training loop. See README.md here."""

from tinygrad_edu.elsewhere import attributes_explained
from tinygrad_edu.errors import answers, arguments_explained
from tinygrad_edu.nn import init, optim, plots
from tinygrad_edu.nn.course_models import MLP, LogisticRegression
from tinygrad_edu.nn.dropout import Dropout, training
from tinygrad_edu.nn.fitting import fit
from tinygrad_edu.nn.foreign_names import HISTORY, INIT, MODEL, NN, PART
from tinygrad_edu.nn.foreign_settings import LAYER, OF_ONE
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.images import AvgPool2D, Conv2D, Flatten, MaxPool2D
from tinygrad_edu.nn.layers import Dense, Neuron
from tinygrad_edu.nn.models import Sequential
from tinygrad_edu.nn.normalise import BatchNorm, LayerNorm
from tinygrad_edu.nn.sequences import RNN, Embedding
from tinygrad_edu.nn.stopping import EarlyStopping

__all__ = [
    "MLP", "RNN", "AvgPool2D", "BatchNorm", "Conv2D", "Dense", "Dropout", "EarlyStopping", "Embedding",
    "Flatten", "History", "LayerNorm", "LogisticRegression", "MaxPool2D", "Neuron", "Sequential", "fit",
    "init", "optim", "plots", "training",
]  # fmt: skip

for _name in __all__:
    if isinstance(globals()[_name], type):
        arguments_explained(globals()[_name], LAYER | OF_ONE.get(_name, {}))
for _layer in (
    Dense, Neuron, Conv2D, BatchNorm, LayerNorm, Embedding, RNN, Dropout, MaxPool2D, AvgPool2D, Flatten,
):  # fmt: skip
    attributes_explained(_layer, PART)
attributes_explained(History, HISTORY)
# Assigning to one of these would change nothing; say so.
attributes_explained(
    Sequential,
    {name: MODEL[name] for name in ("trainable", "training", "learning_rate", "lr", "stop_training")},
)

answers(init.__name__, "tg.nn.init", 'init="he" of a layer', INIT)
answers(plots.__name__, "tg.nn.plots", "tg.nn.plots.costs({name: history}), or another of its functions")
answers(__name__, "tg.nn", "tg.nn.Sequential(...), or tg.nn.fit(model, X, Y, ...)", NN)
