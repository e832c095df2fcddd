"""What the tests of derivations share: a derivation's source, run, beside the engine's gradients."""

import inspect

import numpy as np
import pytest

import tinygrad_edu as tg


def run_source(derivation, values):
    """The gradients of the emitted function, run in a namespace of its own."""
    space = {}
    exec(derivation.numpy_source(), space)
    function = space["gradients"]
    values = {
        step.name: step.value for step in derivation._chain.inputs
    } | values  # indices that nobody holds
    return function(*(values[name] for name in inspect.signature(function).parameters))


def inputs_of(J, names=None):
    """The values of a graph's inputs by name."""
    return {node.name: node.value for node in tg.Graph(J, names=names).inputs}


@pytest.fixture(name="source_agrees")
def fixture_source_agrees():
    return source_agrees


def source_agrees(J, wrt, *, names=None, rtol=1e-12, **options):
    """Derives J, runs the source, and compares it with autodiff; gives the derivation."""
    graph = tg.Graph(J, names=names)
    names = {node.name: node.tensor for node in graph if node.named}
    derivation = tg.derive(J, wrt, names=names, **options)
    found = run_source(derivation, inputs_of(J, names))
    tensors = [graph.find(w).tensor for w in wrt]
    expected = tg.grad(J, tensors, create_graph=True)
    for which, value in zip(wrt, expected, strict=True):
        name = f"d{graph.find(which).name}"
        assert np.shape(found[name]) == value.shape, name
        scale = max(1.0, float(np.max(np.abs(value._data), initial=0)))
        np.testing.assert_allclose(found[name], value._data, rtol=rtol, atol=rtol * scale, err_msg=name)
    return derivation
