"""A comparison of drawings must let another machine's rounding pass, and nothing else."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from skimage import data

from dlcore.display.figures import in_few_colours, render
from dlcore.display.style import BLUE, GREEN, ORANGE, figure_style
from tests.book.pixels import same_picture


def drawn(*, shift=0.0, marker=0.0, alpha=0.12, title="Rank 23 of 64", colour=BLUE, noise=0.0) -> np.ndarray:
    with figure_style():
        fig, ax = plt.subplots(figsize=(3, 2))
        x = np.linspace(0, 10, 300)
        ax.plot(x, np.sin(x) + shift, color=colour)
        ax.plot(x, np.cos(x) + noise * np.sin(40 * x), color=ORANGE)
        ax.fill_between(x, -0.5, 0.5, color=GREEN, alpha=alpha, lw=0)
        ax.plot(5 + marker, 1.5, "o", ms=3, color=BLUE)
        ax.set(ylim=(-2, 2), title=title)
        return render(fig, scale=2)


def encoded(pixels: np.ndarray, tolerance: float = 24, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    in_few_colours(pixels, tolerance).convert("RGB").save(file, kind, **({"lossless": True} if kind == "WEBP" else {}))
    return file.getvalue()


def sheet(frames: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.concatenate(frames[i : i + 10], axis=1) for i in range(0, len(frames), 10)])


@pytest.fixture(scope="module")
def original() -> bytes:
    return encoded(drawn())


def test_equal_files(original):
    assert same_picture(original, original) == ""


@pytest.mark.parametrize("tolerance", [1, 8, 16])
def test_another_palette_passes(original, tolerance):
    assert same_picture(original, encoded(drawn(), tolerance)) == ""


def test_rounding_of_coordinates_passes(original):
    rng = np.random.default_rng(0)
    for jitter in rng.uniform(-0.003, 0.003, size=5):  # under a pixel: an inch of this axis has 2 units
        assert same_picture(original, encoded(drawn(shift=jitter, noise=jitter))) == ""


def test_a_drawing_one_pixel_further_passes(original):
    assert same_picture(original, encoded(np.roll(drawn(), 1, axis=0))) == ""
    assert same_picture(original, encoded(np.roll(drawn(), 1, axis=1))) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Rank 28 of 64"},
        {"title": "Rank 23 of 84"},
        {"marker": 0.15},
        {"shift": 0.04},
        {"colour": GREEN},
        {"alpha": 0.2},
        {"noise": 0.05},
    ],
    ids=str,
)
def test_a_change_is_noticed(original, change):
    assert "pixels differ" in same_picture(original, encoded(drawn(**change)))


def test_the_place_is_told(original):
    pixels = drawn()
    pixels[100:106, 200:206] = 0
    assert same_picture(original, encoded(pixels)).startswith("tile at x=192, y=96:")


def test_another_size_is_noticed(original):
    assert same_picture(original, encoded(drawn()[:-1])) == "the pictures measure 600 x 400 and 600 x 399 pixels"


@pytest.mark.parametrize("change", [{"title": "Rank 28 of 64"}, {"marker": 0.15}], ids=str)
def test_one_frame_of_sixty_is_noticed(change):
    frames = [drawn()] * 60
    before = encoded(sheet(frames), kind="WEBP")
    frames[37] = drawn(**change)
    after = encoded(sheet(frames), kind="WEBP")
    assert "pixels differ" in same_picture(before, after)
    assert same_picture(before, before) == ""


def test_two_frames_that_change_places_are_noticed():
    one, other = drawn(), drawn(marker=0.15)
    assert same_picture(encoded(sheet([one, other])), encoded(sheet([other, one])))


def test_photographs():
    camera = np.repeat(data.camera()[..., None], 3, axis=-1)
    before = encoded(camera, tolerance=8)
    assert same_picture(before, encoded(camera, tolerance=6)) == ""
    darker = (camera * 0.9).astype(np.uint8)
    assert same_picture(before, encoded(darker, tolerance=8))
    assert same_picture(before, encoded(camera[:, ::-1], tolerance=8))


def test_loose_lets_a_training_run_drift_and_no_more(original):
    assert same_picture(original, encoded(drawn(shift=0.04, marker=0.1)), loose=True) == ""
    for change in ({"shift": 0.5}, {"colour": ORANGE}, {"alpha": 0.9}):
        assert same_picture(original, encoded(drawn(**change)), loose=True)
