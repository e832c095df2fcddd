"""What is called otherwise in PyTorch, Keras and scikit-learn: an error that says what to write here."""

from __future__ import annotations

__all__ = ["MODEL", "NN", "OPTIM", "SETTINGS", "TOP"]

_ACTIVATIONS = {
    "ReLU": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh", "Softmax": "softmax", "LeakyReLU": "leaky_relu",
}  # fmt: skip
_COSTS = {
    "BCELoss": "binary_cross_entropy", "BCEWithLogitsLoss": "binary_cross_entropy", "MSELoss": "squared",
    "CrossEntropyLoss": "categorical_cross_entropy", "NLLLoss": "categorical_cross_entropy",
    "L1Loss": "absolute", "HuberLoss": "huber", "SmoothL1Loss": "huber", "HingeEmbeddingLoss": "hinge",
}  # fmt: skip
NN: dict[str, str] = {
    "Linear": "tg.nn.Dense(n_in, n_out)",
    **dict.fromkeys(["Conv2d", "Conv"], "tg.nn.Conv2D(n_in, n_out, size), on images (m, n_H, n_W, n_C)"),
    **dict.fromkeys(["BatchNorm1d", "BatchNorm2d", "BatchNormalization"], "tg.nn.BatchNorm(n)"),
    "LayerNormalization": "tg.nn.LayerNorm(n)",
    **dict.fromkeys(["MaxPool2d", "MaxPooling2D"], "tg.nn.MaxPool2D(size)"),
    **dict.fromkeys(["AvgPool2d", "AveragePooling2D"], "tg.nn.AvgPool2D(size)"),
    **dict.fromkeys(["SimpleRNN", "LSTM", "GRU"], "tg.nn.RNN(n_in, n_out), the simple recurrent layer"),
    **{
        theirs: f'tg.{ours} as a layer, or activation="{ours}" of one'
        for theirs, ours in _ACTIVATIONS.items()
    },
    **{theirs: f'a model\'s cost="{ours}"; then J = model.loss(X, Y)' for theirs, ours in _COSTS.items()},
    **dict.fromkeys(
        ["Module", "Model"],
        "any class with parameters() and loss(X, Y); a layer in tg.nn.Sequential is anything to be called",
    ),
    "ModuleList": "a list: the Tensors in a layer's lists are found",
    "Parameter": "tg.Tensor(value)",
    "functional": "tg itself: tg.relu, tg.softmax, tg.binary_cross_entropy",
    "utils": "clip_norm= or clip_value= of an optimiser, for gradients that are clipped",
}
OPTIM: dict[str, str] = {
    "RMSprop": "tg.optim.RMSProp",
    "lr_scheduler": "a schedule as the rate: tg.optim.Adam(lr=tg.optim.CosineDecay(...))",
    "schedules": "a schedule as the rate: tg.optim.Adam(lr=tg.optim.CosineDecay(...))",
}
SETTINGS: dict[str, str] = {
    "momentum": "tg.optim.Momentum(lr=..., beta=0.9) or tg.optim.Nesterov, optimisers of their own",
    "nesterov": "tg.optim.Nesterov(lr=...)",
    "learning_rate": "lr=",
    "alpha": "lr=",
    "params": "parameters=, or the first argument",
    "betas": "beta1= and beta2=",
    "beta_1": "beta1=",
    "beta_2": "beta2=",
    "eps": "epsilon=",
    "rho": "beta=",
    "clipnorm": "clip_norm=",
    "clipvalue": "clip_value=",
}
MODEL: dict[str, str] = {
    **dict.fromkeys(["to", "cuda", "cpu"], "no line at all: it computes with NumPy, on the CPU"),
    **dict.fromkeys(["float", "double", "half"], "dtype= of the layers"),
    "save": "tg.save(model, path)",
    "add": "all layers at once: tg.nn.Sequential(layer, layer, ...)",
    "score": "model.accuracy(X, Y), or model.evaluate(X, Y, metrics)",
    "coef_": 'model.parameters(): model.parameters()["W1"]',
    "intercept_": 'model.parameters(): model.parameters()["b1"]',
    "count_params": "sum(p.size for p in model.parameters().values())",
    "modules": "model.layers",
    "children": "model.layers",
    "requires_grad_": "tg.Tensor(value, requires_grad=False), for what is to stay",
    "train_on_batch": "model.fit(X, Y, epochs=1), or tg.compile(..., optimizer=...)",
    "partial_fit": "model.fit(X, Y, epochs=1), which goes on from where the model is",
}
TOP: dict[str, str] = {
    "tensor": "tg.Tensor(value)",
    "from_numpy": "tg.Tensor(array)",
    "manual_seed": "seed= of layers, models and tg.nn.fit",
    "inference_mode": "tg.no_grad()",
    "Sequential": "tg.nn.Sequential",
}
