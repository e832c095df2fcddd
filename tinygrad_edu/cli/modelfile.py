"""A model in a file, with what it takes to make X of a table: numbers and data, never code."""

from __future__ import annotations

from pathlib import Path

from tinygrad_edu.data.recipe import Recipe
from tinygrad_edu.errors import folder_for
from tinygrad_edu.export import FileError, read
from tinygrad_edu.nn.models import Sequential
from tinygrad_edu.nn.saving import SUFFIXES, load, save

TABLE = "table"


def check_place(path: Path, suffixes: tuple[str, ...]) -> None:
    """Raises, before any work is done, where a file cannot be written at that path.

    >>> check_place(Path("model.pkl"), (".npz", ".safetensors"))
    Traceback (most recent call last):
    ...
    ValueError: model.pkl: expected a name that ends in .npz or .safetensors
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise ValueError(f"{path}: expected a name that ends in {' or '.join(suffixes)}")
    folder_for(path)


def write_model(model: Sequential, recipe: Recipe, path: Path) -> None:
    """The model and its recipe, in one file that ``tg.load`` reads, too."""
    save(model, path, about={TABLE: recipe.to_data()})


def read_model(path: Path) -> tuple[Sequential, Recipe | None]:
    """The model of a file, and its recipe where it has one.

    Raises:
        FileNotFoundError: there is no such file.
        FileError: it is damaged, or holds no model.
    """
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        model = load(path)
    except FileError:
        if path.suffix.lower() in SUFFIXES:
            raise
        raise FileError(f"{path} is no model file, such as 'tinygrad-edu train' writes") from None
    if not isinstance(model, Sequential):
        raise FileError(f"{path}: it holds arrays by name, and no model")
    about = read(path)[1].get("about")
    if not isinstance(about, dict) or TABLE not in about:
        return model, None
    try:
        recipe = Recipe.from_data(about[TABLE])
    except ValueError as error:
        raise FileError(f"{path}: {error}") from None
    target = recipe.target
    if (len(recipe.rows), target.units, target.output) != (model.n_x, model.n_out, model.output):
        raise FileError(f"{path}: its columns do not fit its model")
    return model, recipe


def read_recipe(path: Path) -> tuple[Sequential, Recipe]:
    """The model and the recipe of a file that ``tinygrad-edu train`` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        FileError: it is another file.
    """
    model, recipe = read_model(path)
    if recipe is None:
        raise FileError(
            f"{path}: it is a model without the columns of a table; 'tinygrad-edu train' writes both, and "
            "in Python tg.load(path).predict(X) answers"
        )
    return model, recipe
