"""docs/gallery.md and its pictures are what the run gives."""

import pytest

from docs import make_gallery
from tests.draw.test_readme_picture import texts


@pytest.fixture(scope="module")
def gallery():
    return make_gallery.gallery()


def test_the_page_is_up_to_date(gallery):
    assert make_gallery.PAGE.read_text("utf-8") == gallery[0], "run: python docs/make_gallery.py"


def test_the_pictures_are_up_to_date(gallery):
    told = {path.name: texts(path.read_bytes()) for path in make_gallery.FOLDER.glob("gallery-*.svg")}
    assert told == {file: texts(svg) for file, svg in gallery[1].items()}, "run: python docs/make_gallery.py"


def test_the_pictures_are_small(gallery):
    assert all(len(svg.encode()) < 80_000 for svg in gallery[1].values())
