"""Source of single operations: run with NumPy alone, it gives what the operation gives."""

import math

import numpy as np
import pytest

from tinygrad_edu import errors
from tinygrad_edu.core.kinds import operation
from tinygrad_edu.core.table import OPS, RECORD
from tinygrad_edu.expression.definitions import definitions
from tinygrad_edu.expression.numpy_style import NUMPY, literal, needing_definitions
from tinygrad_edu.expression.writer import Text

CASES = [(name, k) for name, op in sorted(OPS.items()) for k in range(len(op.samples))]


def emitted(op, arrays, settings):
    """The value of the operation's source, run in a namespace that holds NumPy and the operands."""
    operands = [Text(f"x{k}", shape=a.shape, dtype=a.dtype) for k, a in enumerate(arrays)]
    space = {"np": np, **{f"x{k}": a for k, a in enumerate(arrays)}}
    exec(definitions(needing_definitions([op])), space)
    return eval(NUMPY.written(op, operands, settings).text, space)


@pytest.mark.parametrize(("name", "k"), CASES)
def test_the_source_of_an_operation_computes_it(name, k):
    op = OPS[name]
    sample = op.samples[k]
    if any(isinstance(v, np.random.Generator) for v in sample.settings.values()):
        pytest.skip("draws random numbers")
    arrays = sample.draw(np.random.default_rng(k))
    expected = np.asarray(op.forward(*arrays, **sample.settings))
    found = np.asarray(emitted(op, arrays, sample.settings))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_a_number_or_index_is_written_so_that_it_reads_back():
    for value in (
        0.1,
        -3,
        1e-300,
        np.float32(0.1),
        np.inf,
        -np.inf,
        True,
        (1, 2),
        (3,),
        "ij->ji",
        None,
        np.arange(3) / 7,
    ):
        back = eval(literal(value).text, {"np": np})
        np.testing.assert_array_equal(back, value)
        assert np.asarray(back).dtype == np.asarray(value).dtype


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            lambda a, b, c: NUMPY.written(
                OPS["subtract"], [a, NUMPY.written(OPS["subtract"], [b, c], {})], {}
            ),
            "a - (b - c)",
        ),
        (
            lambda a, b, c: NUMPY.written(
                OPS["subtract"], [NUMPY.written(OPS["subtract"], [a, b], {}), c], {}
            ),
            "a - b - c",
        ),
        (
            lambda a, b, c: NUMPY.written(OPS["power"], [NUMPY.written(OPS["negative"], [a], {}), b], {}),
            "(-a)**b",
        ),
        (
            lambda a, b, c: NUMPY.written(OPS["negative"], [NUMPY.written(OPS["power"], [a, b], {})], {}),
            "-a**b",
        ),
        (
            lambda a, b, c: NUMPY.written(OPS["multiply"], [a, NUMPY.written(OPS["add"], [b, c], {})], {}),
            "a * (b + c)",
        ),
        (
            lambda a, b, c: NUMPY.written(OPS["transpose"], [NUMPY.written(OPS["matmul"], [a, b], {})], {}),
            "(a @ b).T",
        ),
        (lambda a, b, c: NUMPY.written(OPS["transpose"], [literal(2)], {}), "(2).T"),
    ],
)
def test_brackets_stand_where_python_needs_them(code, text):
    assert code(*(Text(name, shape=(2, 2)) for name in "abc")).text == text


def test_a_kernel_that_needs_the_engine_has_no_source_of_its_own():
    def kernel(x):
        return errors.described(x, "x")

    op = operation(
        kind="opaque", pullback=None, latex="{x}", samples=[], numpy=(), name="of_the_engine_for_a_test"
    )(kernel)
    for table in (OPS, RECORD):
        del table[op.name]
    with pytest.raises(TypeError, match=r"uses the module tinygrad_edu.errors, so it cannot be NumPy alone"):
        definitions([op])


def test_a_kernel_brings_along_what_it_closes_over():
    slope = 0.5

    def kernel(x):
        return math.floor(slope * x)

    op = operation(
        kind="opaque", pullback=None, latex="{x}", samples=[], numpy=(), name="closure_for_a_test"
    )(kernel)
    for table in (OPS, RECORD):
        del table[op.name]
    space = {"np": np}
    exec(definitions([op]), space)
    assert space["closure_for_a_test"](7) == 3
