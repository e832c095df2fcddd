"""docs/gallery.md and its pictures are what the run gives."""

import io

import numpy as np
import pytest
from PIL import Image

from docs import make_gallery
from tests.draw.test_readme_picture import texts


@pytest.fixture(scope="module")
def gallery():
    return make_gallery.gallery()


@pytest.mark.slow
def test_the_page_is_up_to_date(gallery):
    assert make_gallery.PAGE.read_text("utf-8") == gallery[0], "run: python docs/make_gallery.py"


def test_the_pictures_are_up_to_date(gallery):
    there = {path.name: path.read_bytes() for path in make_gallery.FOLDER.glob("gallery-*")}
    assert told(there) == told(gallery[1]), "run: python docs/make_gallery.py"
    for file, image in there.items():
        if file.endswith("png"):  # of a plot all but the shape of its letters, which is matplotlib's
            different = pixels(image).astype(float) - pixels(gallery[1][file])
            assert np.abs(different).mean() < 3, f"{file}; run: python docs/make_gallery.py"


def told(pictures):
    return {
        file: texts(image) if file.endswith("svg") else pixels(image).shape
        for file, image in pictures.items()
    }


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_the_pictures_are_small(gallery):
    for file, image in gallery[1].items():
        assert len(image) < (250_000 if file.endswith("png") else 80_000), file
