"""Names from PyTorch, Keras and scikit-learn, each with what to write here instead; for error messages."""

from __future__ import annotations

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
    "ModuleDict": "a dict: the Tensors in a layer's dicts are found",
    "ParameterList": "a list: the Tensors in a layer's lists are found",
    **dict.fromkeys(["Input", "InputLayer"], "no layer: the first one says n_in, tg.nn.Dense(n_in, n_out)"),
    "Activation": 'tg.relu as a layer, or activation="relu" of one',
    "Identity": 'nothing: leave it out, or activation="linear"',
    **dict.fromkeys(
        ["Transformer", "TransformerEncoderLayer", "MultiheadAttention", "MultiHeadAttention"],
        "a layer of one's own, of products and tg.softmax",
    ),
    **dict.fromkeys(["Conv1d", "Conv1D"], "tg.nn.Conv2D(n_in, n_out, size) on images with n_H = 1"),
    "parallel": "tg.set_num_threads(n), or tg.distributed.fit for several machines",
    **{
        name: f"tg.{name.lower()} as a layer, or activation=tg.{name.lower()} of one"
        for name in ("GELU", "SiLU", "ELU", "Softplus")
    },
    "LogSoftmax": "tg.log_softmax; the cost of a softmax is computed from Z, and needs none",
    **dict.fromkeys(["ModelCheckpoint", "BackupAndRestore"], "checkpoint= of tg.nn.fit"),
    **dict.fromkeys(
        ["ReduceLROnPlateau", "LearningRateScheduler"],
        "a schedule as the rate, lr=tg.optim.CosineDecay(...), or a callback that sets optimizer.lr",
    ),
    **dict.fromkeys(
        ["Callback", "TensorBoard", "CSVLogger", "ProgbarLogger"],
        "callbacks= of tg.nn.fit: a function of the history, called after each epoch",
    ),
    **dict.fromkeys(["*Loss", "*rossentropy", "*Error"], "cost= of a model: a name, or a function of A, Y"),
    "train": "tg.nn.fit(model, X, Y, optimizer=..., epochs=...)",
    **dict.fromkeys(["evaluate", "predict"], "a method of the model: model.evaluate(X, Y), model.predict(X)"),
    **dict.fromkeys(["*LSTM*", "*GRU*", "*Cell"], "tg.nn.RNN(n_in, n_out), the simple recurrent layer"),
    **dict.fromkeys(["Transformer*", "*ttention"], "a layer of one's own, of products and tg.softmax"),
    "*Parallel": "tg.set_num_threads(n), or tg.distributed.fit for several machines",
    **dict.fromkeys(
        ["*[a-zP]LU*", "*ReLU*", "Hard*", "Soft*", "Mish"],
        "a function as a layer: tg.relu, tg.gelu, tg.silu, or lambda A: ... of NumPy's functions",
    ),
    "Global*Pool*": "a function as a layer, such as lambda A: np.mean(A, axis=(1, 2)).T",
    "*Pool*": "tg.nn.MaxPool2D(size) or tg.nn.AvgPool2D(size)",
    "*Dropout*": "tg.nn.Dropout(keep_prob)",
    "*Norm*": "tg.nn.BatchNorm(n) or tg.nn.LayerNorm(n)",
    "*Conv*": "tg.nn.Conv2D(n_in, n_out, size), on images (m, n_H, n_W, n_C)",
    **dict.fromkeys(
        [
            "Add",
            "Concatenate",
            "Lambda",
            "Reshape",
            "Resc*",
            "*Padding*",
            "Up[sS]amp*",
            "Bi*",
            "*Noise",
            "Mult*",
        ],
        "a layer of one's own: anything to be called, such as lambda A: ...",
    ),
    "functional": "tg itself: tg.relu, tg.softmax, tg.binary_cross_entropy",
    "utils": "clip_norm= or clip_value= of an optimiser, for gradients that are clipped",
}
OPTIM: dict[str, str] = {
    "RMSprop": "tg.optim.RMSProp",
    "lr_scheduler": "a schedule as the rate: tg.optim.Adam(lr=tg.optim.CosineDecay(...))",
    "schedules": "a schedule as the rate: tg.optim.Adam(lr=tg.optim.CosineDecay(...))",
    "*LR": "a schedule as the rate: lr=tg.optim.StepDecay(...), ExponentialDecay, CosineDecay",
    **dict.fromkeys(["ReduceLROnPlateau", "*Plateau"], "a callback of tg.nn.fit that sets optimizer.lr"),
    **dict.fromkeys(["*Decay*", "*Schedule*"], "a function of the step as the rate: lr=lambda t: ..."),
    **dict.fromkeys(
        ["Ada*", "[NR][Aa]dam", "Ftrl", "LBFGS", "*prop", "ASGD", "Lion", "Lamb"],
        "tg.optim.Adam, or a subclass of tg.optim.Optimizer with a formula(W, dW, ...) of its own",
    ),
}
MODEL: dict[str, str] = {
    **dict.fromkeys(["to", "cuda", "cpu"], "no line at all: it computes with NumPy, on the CPU"),
    **dict.fromkeys(["float", "double", "half"], "dtype= of the layers"),
    "save": "tg.save(model, path)",
    "save_weights": "tg.save(model.state_dict(), path)",
    "load_weights": "model.load_state_dict(tg.load(path))",
    **dict.fromkeys(["to_json", "get_config"], "model.architecture"),
    **dict.fromkeys(["append", "add_module", "pop", "insert"], "tg.nn.Sequential([*model.layers, layer])"),
    **dict.fromkeys(["get_layer", "named_children", "named_modules", "get_submodule"], "model.layers"),
    "apply": "a loop over the layers: for layer in model.layers: ...",
    "build": "nothing: a model is made with its parameters",
    "clone": "copy.deepcopy(model)",
    **dict.fromkeys(
        ["register_buffer", "register_parameter"], "an attribute of a layer: its Tensors are found"
    ),
    **dict.fromkeys(
        ["register_forward_hook", "register_backward_hook", "register_full_backward_hook"],
        "tg.Graph(model.loss(X, Y)), which holds every value, and its gradient after backward()",
    ),
    **dict.fromkeys(["trainable_variables", "trainable_weights", "variables"], "model.parameters().values()"),
    "get_parameter": 'model.parameters()["W1"]',
    "coefs_": '[p for name, p in model.parameters().items() if name[0] == "W"]',
    "intercepts_": '[p for name, p in model.parameters().items() if name[0] == "b"]',
    "training": "model.trains; model.train() and model.eval() set it",
    **dict.fromkeys(
        ["trainable", "freeze", "unfreeze", "requires_grad_"],
        "for p in model.parameters().values(): p.requires_grad = False",
    ),
    "predict_classes": "model.predict(X)",
    "history": "what fit returns: history = model.fit(...)",
    "optimizer": "the one that is given to fit, or to compile",
    **dict.fromkeys(["output_shape", "input_shape"], "model.n_out and model.n_x"),
    **dict.fromkeys(["learning_rate", "lr"], "lr= of the optimiser"),
    **dict.fromkeys(["share_memory", "run_eagerly"], "no line at all: it computes with NumPy, on the CPU"),
    "add": "all layers at once: tg.nn.Sequential(layer, layer, ...)",
    "score": "model.accuracy(X, Y), or model.evaluate(X, Y, metrics)",
    "coef_": 'model.parameters(): model.parameters()["W1"]',
    "intercept_": 'model.parameters(): model.parameters()["b1"]',
    "count_params": "sum(p.size for p in model.parameters().values())",
    "modules": "model.layers",
    "children": "model.layers",
    "stop_training": "a callback that returns True",
    **dict.fromkeys(["predict_on_batch", "call"], "model.predict(X) or model(X)"),
    "test_on_batch": "model.evaluate(X, Y)",
    "fit_generator": "model.fit(X, Y, batch_size=...), of all examples",
    **dict.fromkeys(["non_trainable_variables", "non_trainable_weights", "named_buffers"], "model.buffers()"),
    **dict.fromkeys(["inputs", "input"], "model.n_x, the features of X"),
    **dict.fromkeys(["outputs"], "model.n_out; the values are model(X)"),
    **dict.fromkeys(["metrics_names", "compiled_metrics"], "model.evaluate(X, Y).names"),
    "export": "tg.export.onnx(model, X, path)",
    **dict.fromkeys(["get_params", "set_params"], "model.architecture; settings are given when it is made"),
    **dict.fromkeys(["decision_function", "predict_log_proba"], "model.predict_proba(X), or a layer's Z"),
    "classes_": "the rows of model(X), 0 to C - 1",
    "n_features_in_": "model.n_x",
    "n_layers_": "len(model.layers)",
    "loss_curve_": "what fit returns: history.epoch_cost",
    "train_on_batch": "model.fit(X, Y, epochs=1), or tg.compile(..., optimizer=...)",
    "partial_fit": "model.fit(X, Y, epochs=1), which goes on from where the model is",
}
PART: dict[str, str] = {
    **dict.fromkeys(["weight", "kernel", "weights"], "W, or gamma of a normalisation: layer.parameters()"),
    "bias": "b, or beta of a normalisation: layer.parameters()",
    **dict.fromkeys(["get_weights", "state_dict"], "{k: p.data for k, p in layer.parameters().items()}"),
    **dict.fromkeys(
        ["set_weights", "load_state_dict"], "layer.W.data = values, or load_state_dict of the model"
    ),
    **dict.fromkeys(
        ["trainable", "requires_grad_"], "for p in layer.parameters().values(): p.requires_grad = False"
    ),
    **dict.fromkeys(["in_features", "in_channels", "input_dim", "input_shape"], "n_in"),
    **dict.fromkeys(["out_features", "out_channels", "units", "filters", "output_shape"], "n_out"),
    **dict.fromkeys(["forward", "call", "output"], "layer(A)"),
    "running_mean": "mean",
    "running_var": "variance",
    "eps": "epsilon",
    **dict.fromkeys(["kernel_size", "pool_size"], "size"),
    **dict.fromkeys(["p", "rate"], "keep_prob, the share that stays"),
    **dict.fromkeys(["train", "eval", "zero_grad"], "that of the model: model.train(), model.eval()"),
    **dict.fromkeys(["to", "cuda", "cpu"], "no line at all: it computes with NumPy, on the CPU"),
    "count_params": "sum(p.size for p in layer.parameters().values())",
    **dict.fromkeys(["trainable_weights", "trainable_variables"], "layer.parameters().values()"),
    "name": "repr(layer); a layer has the number of its place in a model",
}
"""What a layer has under another name."""
STEPPING: dict[str, str] = {
    "step": "nothing: the optimiser asks it at each step, tg.optim.SGD(lr=schedule)",
    **dict.fromkeys(["get_last_lr", "get_lr"], "schedule(t), the rate of step t; or optimizer.lr"),
    **dict.fromkeys(["state_dict", "load_state_dict"], "nothing: a schedule has no state but the step"),
}
"""What a schedule has elsewhere."""
OPTIMIZER: dict[str, str] = {
    "param_groups": "optimizer.lr, which may be set; what has settings of its own is an optimiser of its own",
    **dict.fromkeys(["learning_rate", "get_lr", "get_last_lr"], "optimizer.lr, which may be set"),
    "state_dict": "checkpoint= of tg.nn.fit, which keeps all of it; it is in optimizer.state and optimizer.t",
    "load_state_dict": "resume=True of tg.nn.fit; or optimizer.state and optimizer.t, which may be set",
    "minimize": "J.backward(); optimizer.step()",
    "apply_gradients": "optimizer.step(parameters, gradients)",
    "add_param_group": "an optimiser of its own",
    **dict.fromkeys(["defaults", "get_config"], "repr(optimizer), or its attributes"),
}
"""What an optimiser has under another name."""
HISTORY: dict[str, str] = {
    **dict.fromkeys(["loss", "losses", "loss_curve_"], "history.cost of each update, or epoch_cost"),
    "val_loss": "history.validation_cost",
    **dict.fromkeys(["val_accuracy", "val_acc"], "history.validation_accuracy"),
    "epoch": "range(history.epochs)",
    "params": "history.epochs and history.steps_per_epoch",
}
"""What the history has under another name."""
NETWORK: dict[str, str] = {
    **dict.fromkeys(
        ["coefs_", "intercepts_", "coef_", "intercept_"],
        'estimator.network_.parameters(), {"W1": (n[1], n[0]), "b1": ...}, on standardised features',
    ),
    "loss_": "estimator.loss_curve_[-1]",
    "best_loss_": "min(estimator.loss_curve_)",
    "n_layers_": "len(estimator.network_.layers) + 1",
    "out_activation_": "that of predict_proba: sigmoid for two classes, softmax for more; else linear",
    "predict_log_proba": "np.log(estimator.predict_proba(X))",
    **dict.fromkeys(["densify", "sparsify"], "nothing: the numbers are dense arrays"),
}
"""What an estimator has under another name."""
TOP: dict[str, str] = {
    "random": "np.random, and seed= of layers, models and tg.nn.fit",
    "GradientTape": "nothing around it: every operation on a Tensor is recorded; then tg.grad(J, [w, b])",
    **dict.fromkeys(["Variable", "Parameter"], "tg.Tensor(value)"),
    "constant": "tg.Tensor(value, requires_grad=False), or a NumPy array",
    **dict.fromkeys(["float32", "float64", "float16", "int32", "int64"], "that of NumPy: np.float32"),
    "is_tensor": "isinstance(t, tg.Tensor)",
    **dict.fromkeys(["allclose", "equal", "array_equal"], "that of NumPy: np.allclose(t, u)"),
    "function": "tg.compile(loss); or nothing, since a value is computed as it is written",
    "load_model": "tg.load(path)",
    "save_model": "tg.save(model, path)",
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
    **dict.fromkeys(
        ["gradcheck", "check_grad", "check_gradients", "gradient_check", "numerical_gradient"],
        "tg.check.gradients(f, *arrays), which compares with differences",
    ),
    "stop_gradient": "t.detach()",
    "cat": "tg.concatenate([a, b])",
    "clamp": "tg.clip(x, low, high)",
    **dict.fromkeys(["set_grad_enabled", "enable_grad"], "tg.no_grad() around what is not to be recorded"),
    **dict.fromkeys(["cuda", "device", "backends"], "no line at all: it computes with NumPy, on the CPU"),
    "utils": "batch_size= of tg.nn.fit, which draws the batches",
    "DataLoader": "batch_size= of tg.nn.fit, which draws the batches",
    "set_default_dtype": "dtype= of layers and models",
    **dict.fromkeys(["as_tensor", "convert_to_tensor", "FloatTensor", "LongTensor"], "tg.Tensor(value)"),
    "reduce_*": "tg.sum(x, axis=...), tg.mean, tg.max and their like",
    "cast": "t.astype(dtype)",
    "config": "nothing: it computes with NumPy, on the CPU",
    **dict.fromkeys(["mm", "bmm"], "tg.matmul(a, b), or a @ b"),
    "train": "tg.nn.fit(model, X, Y, optimizer=..., epochs=...)",
    "MLPClassifier": "tg.estimators.MLPClassifier",
    "MLPRegressor": "tg.estimators.MLPRegressor",
    "autograd": "tg.grad(J, [w, b]), or tg.func.grad(f)",
    **dict.fromkeys(["jit", "script"], "tg.compile(loss)"),
    **dict.fromkeys(["keras", "layers", "models"], "tg.nn"),
    "metrics": "model.accuracy(X, Y), or model.evaluate(X, Y, metrics)",
    "train_test_split": "tg.data.split(X, Y, dev=0.2, test=0.2)",
    **dict.fromkeys(["StandardScaler", "MinMaxScaler"], "tg.data, which scales and keeps how"),
}
INIT: dict[str, str] = {
    **dict.fromkeys(
        ["xavier_*", "[gG]lorot*"], 'init="xavier" of a layer, or tg.nn.init.xavier(shape, seed)'
    ),
    **dict.fromkeys(["kaiming_*", "he_*", "He*"], 'init="he" of a layer, or tg.nn.init.he(shape, seed)'),
    "normal_": "init=0.01 of a layer, a scale; or tg.nn.init.normal(shape, seed, scale=0.01)",
    "zeros_": 'init="zeros" of a layer; b starts at 0',
    "*_": "layer.W.data = values",
}
"""Initialisers."""
