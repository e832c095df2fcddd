"""The pages that people read: they run, their pictures are what they draw, and a translation keeps step."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.architecture import allowed
from tests.draw.test_readme_picture import texts

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
TUTORIALS = sorted((DOCS / "tutorials").glob("*.md"))
PAGES = [DOCS / name for name in ("how-to.md", "faq.md", "design.md")]
ORIGINALS = {ROOT / "README.zh.md": ROOT / "README.md"} | {
    page: DOCS / "tutorials" / page.name for page in sorted((DOCS / "zh").glob("*/*.md"))
}


@pytest.fixture(scope="module")
def pages() -> Any:
    """The program that runs pages, ``docs/pages.py``."""
    return program("pages")


def program(name: str) -> Any:
    """A program of the folder ``docs``."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_prints_and_draws_what_it_shows(pages: Any, page: Path) -> None:
    failures, drawn, _ = pages.run(page)
    assert failures == ""
    pictures = pages.pictures_of(page)
    assert pictures
    for picture in pictures:
        assert texts(picture.read_bytes()) == texts(drawn[picture.name]), "python docs/pages.py PAGE draws it"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_prints_what_it_shows(pages: Any, page: Path) -> None:
    assert pages.run(page).failures == ""


def test_the_house_is_the_one_that_the_tests_keep() -> None:
    house = program("make_house")
    picture = (DOCS / "pictures" / "house.svg").read_text("utf-8")
    assert set(house.ROOMS) == set(allowed())
    assert texts(picture.encode()) == texts(house.house().encode()), "python docs/make_house.py draws it"
    assert picture.count('<path d="M') == len(house.arrows()) + 1  # and the tip of an arrow


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_ends_in_an_exercise_that_check_judges(page: Path) -> None:
    exercise = page.read_text("utf-8").split("\n## Exercise\n")[1]
    assert "$ tinygrad-edu check " in exercise
    assert exercise.rindex(" right.\n") > exercise.index("<summary>The answer</summary>")


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("```python\n>>> 1 + 1\n2\n\n```\n", ""),
        ("```python\n>>> 1 + 1\n3\n\n```\n", "Got:\n    2"),
        ("```python\n>>> x = 1\n\n```\n\n```python\n>>> x\n1\n\n```\n", ""),
        ("```python measured\n>>> print(1 + 1, 'ms')\n3 ms\n\n```\n", ""),
        ("```python measured\n>>> print(1 + 1, 'ms')\n2 s\n\n```\n", "2 ms"),
        ("```python live\n>>> 1 + 1\n3\n\n```\n", ""),
        ("```python live\n>>> 1 + 1\n\n```\n", "2"),
        ("```python live\n>>> 1 + one\n3\n\n```\n", "NameError"),
        ("```console\n$ tinygrad-edu draw 2*a a=3 -o J.svg\nJ = 6\ndJ/da = 2\nwrote J.svg\n```\n", ""),
        ("```console\n$ tinygrad-edu draw 2*a a=3 -o J.svg\nJ = 7\n```\n", "J = 6"),
    ],
)
def test_a_page_that_says_something_else_is_found(pages: Any, page: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(page, "utf-8")
    failures = pages.run(file).failures
    assert bool(failures) == bool(said)
    assert said in failures


def test_a_page_is_written_with_what_its_lines_print(pages: Any, tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(
        "# A\n\n```python\n>>> print(1)\n>>> 1 / 0\n\n```\n\n```console\n$ tinygrad-edu --version\n```\n"
    )
    pages.written([file], outputs=True)
    text = file.read_text("utf-8")
    raised = "Traceback (most recent call last):\n...\nZeroDivisionError: division by zero\n"
    assert f">>> print(1)\n1\n>>> 1 / 0\n{raised}" in text
    assert "$ tinygrad-edu --version\n" in text
    assert pages.run(file).failures == ""
    assert pages.run(file).text == text


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What MkDocs does with the pages, ``docs/site.py``."""
    for needed in ("mkdocs", "latex2mathml"):
        pytest.importorskip(needed, reason="needs the extra 'docs'; its build is strict")
    monkeypatch.setattr(sys, "path", [*sys.path])
    return program("site")


@pytest.mark.parametrize(
    ("latex", "parts"),
    [
        (r"u = bc,\ v = a + u;\quad dv = 3", ["u = bc,", "v = a + u;", "dv = 3"]),
        (r"\left(a \quad b\right) \quad \{c\ d\}", [r"\left(a \quad b\right)", r"\{c\ d\}"]),
        (r"\frac{a\ b}{c} = \mathrm{if}\ x", [r"\frac{a\ b}{c} = \mathrm{if}", "x"]),
        (r"w := w - \alpha\,dw", [r"w := w - \alpha\,dw"]),
    ],
)
def test_a_line_may_break_between_formulas_and_in_none(site: Any, latex: str, parts: list[str]) -> None:
    assert site._in_a_row(latex) == parts
    assert site._formula(latex).count("<math") == len(parts)
    assert (":" in latex) == ("&#x02254;" in site._formula(latex))  # := is one sign


def test_cells_of_sentences_get_room(site: Any) -> None:
    words, formula = "one label for all of the examples", "<math>" + 90 * "x" + "</math>"
    html = f"<td>1</td>\n<td><a href='x'>{words}</a></td>\n<td>{3 * words}</td><td>{formula}</td>"
    marked = site.on_page_content(html, None, None, None)
    assert re.findall(r"<td([^>]*)>", marked) == ["", ' class="words"', ' class="sentences"', ""]


def test_a_link_of_the_site_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<a href="b.html#here">b</a> <a href="#there">a</a> <a href="https://x.org">x</a>'
    )
    (tmp_path / "b.html").write_text('<p id="here"></p> <img src="c.svg"> <a href="a.html?q=1">a</a>')
    assert program("links").broken(tmp_path) == ["a.html: #there", "b.html: c.svg"]


def code_blocks(text: str) -> list[str]:
    return re.findall(r"^```.*?^```$", text, re.MULTILINE | re.DOTALL)


def outline(text: str) -> list[str]:
    """What a page is made of, in order: headings by level, code, pictures, tables, pages that compute."""
    marks = r"^(#+) |^(```\w+)|^!\[[^\]]*\]\((?:[^)]*/)?([^)/]*)\)|^(\|[-| ]+\|)$|^(<!-- embedded: .+ -->)$"
    return ["".join(found) for found in re.findall(marks, text, re.MULTILINE)]


@pytest.mark.parametrize("translated", sorted(ORIGINALS), ids=lambda page: str(page.relative_to(ROOT)))
def test_a_translation_has_the_headings_pictures_and_code_of_its_original(translated: Path) -> None:
    chinese, english = (page.read_text("utf-8") for page in (translated, ORIGINALS[translated]))
    assert code_blocks(chinese) == code_blocks(english)
    assert outline(chinese) == outline(english)
    prose = re.sub(r"```.*?```|`[^`]*`", "", chinese, flags=re.DOTALL)
    assert len(re.findall(r"[\u4e00-\u9fff]", prose)) > len(prose) / 4
