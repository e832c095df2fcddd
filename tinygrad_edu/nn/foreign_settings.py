"""Settings from PyTorch, Keras and scikit-learn, each with what to write here instead; for error messages."""

from __future__ import annotations

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
    "global_clipnorm": "clip_norm=, which is of all gradients together",
    **dict.fromkeys(["amsgrad", "dampening", "centered", "foreach", "fused"], "no setting: leave it out"),
    "maximize": "the gradient of -J: optimizer.step(parameters, gradients) of that",
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
    **dict.fromkeys(
        ["baseline", "start_from_epoch"], "no setting: training ends after patience= epochs without a fall"
    ),
    **dict.fromkeys(["verbose", "name", "noise_shape", "padding_idx", "groups"], "no setting: leave it out"),
    **dict.fromkeys(["affine", "center", "scale"], "nothing: gamma and beta are there; they may be frozen"),
    "track_running_stats": "nothing: the running averages are kept",
    "axis": "nothing: features are the first axis, of images the last",
    "dilation_rate": "no setting: leave it out, or compose tg.conv2d of your own",
    "bias_initializer": "nothing: b starts at 0; layer.b.data = values sets it",
    "trainable": "layer.W.requires_grad = False, for what is to stay",
    "return_sequences": "sequences=",
    "batch_first": "nothing: x is (n_x, m, T)",
    "num_layers": "several RNN layers, all but the last with sequences=True",
    "inplace": "nothing: values are never written into",
    "penalty": "l2= or l1=",
    "C": "l2=, which is 1 / C",
    **dict.fromkeys(
        ["solver", "optimizer", "max_iter", "epochs", "learning_rate", "learning_rate_init", "lr"],
        "a setting of the training: tg.nn.fit(model, X, Y, optimizer=tg.optim.Adam(lr=...), epochs=...)",
    ),
    **dict.fromkeys(["restore_best_weights"], "restore_best="),
}
OF_ONE: dict[str, dict[str, str]] = {
    "Embedding": {
        "input_dim": "vocabulary", "output_dim": "n", "embedding_dim": "n",
        "input_length": "nothing: X is (T, m)",
    },
    "RNN": {"input_size": "n_in", "hidden_size": "n_out"},
    "Flatten": dict.fromkeys(
        ["input_shape", "start_dim", "data_format"], "nothing: images (m, n_H, n_W, n_C) become columns"
    ),
}  # fmt: skip
"""Settings of one layer, which other layers have under another name, or not."""
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
FIT |= {
    "initial_epoch": "checkpoint= and resume=True, which go on from where it ended",
    "steps_per_epoch": "batch_size=, the examples of a step",
    **dict.fromkeys(["validation_freq", "workers", "use_multiprocessing"], "no setting: leave it out"),
    **dict.fromkeys(
        ["tol", "n_iter_no_change"], "early_stopping=tg.nn.EarlyStopping(patience, min_delta=...)"
    ),
    "validation_fraction": "validation=, a share",
    "scheduler": "the rate of the optimiser: lr=tg.optim.CosineDecay(...)",
    **dict.fromkeys(["print_every", "log_interval", "log_every"], "progress=True, or callbacks="),
    **dict.fromkeys(["save_best_only", "restore_best"], "early_stopping=tg.nn.EarlyStopping(patience)"),
    **dict.fromkeys(["num_workers", "device", "drop_last", "pin_memory"], "no setting: leave it out"),
    "weights": "sample_weight=",
    "warm_start": "nothing: fit goes on from where the model is",
}
FITTING: dict[str, str] = {"x": "X, the first argument", "y": "Y, the second"}
"""Arguments of a model's own ``fit``."""
COMPILE: dict[str, str] = {
    **dict.fromkeys(["learning_rate", "lr"], "optimizer=tg.optim.Adam(lr=...)"),
    **dict.fromkeys(["weighted_metrics", "loss_weights"], "class_weight= or sample_weight= of fit"),
    **dict.fromkeys(["run_eagerly", "jit_compile"], "compile= of fit"),
}
"""Settings of a model's ``compile``."""
CALL: dict[str, str] = {"training": "a block around it, with tg.nn.training(): ...; or model.train() before"}
"""Settings of a model that is called."""
SCHEDULE: dict[str, str] = {
    **dict.fromkeys(
        ["optimizer", "last_epoch", "verbose"], "no setting: the schedule is the rate, lr= of one"
    ),
    **dict.fromkeys(["initial_learning_rate", "learning_rate", "base_lr", "initial_lr"], "lr="),
    **dict.fromkeys(["step_size", "decay_steps"], "every=, in steps; of a cosine steps="),
    **dict.fromkeys(["T_max", "total_steps"], "steps="),
    **dict.fromkeys(["gamma", "decay_rate"], "factor="),
    **dict.fromkeys(["eta_min", "alpha"], "floor="),
    **dict.fromkeys(["warmup_steps", "warmup"], "steps= of tg.optim.WarmUp(steps, then=...)"),
}
"""Settings of a schedule."""
ANSWERING: dict[str, str] = {
    **dict.fromkeys(["batch_size", "steps"], "nothing: all examples are taken at once"),
    **dict.fromkeys(["verbose", "callbacks", "workers"], "nothing: it shows nothing on the way"),
    "return_dict": 'nothing: scores are there by name as well, scores["accuracy"]',
    "sample_weight": "weights= of model.loss(X, Y, weights)",
}
"""Settings of ``predict`` and ``evaluate``."""
