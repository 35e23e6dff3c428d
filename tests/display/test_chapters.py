import importlib.util
import re
from pathlib import Path

import matplotlib
import pytest
import yaml

from dlcore.display import CHAPTERS, begin_chapter, style

ROOT = Path(__file__).resolve().parents[2]
PARTS, CONTENTS = yaml.safe_load_all((ROOT / "book" / "contents.yml").read_text(encoding="utf-8"))


def test_titles_and_parts_are_the_books():
    assert [(chapter.number, chapter.title) for chapter in CHAPTERS] == [(c["chapter"], c["title"]) for c in CONTENTS]
    for number, part in enumerate(PARTS, start=1):
        assert [chapter.number for chapter in CHAPTERS if chapter.part == number] == part["chapters"]


def test_a_chapter_needs_only_earlier_ones():
    for chapter in CHAPTERS:
        assert list(chapter.needs) == sorted(set(chapter.needs))
        assert all(1 <= needed < chapter.number for needed in chapter.needs)


def test_slugs_are_unique_file_names():
    slugs = [chapter.slug for chapter in CHAPTERS]
    assert len(set(slugs)) == 20
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", slug) for slug in slugs)
    assert (CHAPTERS[1].stem, CHAPTERS[1].label) == ("02_linear_algebra", "chap-02")


def test_notebooks_and_slugs_agree():
    written = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert written <= {chapter.stem for chapter in CHAPTERS}


def test_modules_stand_in_the_layer_of_their_part():
    layers = {1: "foundations", 2: "networks", 3: "generative"}
    for chapter in CHAPTERS:
        for module in chapter.modules:
            assert re.fullmatch(rf"dlcore\.{layers[chapter.part]}\.[a-z]+", module)
        if (ROOT / "notebooks" / f"{chapter.stem}.ipynb").exists():
            assert all(importlib.util.find_spec(module) for module in chapter.modules)


def test_times_and_questions_are_given():
    for chapter in CHAPTERS:
        assert 30 <= chapter.minutes <= 240
        assert 10 <= chapter.seconds <= 60
        assert chapter.question.endswith("?") and len(chapter.question) < 200


def test_the_card_links_to_what_the_chapter_needs(outputs):
    begin_chapter(4)
    (card,) = outputs
    assert card.data["text/markdown"].splitlines() == [
        "**Needs** [2 Linear Algebra](#chap-02), [3 Probability and Information Theory](#chap-03)  ",
        "**Time** about 120 minutes to read, at most 20 s to run  ",
        "**Code** `dlcore.foundations.numerics`",
    ]
    assert card.data["text/plain"].splitlines()[0] == "Needs 2 Linear Algebra, 3 Probability and Information Theory"


def test_a_chapter_that_needs_nothing_says_so(outputs):
    begin_chapter(1)
    assert outputs[0].data["text/plain"].startswith("Needs nothing but")


def test_figures_follow_the_style_from_then_on(outputs):
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        begin_chapter(2)
        assert matplotlib.rcParams["axes.titlelocation"] == "left"
        assert matplotlib.rcParams["axes.prop_cycle"].by_key()["color"] == list(style.CYCLE)


@pytest.mark.parametrize("number", [0, 21, -1])
def test_there_is_no_other_chapter(number):
    with pytest.raises(ValueError, match=f"chapters 1 to 20, got {number}"):
        begin_chapter(number)
