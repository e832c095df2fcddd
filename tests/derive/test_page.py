"""docs/derivations.md is what the run gives, and a wrong formula of the notes would stop it."""

import pytest

from docs import make_derivations


@pytest.fixture(scope="module")
def page():
    return make_derivations.page()


@pytest.mark.slow
def test_the_page_is_up_to_date(page):
    assert make_derivations.PAGE.read_text("utf-8") == page, "run: python docs/make_derivations.py"


def test_every_formula_of_the_notes_is_on_it_and_proved(page):
    noted = [note for model in make_derivations.MODELS for note in model.noted]
    assert len(noted) > 25
    assert page.count("| proved |") == len(noted)


@pytest.mark.parametrize(
    ("gradient", "wrong"),
    [
        ("dZ2", "A2 + Y"),
        ("dW2", "dZ2 @ A1.T"),
        ("dZ1", "W2.T @ dZ2 * (1 - A1)"),
        ("dZ1", "dA1 * (1 - np.tanh(A1)**2)"),
        ("db2", "np.sum(dZ2, axis=1, keepdims=True)"),
        ("dW1", "1 / m * (dZ2 @ X.T)"),
    ],
)
def test_a_wrong_formula_is_not_proved(gradient, wrong):
    (model,) = (model for model in make_derivations.MODELS if model.title == "Two layers")
    derivation, _, _ = make_derivations.derivation(model, 0)
    assert not derivation.proves(gradient, wrong)
