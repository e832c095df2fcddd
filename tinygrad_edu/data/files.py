"""Examples from files: a table as csv, through pandas; images in folders, through Pillow."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.data.preparing import one_hot
from tinygrad_edu.errors import arguments_explained, path_of, require_extra, shown
from tinygrad_edu.settings import existing, finite, numbers, whole, yes_or_no

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}


class Labelled(NamedTuple):
    """Examples with the names of their classes and features. Unpacks: ``X, Y, classes, features = ...``.

    >>> Labelled(np.zeros((2, 3)), np.zeros((1, 3)), ("cat", "dog"), ("height", "weight")).class_names
    ('cat', 'dog')
    """

    X: NDArray[Any]
    Y: NDArray[Any]
    class_names: tuple[str, ...]
    feature_names: tuple[str, ...]


@partial(arguments_explained, known=dict.fromkeys(["target", "y", "label_column", "y_col"], "label"))
def csv(path: str | Path, label: str, *, classes: bool | None = None) -> Labelled:
    r"""The rows of a table as examples: X (n_x, m) of its columns, Y of the column ``label``. Needs ``data``.

    Args:
        path: the file; its first line names the columns.
        label: the column to learn.
        classes: whether the label is a class; by default where it is text, or has at most two values.

    Columns of text become a feature for each of their values. Y is (1, m) for numbers and for two classes,
    (C, m) for more.

    Raises:
        MissingExtraError: without pandas.
        FileNotFoundError: there is no such file.
        TypeError: no name of a column, or a column of text where numbers are asked for.
        ValueError: no such column, no table, or values that are missing.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "pets.csv")
    ...     _ = path.write_text("\n".join(["weight,kind", "3.5,cat", "20,dog", "4,cat"]))
    ...     X, Y, classes, features = csv(path, "kind")
    >>> X.tolist(), Y.tolist(), classes, features
    ([[3.5, 20.0, 4.0]], [[0.0, 1.0, 0.0]], ('cat', 'dog'), ('weight',))
    """
    pandas = require_extra("pandas", extra="data")
    if not isinstance(label, str):
        raise TypeError(f"csv: label: expected the name of a column, got {shown(label)}")
    classes = None if classes is None else yes_or_no("csv: classes", classes)
    try:
        table = pandas.read_csv(existing(path, "csv"))
    except pandas.errors.EmptyDataError:
        raise ValueError(
            f"{path}: expected a first line with the columns' names, and the file is empty"
        ) from None
    except (pandas.errors.ParserError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: it cannot be read as a table: {error}") from None
    if not len(table):
        raise ValueError(f"{path}: expected rows below the names of the columns, got none")
    if label not in table.columns:
        known = ", ".join(map(str, table.columns))
        raise ValueError(f"{path}: label: there is no column {label!r}; it has {known}")
    gaps = [str(name) for name in table.columns if table[name].isna().any()]
    if gaps:
        raise ValueError(
            f"{path}: values are missing in {', '.join(gaps)}; fill them in with pandas, or drop the rows"
        )
    rows, names = [], []
    for name in table.columns.drop(label):
        column = table[name]
        if column.dtype.kind in "fiub":
            rows.append(finite(f"{path}: {name}", column.to_numpy(np.float64))[None])
            names.append(str(name))
        else:
            values = sorted({str(v) for v in column})
            rows.append(one_hot([str(v) for v in column], values))
            names += [f"{name}={value}" for value in values]
    if not rows:
        raise ValueError(f"{path}: there is no column but {label!r}")
    Y, found = _labels(table[label], classes)
    return Labelled(np.concatenate(rows), Y, found, tuple(names))


def _labels(column: Any, classes: bool | None) -> tuple[NDArray[Any], tuple[str, ...]]:
    values = sorted(set(column.tolist()))
    if classes is None:
        classes = column.dtype.kind not in "fiu" or len(values) <= 2
    if not classes:
        return finite("csv: label", numbers("csv: classes=False: label", column.to_numpy()) * 1.0)[None], ()
    Y = one_hot(column.tolist(), values)
    return (Y[1:] if len(values) == 2 else Y), tuple(map(str, values))


@partial(arguments_explained, known={"image_size": "size", "target_size": "size"})
def image_folder(
    path: str | Path, size: tuple[int, int] = (64, 64), *, grey: bool = False, columns: bool = False
) -> Labelled:
    """The images of a folder, whose folders are the classes: X (m, n_H, n_W, n_C) in 0..1. Needs ``data``.

    Args:
        path: holds a folder for each class, with its images.
        size: n_H and n_W, to which every image is brought.
        grey: one channel instead of red, green and blue.
        columns: gives X (n_H n_W n_C, m), one image a column, for networks without convolutions.

    Y is (1, m) for two classes and (C, m) for more; classes stand in the order of their names.

    Raises:
        MissingExtraError: without Pillow.
        FileNotFoundError: there is no such folder.
        ValueError: no classes, or no images, a file that is none, or an image of more than 8 bits a channel.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for kind in ("cat", "dog"):
    ...         Path(folder, kind).mkdir()
    ...         Image.new("RGB", (8, 8), "red").save(Path(folder, kind, "1.png"))
    ...     found = image_folder(folder, (4, 4))
    >>> found.X.shape, found.Y.tolist(), found.class_names
    ((2, 4, 4, 3), [[0.0, 1.0]], ('cat', 'dog'))
    """
    pillow = require_extra("PIL.Image", extra="data")
    grey, columns = yes_or_no("image_folder: grey", grey), yes_or_no("image_folder: columns", columns)
    given: Any = size
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        raise ValueError(f"image_folder: size: expected (n_H, n_W), got {shown(given)}")
    size = whole("image_folder: size", size[0], 1), whole("image_folder: size", size[1], 1)
    folder = path_of(path, "image_folder", "a folder")
    if not folder.is_dir():
        raise FileNotFoundError(f"{path}: no such folder")
    names = sorted(
        entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")
    )
    files = [
        (file, name)
        for name in names
        for file in sorted((folder / name).iterdir())
        if file.suffix.lower() in ENDINGS
    ]
    if len(names) < 2 or not files:
        raise ValueError(
            f"{path}: expected a folder of images for each class, got {', '.join(names) or 'none'}"
        )
    X = np.stack([_image(pillow, file, size, grey) for file, _ in files])
    Y = one_hot([name for _, name in files], names)
    X = np.ascontiguousarray(X.reshape(len(X), -1).T) if columns else X
    return Labelled(X, Y[1:] if len(names) == 2 else Y, tuple(names), ())


def _image(pillow: Any, file: Path, size: tuple[int, int], grey: bool) -> NDArray[np.float64]:
    try:
        with pillow.open(file) as image:
            if image.mode[0] in "IF":  # which Pillow would cut off at 255
                raise ValueError(
                    f"{file}: expected an image of 8 bits a channel, got Pillow's mode {image.mode}; bring "
                    "its values to 0..255 and save it again"
                )
            pixels = np.asarray(image.convert("L" if grey else "RGB").resize(size[::-1]), np.float64) / 255
    except (OSError, SyntaxError) as error:
        raise ValueError(f"{file}: it cannot be read as an image: {error}") from None
    return pixels[..., None] if grey else pixels
