"""Mistakes of every kind, as the expressions that a student would write, for each layer of a network.

``planted(network)`` gives ``quantity, expression, codes``: at least one of the codes must be found.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.check.networks import Network

Mistake = tuple[str, str, tuple[str, ...]]

SLOPE_FORMULAS = {
    "tanh": ("(1 - {A}**2)", "(1 - np.tanh({Z})**2)"),
    "sigmoid": ("{A} * (1 - {A})", "sigmoid({Z}) * (1 - sigmoid({Z}))"),
    "relu": ("({Z} > 0)", "({A} > 0)"),
    "leaky_relu": ("np.where({Z} > 0, 1, 0.01)",),
}


def planted(n: Network) -> Iterator[Mistake]:
    """Every mistake that fits the network."""
    for l in range(1, n.L + 1):
        names = {"l": l, "L": n.L, "reg": f" + lambd / m * W{l}" if n.lambd else ""}
        names |= {q: f"{q}{l}" for q in ("W", "b", "Z", "A", "dZ", "dW", "db", "D", "H", "g")}
        names |= {"Ap": f"A{l - 1}", "Zp": f"Z{l - 1}"} | {
            f"{q}n": f"{q}{l + 1}" for q in ("W", "dZ", "dA", "dW")
        }
        tables = [_weights(n, l), _biases(n, l)]
        if n.lambd:
            tables.append(_penalties(n))
        else:
            tables.append(_no_penalties(n))
        tables.append(_hidden(n, l) if l < n.L else _output(n))
        if l < n.L and n.keep < 1:
            tables.append(_dropout())
        for table in tables:
            for quantity, expression, codes in table:
                yield quantity.format(**names), expression.format(**names), codes


def _weights(n: Network, l: int) -> Iterator[Mistake]:
    m_missing, doubled = ("factor_m_missing",), ("factor_m_doubled",)
    yield "dW{l}", "{dZ} @ {Ap}.T{reg}", m_missing + (("constant_factor",) if n.lambd else ())
    if n.lambd:
        return
    yield "dW{l}", "{dZ} @ {Ap}.T / m / m", doubled
    yield "dW{l}", "-{dZ} @ {Ap}.T / m", ("sign",)
    yield "dW{l}", "2 * {dZ} @ {Ap}.T / m", ("constant_factor",)
    yield "dW{l}", "{dZ} @ {Ap}.T / (m - 1)", ("wrong_m", "constant_factor")
    yield "dW{l}", "{dZ} @ {Ap}.T / {Ap}.shape[0]", ("wrong_m", "constant_factor")
    yield "dW{l}", "{Ap} @ {dZ}.T / m", ("transpose",)
    yield "dW{l}", "-{Ap} @ {dZ}.T", ("sign", "transpose", "factor_m_missing")
    yield "dW{l}", "{Ap} @ {dZ}.T / (2 * m)", ("constant_factor", "transpose")
    yield "dW{l}", "0.37 * {dZ} @ {Ap}.T / m", ("constant_factor",)
    yield "dW{l}", "{dZ}[:, -1:] @ {Ap}[:, -1:].T / m", ("last_example_only",)
    yield "dW{l}", "{dZ}[:, -1:] @ {Ap}[:, -1:].T", ("last_example_only",)
    yield "dW{l}", "{dZ}[:, 1:] @ {Ap}[:, 1:].T / m", ("example_omitted",)
    yield "dW{l}", "{dZ}[:, :-1] @ {Ap}[:, :-1].T / m", ("example_omitted",)
    yield "dW{l}", "{dZ}[:, :-1] @ {Ap}[:, :-1].T / (m - 1)", ("example_omitted",)
    yield "dW{l}", "{dZ} @ {Ap}.T // m", ("integer_division",)
    yield "dW{l}", "{dZ} @ {Ap}.T * (1 // m)", ("integer_division",)
    yield (
        "dW{l}",
        "np.sum({dZ} @ {Ap}.T) / m * np.ones({W}.shape)",
        ("sum_all", "sum_extra", "elementwise_for_matmul"),
    )
    yield "dW{l}", "np.sum({dZ}, axis=1, keepdims=True) / m * np.ones({W}.shape)", ("chain_factor_missing",)
    yield "dW{l}", "np.clip({dW}, -0.01, 0.01)", ("unknown",)
    yield "dW{l}", "{dW} * (1 + 1e-3 * np.cos(np.arange({dW}.size)).reshape({dW}.shape))", ("unknown",)
    yield "dW{l}", "{dW} + 1e-3 * np.cos(np.arange({dW}.size)).reshape({dW}.shape)", ("unknown",)
    if l > 1:
        yield "dW{l}", "{dZ} @ {Zp}.T / m", ("z_for_a",)
        yield "dW{l}", "{dZ} @ X.T / m", ("wrong_layer", "wrong_shape")
        yield "dW{l}", "{dZ} @ {Zp}.T", ("z_for_a", "factor_m_missing")
        yield "dW{l}", "-{dZ} @ {Zp}.T / m", ("z_for_a", "sign")
        yield "dW{l}", "{Zp} @ {dZ}.T / m", ("z_for_a", "transpose")
        yield "dW{l}", "dZ1 @ {Ap}.T / m", ("wrong_layer", "wrong_shape")
    if l < n.L:
        slopes = {"s": "{Wn}.T @ {dZn}"}["s"]
        yield "dW{l}", f"({slopes}) @ {{Ap}}.T / m", ("slope_missing",)
        yield "dW{l}", f"({slopes}) @ {{Ap}}.T", ("slope_missing", "factor_m_missing")
        yield "dW{l}", f"(({slopes}) * {{A}}) @ {{Ap}}.T / m", ("activation_for_slope", "slope_wrong")
        yield (
            "dW{l}",
            f"(({slopes}) * {{g}}**2) @ {{Ap}}.T / m",
            ("slope_extra",) + (("ok",) if n.hidden == "relu" else ()),
        )
        yield "dW{l}", "{dZn} @ {Ap}.T / m", ("wrong_layer", "wrong_shape")
    if n.dims[l] == 1:
        yield "dW{l}", "np.sum({dZ} * {Ap}) / m * np.ones({W}.shape)", ("elementwise_for_matmul", "sum_all")
        yield "dW{l}", "{dZ} * {Ap} / m", ("sum_missing", "elementwise_for_matmul")


def _biases(n: Network, l: int) -> Iterator[Mistake]:
    yield "db{l}", "np.sum({dZ}, axis=1, keepdims=True)", ("factor_m_missing",)
    yield "db{l}", "np.mean({dZ}, axis=1, keepdims=True) / m", ("factor_m_doubled", "mean_for_sum")
    yield "db{l}", "-np.mean({dZ}, axis=1, keepdims=True)", ("sign",)
    yield "db{l}", "np.mean({dZ}, axis=1)", ("sum_keepdims",)
    yield "db{l}", "np.sum({dZ}, axis=1)", ("sum_keepdims", "factor_m_missing")
    yield "db{l}", "{dZ} / m", ("sum_missing",)
    yield "db{l}", "{dZ}", ("sum_missing",)
    yield (
        "db{l}",
        "np.sum({dZ}, axis=0, keepdims=True) / m",
        ("sum_axis",) if n.dims[l] > 1 else ("sum_axis", "sum_missing"),
    )
    yield "db{l}", "np.sum({dZ}, axis=0) / m", ("sum_axis", "sum_missing", "sum_keepdims")
    yield "db{l}", "4. / m * np.sum({dZ}, axis=1, keepdims=True)", ("constant_factor",)
    yield "db{l}", "{dZ}[:, -1:]", ("last_example_only",)
    yield "db{l}", "{dZ}[:, -1:] / m", ("last_example_only",)
    yield "db{l}", "np.sum({dZ}[:, 1:], axis=1, keepdims=True) / m", ("example_omitted",)
    yield "db{l}", "np.sum({dZ}, axis=1, keepdims=True) // m", ("integer_division",)
    if n.dims[l] > 1:
        yield "db{l}", "np.sum({dZ}) / m", ("sum_all", "sum_axis")
        yield "db{l}", "np.sum({dZ}, keepdims=True) / m", ("sum_all", "sum_axis")
        yield "db{l}", "np.sum({dZ}) / m * np.ones({b}.shape)", ("sum_all", "sum_axis")
        yield "db{l}", "np.sum({dZ})", ("sum_all", "sum_axis", "factor_m_missing")
        yield "db{l}", "np.max({dZ}, axis=1, keepdims=True) / m", ("unknown",)
        yield "db{l}", "np.mean({dZ}, axis=1, keepdims=True).T", ("transpose",)
    if not n.lambd:
        yield "db{l}", "np.sum({dW}, axis=1, keepdims=True)", ("bias_from_weights",)
    if l < n.L:
        yield (
            "db{l}",
            "np.mean({Wn}.T @ {dZn}, axis=1, keepdims=True)",
            ("slope_missing", "chain_factor_missing"),
        )
        yield (
            "db{l}",
            "np.sum({Wn}.T @ {dZn}, axis=1, keepdims=True)",
            ("slope_missing", "chain_factor_missing", "factor_m_missing"),
        )
        if n.dims[l + 1] == 1:
            yield (
                "db{l}",
                "np.broadcast_to(np.mean({dZn}, axis=1, keepdims=True), {b}.shape)",
                ("wrong_layer",),
            )
        yield (
            "db{l}",
            "-np.mean({Wn}.T @ {dZn} * {A}, axis=1, keepdims=True)",
            ("sign", "activation_for_slope", "slope_wrong"),
        )


def _penalties(n: Network) -> Iterator[Mistake]:
    data = "{dZ} @ {Ap}.T / m"
    yield "dW{l}", data, ("regularisation_missing",)
    for factor in ("lambd", "lambd / (2 * m)", "2 * lambd / m", "-lambd / m", "1 / m", "0.1"):
        yield "dW{l}", data + f" + {factor} * {{W}}", ("regularisation_factor",)
    yield "dW{l}", data + " + lambd / m * np.sum({W}**2)", ("regularisation_factor",)
    yield "dW{l}", data + " + lambd / m * np.sign({W})", ("regularisation_factor",)
    yield "dW{l}", "{dZ} @ {Ap}.T + lambd * {W} / m", ("factor_m_missing", "constant_factor")
    yield "dW{l}", "{dZ} @ {Ap}.T", ("regularisation_missing", "factor_m_missing")
    yield "db{l}", "{db} + lambd / m * {b}", ("regularisation_extra",)
    yield "dW{l}", "-({dZ} @ {Ap}.T / m) + lambd / m * {W}", ("sign", "sign_inside", "regularisation_factor")


def _no_penalties(n: Network) -> Iterator[Mistake]:
    yield "dW{l}", "{dW} + 0.05 * {W}", ("regularisation_extra",)
    yield "dW{l}", "{dW} - 0.01 * {W}", ("regularisation_extra",)


def _hidden(n: Network, l: int) -> Iterator[Mistake]:
    back, mask = "{Wn}.T @ {dZn}", " * {D} / keep" if n.keep < 1 else ""
    a = "{H}" if n.keep < 1 else "{A}"
    back += mask
    s, t, r = SLOPE_FORMULAS["sigmoid"][0], SLOPE_FORMULAS["tanh"][0], SLOPE_FORMULAS["relu"][0]
    s, t = s.replace("{A}", a), t.replace("{A}", a)
    yield "dZ{l}", back, ("slope_missing",)
    yield "dZ{l}", f"-({back})", ("slope_missing", "sign")
    yield "dZ{l}", f"-({back}) * {{g}}", ("sign",)
    yield "dZ{l}", f"({back}) * {{g}} / m", ("factor_m_doubled",)
    yield "dZ{l}", f"2 * ({back}) * {{g}}", ("constant_factor",)
    yield "dZ{l}", f"({back}) * g({{Z}})", ("activation_for_slope", "slope_wrong")
    yield "dZ{l}", f"({back}) * {{Z}}", ("slope_wrong", "activation_for_slope", "z_for_a")
    yield "dZ{l}", f"({back}) * (1 - {a})", ("slope_wrong",)
    yield "dZ{l}", f"({back}) * (1 + {a}**2)", ("slope_wrong",)
    yield "dZ{l}", f"({back}) * (1 - 2 * {a})", ("slope_wrong",)
    yield (
        "dZ{l}",
        f"({back}) * (1 - np.power({{Z}}, 2))",
        ("slope_at_z", "slope_wrong", "z_for_a", "slope_wrong_activation"),
    )
    yield (
        "dZ{l}",
        f"({back}) * {{Z}} * (1 - {{Z}})",
        ("slope_at_z", "slope_wrong", "z_for_a", "slope_wrong_activation"),
    )
    if n.hidden != "sigmoid":
        yield "dZ{l}", f"({back}) * {s}", ("slope_wrong_activation", "slope_wrong")
        yield (
            "dZ{l}",
            f"({back}) * sigmoid({{Z}}) * (1 - sigmoid({{Z}}))",
            ("slope_wrong_activation", "slope_wrong"),
        )
    if n.hidden != "tanh":
        yield "dZ{l}", f"({back}) * {t}", ("slope_wrong_activation", "slope_wrong")
        yield "dZ{l}", f"({back}) * (1 - np.tanh({{Z}})**2)", ("slope_wrong_activation", "slope_wrong")
    if n.hidden != "relu":
        yield "dZ{l}", f"({back}) * {r}", ("slope_wrong_activation", "slope_wrong")
        yield (
            "dZ{l}",
            f"({back}) * slope({a})",
            ("slope_at_a",) if n.hidden != "leaky_relu" else ("slope_at_a", "ok"),
        )
        yield "dZ{l}", f"({back}) * {{g}}**2", ("slope_extra", "slope_doubled")
    else:
        yield "dZ{l}", f"({back}) * ({{Z}} < 0)", ("slope_wrong",)
        yield "dZ{l}", f"({back}) * np.where({{Z}} > 0, 1, 0.01)", ("slope_wrong_activation", "slope_wrong")
    dA = f"({back})"
    yield (
        "dZ{l}",
        f"{dA} * ({dA} > 0)",
        ("slope_on_gradient",) + (("slope_wrong",) if n.hidden != "relu" else ()),
    )
    if n.dims[l + 1] == 1:
        yield (
            "dZ{l}",
            "{dZn} * {g}",
            ("chain_factor_missing", "wrong_layer")
            if not mask
            else ("chain_factor_missing", "dropout_mask_missing", "wrong_layer", "unknown"),
        )
        yield "dZ{l}", "{A} - Y", ("output_shortcut",)
    if l + 1 < n.L or n.output != "line":
        yield "dZ{l}", f"({{Wn}}.T @ {{dAn}}){mask} * {{g}}", ("slope_missing", "chain_factor_missing")
        yield "dA{l}", "{Wn}.T @ {dAn}", ("slope_missing", "chain_factor_missing")
    yield "dZ{l}", f"({{Wn}} - 0.3 * {{dWn}}).T @ {{dZn}}{mask} * {{g}}", ("stale_parameters",)
    yield "dA{l}", "({Wn} - 0.05 * {dWn}).T @ {dZn}", ("stale_parameters",)
    yield "dA{l}", "-{Wn}.T @ {dZn}", ("sign",)
    yield "dA{l}", "{Wn}.T @ {dZn} / m", ("factor_m_doubled",)
    yield "dA{l}", "np.sum({Wn}.T @ {dZn}, axis=1, keepdims=True)", ("summed_too_early", "sum_extra")
    yield "dA{l}", "({Wn}.T @ {dZn}).T", ("transpose",)
    if n.dims[l] == n.dims[l + 1]:
        yield "dA{l}", "{Wn} @ {dZn}", ("inner_transpose",)
        yield "dZ{l}", f"({{Wn}} @ {{dZn}}){mask} * {{g}}", ("inner_transpose",)
        yield "dW{l}", f"({{Wn}} @ {{dZn}}{mask} * {{g}}) @ {{Ap}}.T / m{{reg}}", ("inner_transpose",)


def _output(n: Network) -> Iterator[Mistake]:
    if n.output == "line":
        yield "dZ{l}", "Y - {Z}", ("sign",)
        yield "dZ{l}", "2 * ({Z} - Y)", ("constant_factor",)
        yield "dZ{l}", "({Z} - Y) / m", ("factor_m_doubled",)
        return
    yield "dZ{l}", "Y - {A}", ("sign",)
    yield "dZ{l}", "{Z} - Y", ("z_for_a",)
    yield "dZ{l}", "Y - {Z}", ("z_for_a", "sign")
    yield "dZ{l}", "{A} + Y", ("sign_inside",)
    yield "dZ{l}", "({A} - Y) / m", ("factor_m_doubled",)
    yield "dZ{l}", "2 * ({A} - Y)", ("constant_factor",)
    yield "dZ{l}", "({A} - Y) * {A} * (1 - {A})", ("slope_extra", "slope_doubled", "softmax_elementwise")
    yield "dZ{l}", "np.sum({A} - Y, axis=1, keepdims=True)", ("summed_too_early", "sum_extra")
    yield "dZ{l}", "np.concatenate([{A}[:, :1], {Z}[:, 1:]], axis=1) - Y", ("z_for_a",)
    yield "dZ{l}", "{dA}".replace("{dA}", "dA{l}"), ("slope_missing",)
    if n.output == "softmax":
        yield "dZ{l}", "(-Y / {A}) * {A} * (1 - {A})", ("softmax_elementwise",)
        yield (
            "dZ{l}",
            "np.exp({Z}) / np.exp({Z}).sum(axis=1, keepdims=True) - Y",
            ("sum_axis", "softmax_axis"),
        )
        yield "dA{l}", "Y / {A}", ("sign",)
        yield "dA{l}", "-Y / {A} / m", ("factor_m_doubled",)
        yield "dA{l}", "{A} - Y", ("slope_extra", "output_shortcut")
        yield "dZ{l}", "sigmoid({Z}) - Y", ("slope_wrong_activation", "slope_wrong")
        yield (
            "dW{l}",
            "(({A} - Y) * {A} * (1 - {A})) @ {Ap}.T / m{reg}",
            ("slope_extra", "slope_doubled", "softmax_elementwise"),
        )
        return
    dA = "(-Y / {A} + (1 - Y) / (1 - {A}))"
    yield "dA{l}", "-Y / {A} - (1 - Y) / (1 - {A})", ("sign", "sign_inside")
    yield "dA{l}", "Y / {A} + (1 - Y) / (1 - {A})", ("sign", "sign_inside")
    yield "dA{l}", "Y / {A} - (1 - Y) / (1 - {A})", ("sign",)
    yield "dA{l}", "-Y / {A}", ("term_missing",)
    yield "dA{l}", "(1 - Y) / (1 - {A})", ("term_missing",)
    yield "dA{l}", "-Y / {Z} + (1 - Y) / (1 - {Z})", ("z_for_a",)
    yield "dA{l}", "{A} - Y", ("slope_extra", "output_shortcut")
    yield "dA{l}", dA + " / np.log(2)", ("log_base",)
    yield "dA{l}", dA + " / np.log(10)", ("log_base",)
    yield "dA{l}", dA + " / m", ("factor_m_doubled",)
    yield "dA{l}", f"np.sum({dA}, axis=1, keepdims=True)", ("summed_too_early", "sum_extra")
    yield "dA{l}", f"np.full(Y.shape, np.sum({dA}))", ("summed_too_early", "sum_extra", "sum_all")
    yield "dZ{l}", dA + " * (1 - {A}**2)", ("slope_wrong", "slope_wrong_activation")
    yield "dZ{l}", dA + " * {A}", ("slope_wrong", "activation_for_slope")
    yield "dZ{l}", dA + " * {Z} * (1 - {Z})", ("slope_at_z", "slope_wrong", "z_for_a")
    yield "dZ{l}", "(-Y / {A} - (1 - Y) / (1 - {A})) * {A} * (1 - {A})", ("sign_inside", "sign")
    yield "dZ{l}", "-Y / {A} * {A} * (1 - {A})", ("term_missing",)
    yield "dZ{l}", "({A} > 0.5) - Y", ("unknown",)
    yield "dW{l}", "({Z} - Y) @ {Ap}.T / m{reg}", ("z_for_a",)
    yield "dW{l}", "(({A} - Y) * {A} * (1 - {A})) @ {Ap}.T / m{reg}", ("slope_extra", "slope_doubled")
    yield (
        "db{l}",
        "np.mean(({A} - Y) * {A} * (1 - {A}), axis=1, keepdims=True)",
        ("slope_extra", "slope_doubled"),
    )
    yield "db{l}", "np.mean({Z} - Y, axis=1, keepdims=True)", ("z_for_a",)


def _dropout() -> Iterator[Mistake]:
    yield "dZ{l}", "({Wn}.T @ {dZn}) * {g}", ("dropout_mask_missing",)
    yield "dZ{l}", "({Wn}.T @ {dZn}) * {g} / keep", ("dropout_mask_missing",)
    yield "dZ{l}", "({Wn}.T @ {dZn}) * {D} * {g}", ("constant_factor",)
    yield "dZ{l}", "({Wn}.T @ {dZn}) * {D} * {g} / keep**2", ("constant_factor",)
    yield "dH{l}", "{Wn}.T @ {dZn}", ("dropout_mask_missing",)
    yield "dH{l}", "{Wn}.T @ {dZn} * {D}", ("constant_factor",)
