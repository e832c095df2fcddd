"""What is called otherwise in PyTorch, Keras and scikit-learn: an error that says what to write here."""

from __future__ import annotations

__all__ = ["FIT", "LAYER", "MODEL", "NN", "OPTIM", "SETTINGS", "TOP"]

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
    "decay": "a schedule as the rate: lr=tg.optim.InverseTimeDecay(...)",
    **dict.fromkeys(["lambd", "l2", "weight_decay_rate"], "weight_decay=, or l2= of the model"),
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
_BIAS = "nothing: Z = W A + b has its b; BatchNorm makes it superfluous, and it may stay 0"
LAYER: dict[str, str] = {
    **dict.fromkeys(["units", "out_features", "out_channels", "filters"], "n_out"),
    **dict.fromkeys(["input_dim", "input_shape", "in_features", "in_channels"], "n_in, the first argument"),
    **dict.fromkeys(["use_bias", "bias"], _BIAS),
    **dict.fromkeys(["kernel_initializer", "initializer", "weight_init"], 'init=, such as init="he"'),
    **dict.fromkeys(["kernel_size", "pool_size", "filter_size"], "size"),
    **dict.fromkeys(["strides"], "stride="),
    **dict.fromkeys(
        ["num_features", "normalized_shape", "hidden_size", "embedding_dim", "output_dim"], "n, or n_out"
    ),
    **dict.fromkeys(["num_embeddings", "vocab_size"], "vocabulary"),
    **dict.fromkeys(["eps"], "epsilon="),
    **dict.fromkeys(["kernel_regularizer", "weight_decay", "alpha"], "l2= of the model"),
    **dict.fromkeys(["hidden_layer_sizes", "layer_sizes", "dims", "layers_dims"], "sizes, n[0] to n[L]"),
    **dict.fromkeys(["hidden_activation", "act", "nonlinearity"], "activation="),
    **dict.fromkeys(["output_activation", "out_activation"], "output="),
    **dict.fromkeys(["loss", "criterion"], "cost="),
    **dict.fromkeys(["random_state", "rng"], "seed="),
    **dict.fromkeys(["dropout", "p", "rate", "dropout_rate"], "keep_prob=, the share that stays: 1 - p"),
    **dict.fromkeys(["n_features", "n_inputs"], "n_x, the first argument"),
    **dict.fromkeys(["device"], "no setting at all: it computes with NumPy, on the CPU"),
    **dict.fromkeys(["monitor", "mode"], "no setting: the validation cost is what is watched"),
    **dict.fromkeys(["restore_best_weights"], "restore_best="),
}
FIT: dict[str, str] = {
    **dict.fromkeys(["lr", "learning_rate", "eta"], "optimizer=tg.optim.SGD(lr=...)"),
    **dict.fromkeys(
        ["n_epochs", "num_epochs", "max_iter", "iterations", "num_iterations", "nb_epoch"], "epochs="
    ),
    **dict.fromkeys(
        ["validation_data", "validation_split", "val_data", "dev"], "validation=(X, Y), or a share"
    ),
    **dict.fromkeys(["verbose", "print_cost"], "progress=True or False"),
    **dict.fromkeys(["minibatch_size", "mini_batch_size", "bs"], "batch_size="),
    **dict.fromkeys(["loss", "criterion", "loss_fn"], "cost= of the model"),
    **dict.fromkeys(["metrics"], "model.evaluate(X, Y, metrics)"),
    **dict.fromkeys(["patience"], "early_stopping="),
    **dict.fromkeys(["random_state"], "seed="),
    **dict.fromkeys(["opt", "optim"], "optimizer="),
}
TOP: dict[str, str] = {
    "tensor": "tg.Tensor(value)",
    "from_numpy": "tg.Tensor(array)",
    "manual_seed": "seed= of layers, models and tg.nn.fit",
    "inference_mode": "tg.no_grad()",
    "Sequential": "tg.nn.Sequential",
    **dict.fromkeys(
        ["zeros", "ones", "empty", "arange", "linspace", "eye"], "tg.Tensor(np.zeros(...)) and its like"
    ),
    **dict.fromkeys(
        ["randn", "rand", "randint", "normal"], "tg.Tensor(rng.normal(size=...)), of a NumPy generator"
    ),
    "cat": "tg.concatenate([a, b])",
    "clamp": "tg.clip(x, low, high)",
    **dict.fromkeys(["set_grad_enabled", "enable_grad"], "tg.no_grad() around what is not to be recorded"),
    **dict.fromkeys(["cuda", "device", "backends"], "no line at all: it computes with NumPy, on the CPU"),
    "utils": "batch_size= of tg.nn.fit, which draws the batches",
    "DataLoader": "batch_size= of tg.nn.fit, which draws the batches",
    "autograd": "tg.grad(J, [w, b]), or tg.func.grad(f)",
    **dict.fromkeys(["jit", "script"], "tg.compile(loss)"),
    **dict.fromkeys(["keras", "layers", "models"], "tg.nn"),
    "metrics": "model.accuracy(X, Y), or model.evaluate(X, Y, metrics)",
    "train_test_split": "tg.data.split(X, Y, dev=0.2, test=0.2)",
    **dict.fromkeys(["StandardScaler", "MinMaxScaler"], "tg.data, which scales and keeps how"),
}
