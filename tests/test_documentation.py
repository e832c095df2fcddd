"""The pages that people read: a translation keeps step with its original."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TRANSLATED = {"README.md": "README.zh.md"}


def code_blocks(text: str) -> list[str]:
    return re.findall(r"^```.*?^```$", text, re.MULTILINE | re.DOTALL)


def outline(text: str) -> list[str]:
    """What a page is made of, in order: headings by level, code, pictures, tables."""
    marks = r"^#+ |^```\w+|^!\[[^\]]*\]\([^)]*\)|^\|[-| ]+\|$"
    return [m.strip() for m in re.findall(marks, text, re.MULTILINE)]


@pytest.mark.parametrize("original", sorted(TRANSLATED))
def test_a_translation_has_the_headings_pictures_and_code_of_its_original(original: str) -> None:
    english, chinese = ((ROOT / name).read_text("utf-8") for name in (original, TRANSLATED[original]))
    assert code_blocks(chinese) == code_blocks(english)
    plain = [re.sub(r"\[[^\]]*\]", "[]", line) for line in outline(english)]
    assert [re.sub(r"\[[^\]]*\]", "[]", line) for line in outline(chinese)] == plain
    assert len(re.findall(r"[\u4e00-\u9fff]", chinese)) > len(chinese) / 10
