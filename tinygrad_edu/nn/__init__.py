"""Models and how they learn: layers, initialisers, optimisers, the training loop. See README.md here."""

from tinygrad_edu.core.foreign_attributes import attributes_explained
from tinygrad_edu.errors import answers, arguments_explained
from tinygrad_edu.nn import init, optim, plots
from tinygrad_edu.nn.course_models import MLP, LogisticRegression
from tinygrad_edu.nn.dropout import Dropout, training
from tinygrad_edu.nn.fitting import fit
from tinygrad_edu.nn.foreign_names import HISTORY, LAYER, MODEL, NN, PART
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.images import AvgPool2D, Conv2D, Flatten, MaxPool2D
from tinygrad_edu.nn.layers import Dense, Neuron
from tinygrad_edu.nn.models import Sequential
from tinygrad_edu.nn.normalise import BatchNorm, LayerNorm
from tinygrad_edu.nn.sequences import RNN, Embedding
from tinygrad_edu.nn.stopping import EarlyStopping

__all__ = [
    "MLP",
    "RNN",
    "AvgPool2D",
    "BatchNorm",
    "Conv2D",
    "Dense",
    "Dropout",
    "EarlyStopping",
    "Embedding",
    "Flatten",
    "History",
    "LayerNorm",
    "LogisticRegression",
    "MaxPool2D",
    "Neuron",
    "Sequential",
    "fit",
    "init",
    "optim",
    "plots",
    "training",
]

for _name in __all__:
    if isinstance(globals()[_name], type):
        arguments_explained(globals()[_name], LAYER)
for _layer in (Dense, Neuron, Conv2D, BatchNorm, LayerNorm, Embedding, RNN):
    attributes_explained(_layer, PART)
attributes_explained(History, HISTORY)
# Assigning to one of these would change nothing; say so.
attributes_explained(
    Sequential, {name: MODEL[name] for name in ("trainable", "training", "learning_rate", "lr")}
)

answers(__name__, "tg.nn", "tg.nn.Sequential(...), or tg.nn.fit(model, X, Y, ...)", NN)
