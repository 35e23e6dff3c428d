import io
import struct

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image
from skimage import data

from dlcore.display import BLUE, CYCLE, GREEN, ORANGE, show_figure, style
from dlcore.display.figures import Film, in_few_colours, kind, png, render


def curves():
    fig, ax = plt.subplots(figsize=(7, 3.6))
    x = np.linspace(0, 10, 200)
    for phase in range(5):
        ax.plot(x, np.sin(x + phase) * np.exp(-x / 10), label=f"phase {phase}")
    ax.fill_between(x, -0.2, 0.2, color=BLUE, alpha=0.12, lw=0)
    ax.plot(5, 0.5, ".", color=ORANGE, ms=2)
    ax.legend()
    ax.set(xlabel="time (s)", ylabel="amplitude", title="Five oscillations share one decay")
    return fig


def photograph():
    fig, ax = plt.subplots(figsize=(7, 4))
    ax.imshow(data.camera())
    ax.plot([100, 300], [100, 300], color=GREEN)
    ax.set_axis_off()
    return fig


def decoded(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).astype(int)


def test_one_picture_with_its_texts(outputs):
    fig = curves()
    show_figure(fig, "fig-five-curves", "Five *curves*.", alt="All five die out together.")
    (output,) = outputs
    assert output.metadata == {
        "image/png": {"width": 700, "alt": "All five die out together."},
        "dlcore": {
            "figure": "fig-five-curves",
            "caption": "Five *curves*.",
            "alt": "All five die out together.",
            "kind": "line",
        },
    }
    assert output.data["text/plain"] == "[fig-five-curves] All five die out together."
    assert decoded(output.data["image/png"]).shape == (720, 1400, 3)
    assert not plt.fignum_exists(fig.number)


@pytest.mark.parametrize("name", ["", "unit-balls", "fig-", "fig-Unit", "fig_unit", "fig-a--b", "fig-a\n"])
def test_a_name_must_be_a_label(name, outputs):
    with pytest.raises(ValueError, match="looks like 'fig-unit-balls'"):
        show_figure(plt.figure(), name, "A caption.", alt="A text.")
    plt.close("all")


@pytest.mark.parametrize(("caption", "alt", "what"), [(" ", "A text.", "caption"), ("A caption.", "", "alternative")])
def test_texts_must_be_given(caption, alt, what, outputs):
    with pytest.raises(ValueError, match=f"the {what}.* of fig-x is empty"):
        show_figure(plt.figure(), "fig-x", caption, alt=alt)
    plt.close("all")


def test_kinds(outputs):
    fig, (left, right) = plt.subplots(1, 2)
    left.scatter([1, 2], [1, 2])
    right.contour(np.eye(3))
    assert kind(fig) == "line"
    right.pcolormesh(np.eye(3))
    assert kind(fig) == "picture"
    assert kind(photograph()) == "picture"
    plt.close("all")


def test_a_file_holds_pixels_and_nothing_else(outputs):
    file = png(curves())
    chunks, at = [], 8
    while at < len(file):
        length, name = struct.unpack(">I4s", file[at : at + 8])
        chunks.append(name)
        at += length + 12
    assert set(chunks) == {b"IHDR", b"PLTE", b"IDAT", b"IEND"}
    assert file == png(curves())


def test_files_are_small(outputs):
    assert len(png(curves())) <= 40_000
    assert len(png(photograph())) <= 120_000


def test_paper_is_white_whatever_the_figure_says(outputs):
    fig = plt.figure(facecolor="0.9")
    assert (render(fig, scale=2)[0, 0] == 255).all()


@pytest.mark.parametrize(
    ("at", "side"), [((0, 0.5), "left"), ((1, 0.5), "right"), ((0.5, 0), "bottom"), ((0.5, 1), "top")]
)
def test_what_is_cut_off_is_refused(at, side, outputs):
    fig, ax = plt.subplots(figsize=(3, 2), layout="none")
    ax.set_title("Four in a row")
    ax.text(*at, "mmm", transform=fig.transFigure, ha="center", va="center")
    with pytest.raises(ValueError, match=f"'Four in a row' is cut off at the {side}"):
        show_figure(fig, "fig-cut-off", "A caption.", alt="A text.")
    assert plt.get_fignums() == []


def scene(mark=0.3, limit=1.0):
    """Return a figure whose circle, picture and two texts are animated, and the means of changing it."""
    fig, (left, right) = plt.subplots(1, 2, figsize=(4, 2), layout="none")
    left.set(xlabel="time", xlim=(0, 1), ylim=(0, limit))
    (circle,) = left.plot([mark], [mark], "o", ms=14, animated=True)
    picture = right.imshow(np.eye(4) * mark, vmin=0, vmax=1, animated=True)
    texts = left.set_title("", animated=True), fig.suptitle("", animated=True)

    def move(mark):
        circle.set_data([mark], [mark])
        picture.set_data(np.eye(4) * mark)
        for text in texts:
            text.set_text(f"at {mark}")

    move(mark)
    return fig, left, move


def full_draws(monkeypatch):
    """Return a list that grows whenever a figure is drawn as a whole."""
    drawn = []
    draw = FigureCanvasAgg.draw
    monkeypatch.setattr(FigureCanvasAgg, "draw", lambda canvas: (drawn.append(1), draw(canvas)))
    return drawn


def test_what_moves_is_drawn_over_what_stands_still(monkeypatch):
    whole = full_draws(monkeypatch)
    film, (fig, _, move) = Film(scale=1.5), scene()
    frames = []
    for mark in (0.3, 0.9, 0.5):
        move(mark)
        frames.append(film.frame(fig))
    assert len(whole) == 1
    for mark, frame in zip((0.3, 0.9, 0.5), frames, strict=True):
        assert (frame == render(scene(mark)[0], scale=1.5)).all()
    assert (frames[0] != frames[1]).any() and (frames[1] != frames[2]).any()
    assert plt.get_fignums() == []


def test_a_change_of_anything_else_is_seen(monkeypatch):
    whole = full_draws(monkeypatch)
    film, (fig, axes, _) = Film(scale=1), scene()
    film.frame(fig)
    axes.set_ylim(0, 2)
    assert (film.frame(fig) == render(scene(limit=2.0)[0], scale=1)).all()
    other = scene(0.7)[0]
    assert (film.frame(other) == render(scene(0.7)[0], scale=1)).all()
    assert len(whole) == 5


def test_a_photograph_may_fill_the_paper(outputs):
    fig = plt.figure(figsize=(2, 2), layout="none")
    fig.add_axes((0, 0, 1, 1)).imshow(data.camera())
    assert render(fig, scale=2).mean() < 200


def test_a_drawing_keeps_its_colours(outputs):
    drawn = render(curves(), scale=2)
    kept = decoded(png(curves()))
    assert np.sqrt(np.square(kept - drawn).sum(axis=-1)).max() <= 24
    colours = {tuple(colour) for colour in kept.reshape(-1, 3)}
    for exact in (*CYCLE, style.PAPER):
        assert tuple(int(exact[i : i + 2], 16) for i in (1, 3, 5)) in colours
    shades, counts = np.unique(drawn.reshape(-1, 3), axis=0, return_counts=True)
    band = shades[np.argsort(counts)[-2]]
    assert band[2] > band[1] > band[0] > 220
    assert tuple(band) in colours


def test_a_grey_photograph_does_not_band(outputs):
    drawn = render(photograph(), scale=2).astype(int)
    assert np.abs(decoded(png(photograph())) - drawn).max() <= 8
    assert len(np.unique(decoded(png(photograph()))[..., 0])) >= 40


def test_a_photograph_in_colour_stays_close(outputs):
    fig, ax = plt.subplots(figsize=(4, 3))
    ax.imshow(data.astronaut())
    pixels = render(fig, scale=2)
    kept = np.asarray(in_few_colours(pixels, tolerance=8).convert("RGB")).astype(int)
    assert np.abs(kept - pixels).mean() < 4


@settings(derandomize=True, max_examples=60, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3))),
    st.floats(0, 60, exclude_min=True),
)
def test_no_pixel_moves_further_than_the_tolerance_and_the_commonest_not_at_all(pixels, tolerance):
    picture = in_few_colours(pixels, tolerance)
    kept = np.asarray(picture.convert("RGB")).astype(int)
    assert kept.shape == pixels.shape
    assert np.sqrt(np.square(kept - pixels).sum(axis=-1)).max() <= tolerance
    colours, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    commonest = colours[counts == counts.max()]
    if len(commonest) == 1:
        assert (kept[(pixels == commonest[0]).all(axis=-1)] == commonest[0]).all()
    palette = np.unique(kept.reshape(-1, 3), axis=0)
    apart = np.sqrt(np.square(palette[:, None] - palette).sum(axis=-1))
    assert (apart[~np.eye(len(palette), dtype=bool)] > tolerance).all()


def test_more_than_256_colours_become_256():
    pixels = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    picture = in_few_colours(pixels, tolerance=1)
    assert picture.mode == "P" and len(picture.getcolors()) <= 256
