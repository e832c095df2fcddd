"""The course's own code, run on Tensors and derived: the values are those of the formulas derived by hand."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.course import formulas
from tinygrad_edu.course.catalogue.entry import random_sizes

DERIVED_BY_HAND = [f for f in formulas if f.gradients and not f.misprint]


def test_there_is_something_to_compare():
    assert {"G1", "L9", "L12", "S3", "S4", "D2", "D4"} <= {f.id for f in DERIVED_BY_HAND}


@pytest.mark.parametrize("formula", DERIVED_BY_HAND, ids=lambda f: f.id)
def test_the_derivation_gives_what_was_derived_by_hand(formula):
    rng = np.random.default_rng(3)
    given = formula.sample(rng, random_sizes(rng))
    tensors = {
        name: tg.Tensor(value, name=name)
        for name, value in given.items()
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
    }
    values = formula.forward(**{**given, **tensors})
    names = {name: t for name, t in (values | tensors).items() if isinstance(t, tg.Tensor)}
    derivation = tg.derive(values[formula.cost], [g[1:] for g in formula.gradients], names=names)
    by_hand = formula.evaluate(**given)
    for gradient in formula.gradients:
        found = np.broadcast_to(derivation[gradient].value, np.shape(by_hand[gradient]))
        np.testing.assert_allclose(found, by_hand[gradient], rtol=1e-9, atol=1e-12, err_msg=gradient)
