import io
import itertools
import re
from pathlib import Path

import matplotlib.font_manager
import matplotlib.pyplot as plt
import numpy as np
import pytest

from dlcore.display import style
from dlcore.display.style import BLUE, CYCLE, GREEN, GREY, INK, ORANGE, PAPER, PURPLE

STYLESHEET = Path(style.__file__).with_name("explorer.css").read_text(encoding="utf-8")
DARK_FILTER = re.search(r"invert\(([\d.]+)\) hue-rotate\(180deg\)", STYLESHEET)
DARK_PAGES = ["#121212", "#14181e"]  # sphinx-book-theme and pydata-sphinx-theme

# Machado, Oliveira and Fernandes (2009): full colour blindness of each kind, in linear light.
EYES = {
    "typical": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def rgb(colour: str) -> np.ndarray:
    return np.array(matplotlib.colors.to_rgb(colour))


def dark(colour: np.ndarray) -> np.ndarray:
    """Return what the filter of the style sheet makes of a colour (Filter Effects Module, CSS)."""
    amount = float(DARK_FILTER[1])
    inverted = amount + colour * (1 - 2 * amount)
    rotation = np.array([[-0.574, 1.430, 0.144], [0.426, 0.430, 0.144], [0.426, 1.430, -0.856]])
    return np.clip(rotation @ inverted, 0, 1)


def linear(colour: np.ndarray) -> np.ndarray:
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def contrast(a: np.ndarray, b: np.ndarray) -> float:
    """Return the contrast ratio of WCAG 2."""
    low, high = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (a, b))
    return (high + 0.05) / (low + 0.05)


def oklab(light: np.ndarray) -> np.ndarray:
    """Return lightness and the two colour axes of Oklab (Ottosson 2020), of linear light."""
    cones = [[0.4122215, 0.5363325, 0.0514460], [0.2119035, 0.6806995, 0.1073970], [0.0883025, 0.2817188, 0.6299787]]
    axes = [[0.2104543, 0.7936178, -0.0040720], [1.9779985, -2.4285922, 0.4505937], [0.0259040, 0.7827718, -0.8086758]]
    return np.array(axes) @ np.cbrt(np.clip(np.array(cones) @ light, 0, None))


@pytest.mark.parametrize("colour", [BLUE, ORANGE, GREEN, PURPLE, INK, GREY])
def test_text_in_every_colour_is_readable_in_both_themes(colour):
    assert contrast(rgb(colour), rgb(PAPER)) >= 4.5
    assert all(contrast(dark(rgb(colour)), rgb(page)) >= 4.5 for page in DARK_PAGES)


@pytest.mark.parametrize("colour", [BLUE, ORANGE, GREEN, PURPLE])
def test_a_colour_keeps_its_name_in_the_dark(colour):
    hues = [np.arctan2(*oklab(linear(shade))[:0:-1]) for shade in (rgb(colour), dark(rgb(colour)))]
    turn = np.angle(np.exp(1j * (hues[1] - hues[0])), deg=True)
    assert abs(turn) < 15
    assert np.linalg.norm(oklab(linear(dark(rgb(colour))))[1:]) > 0.08  # and is no grey


@pytest.mark.parametrize("shade", [lambda colour: colour, dark], ids=["light", "dark"])
@pytest.mark.parametrize("eye", EYES)
def test_any_two_lines_remain_apart_for_every_eye(eye, shade):
    seen = {colour: oklab(np.clip(np.array(EYES[eye]) @ linear(shade(rgb(colour))), 0, 1)) for colour in CYCLE}
    assert min(np.linalg.norm(seen[a] - seen[b]) for a, b in itertools.combinations(CYCLE, 2)) > 0.08


def test_paper_becomes_the_dark_page():
    assert np.round(255 * dark(rgb(PAPER))) == pytest.approx(255 * rgb(DARK_PAGES[0]))


def test_browsers_filter_as_computed_here(browser):
    page = browser.new_page(viewport={"width": 200, "height": 50})
    colours = [*CYCLE, GREY, PAPER]
    boxes = "".join(f'<i style="background:{colour}"></i>' for colour in colours)
    css = f"body {{ margin: 0 }} i {{ float: left; width: 20px; height: 20px; filter: {DARK_FILTER[0]} }}"
    page.set_content(f"<style>{css}</style>{boxes}")
    shot = plt.imread(io.BytesIO(page.screenshot()))
    page.close()
    for place, colour in enumerate(colours):
        assert 255 * shot[10, 20 * place + 10, :3] == pytest.approx(255 * dark(rgb(colour)), abs=2)


def test_no_text_is_smaller_than_eleven_pixels():
    for name, size in style.SETTINGS.items():
        if name in ("font.size", "legend.fontsize") or name.endswith(("labelsize", "titlesize")):
            assert size * style.CSS_DPI / 72 >= 11, name


def test_the_font_comes_with_matplotlib():
    with style.figure_style():
        font = matplotlib.font_manager.findfont(matplotlib.font_manager.FontProperties(), fallback_to_default=False)
    assert Path(font).is_relative_to(matplotlib.get_data_path())


def test_the_style_ends_with_the_block():
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        with style.figure_style():
            figure, axes = plt.subplots()
            assert not axes.spines["top"].get_visible()
            plt.close(figure)
        assert matplotlib.rcParams["axes.spines.top"]
