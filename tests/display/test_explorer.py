import ast
import base64
import io
import itertools
import json
import math
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbclient import NotebookClient
from PIL import Image

from dlcore.display import BLUE, ORANGE, explore
from dlcore.display.figures import render

ROOT = Path(__file__).resolve().parents[2]


class Elements(HTMLParser):
    """All elements of some HTML, in order, with what is written directly in them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[list[str]] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        text: list[str] = []
        self.found.append((tag, dict(attributes), text))
        if tag not in ("img", "input"):
            self.open.append(text)

    def handle_endtag(self, tag):
        self.open.pop()

    def handle_data(self, data):
        if self.open:
            self.open[-1].append(data)

    def all(self, tag: str) -> list[tuple[dict[str, str | None], str]]:
        return [(attributes, "".join(text).strip()) for name, attributes, text in self.found if name == tag]


def wave(frequency, phase):
    fig, ax = plt.subplots(figsize=(3.2, 2), layout="none")
    x = np.linspace(0, 10, 200)
    ax.plot(x, np.sin(frequency * x + phase), color=BLUE)
    ax.plot(frequency, phase, "o", color=ORANGE)
    ax.set(ylim=(-1.2, 3.5), title=f"{frequency} turns from {phase:g}")
    return fig


def describe(frequency, phase):
    return f'A "wave" of frequency {frequency} & phase {phase:g}; it isn\'t <flat>'


def explore_wave(**options):
    settings = {
        "name": "wave",
        "question": "Where is <zero>?",
        "describe": describe,
        "default": {"phase": 1.5},
        "labels": {"phase": "phase (rad)"},
        "frequency": [1, 2, 3],
        "phase": (0.0, 1.5, 3.0),
    }
    explore(wave, **(settings | options))


def static_wave(outputs, **options) -> Elements:
    explore_wave(**options)
    return Elements(outputs[-1].data["text/html"])


def sprite(elements: Elements) -> np.ndarray:
    ((image, _),) = elements.all("img")
    kind, data = image["src"].split(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)


# --- in the book ----------------------------------------------------------------------------------------------


def test_the_page_is_complete_before_any_script_runs(outputs):
    elements = static_wave(outputs)
    ((figure, _),) = elements.all("figure")
    assert figure["class"] == "explorer" and figure["id"] == "explore-wave" and figure["data-kind"] == "line"
    question, text, note = (text for _, text in elements.all("p"))
    assert question == "Where is <zero>?"
    assert text == describe(1, 1.5) == elements.all("img")[0][0]["alt"]
    assert note.startswith("One frame of 9:")
    ((controls, _),) = (div for div in elements.all("div") if div[0].get("class") == "explorer-controls")
    assert controls["style"] == "display:none"


def test_every_frame_has_its_text_in_the_order_of_the_sliders(outputs):
    elements = static_wave(outputs)
    texts = json.loads(elements.all("figure")[0][0]["data-texts"])
    assert texts == [describe(f, p) for f in (1, 2, 3) for p in (0.0, 1.5, 3.0)]
    assert outputs[0].data["text/plain"] == f"Where is <zero>?\n{describe(1, 1.5)}"


def test_sliders_are_native_and_labelled(outputs):
    elements = static_wave(outputs)
    sliders = [attributes for attributes, _ in elements.all("input")]
    assert [(s["type"], s["name"], s["min"], s["max"], s["value"]) for s in sliders] == [
        ("range", "frequency", "0", "2", "0"),
        ("range", "phase", "0", "2", "1"),
    ]
    assert [s["aria-valuetext"] for s in sliders] == ["1", "1.5"] == [text for _, text in elements.all("output")]
    assert json.loads(sliders[1]["data-values"]) == ["0", "1.5", "3"]
    assert [text for _, text in elements.all("span")] == ["frequency", "phase (rad)"]
    assert len(elements.all("label")) == 2


def test_only_the_figure_has_an_id_and_no_script_is_inside(outputs):
    elements = static_wave(outputs)
    assert [name for name, attributes, _ in elements.found if "id" in attributes] == ["figure"]
    assert not elements.all("script") and not any(key.startswith("on") for _, a, _ in elements.found for key in a)


def test_the_frames_are_those_that_draw_returns(outputs):
    elements = static_wave(outputs)
    sheet = sprite(elements)
    columns = int(elements.all("figure")[0][0]["data-columns"])
    for place, (frequency, phase) in enumerate(itertools.product((1, 2, 3), (0.0, 1.5, 3.0))):
        drawn = render(wave(frequency, phase), scale=2).astype(int)
        tall, wide, _ = drawn.shape
        row, column = divmod(place, columns)
        frame = sheet[row * tall : (row + 1) * tall, column * wide : (column + 1) * wide]
        assert np.sqrt(np.square(frame - drawn).sum(axis=-1)).max() <= 24


def test_the_default_frame_is_in_view(outputs):
    elements = static_wave(outputs, default={"frequency": 3, "phase": 3.0})
    style = elements.all("img")[0][0]["style"]
    columns = int(elements.all("figure")[0][0]["data-columns"])
    row, column = divmod(8, columns)
    assert f"left:{-100 * column}%;top:{-100 * row}%;width:{100 * columns}%" in style
    view = next(a for a, _ in elements.all("div") if "overflow" in (a.get("style") or ""))
    assert "padding-bottom:62.5000%" in view["style"]


def test_bytes_do_not_change_and_figures_are_closed(outputs):
    explore_wave()
    explore_wave()
    assert outputs[0] == outputs[1]
    assert plt.get_fignums() == []


def test_one_figure_may_be_drawn_again_and_again(outputs):
    fig, ax = plt.subplots(figsize=(2, 1))
    (line,) = ax.plot([0, 1], [0, 1])

    def tilt(height):
        line.set_ydata([0, height])
        return fig

    explore(tilt, name="tilt", question="?", describe=lambda height: f"{height}", height=[0.2, 1.0])
    sheet = sprite(Elements(outputs[0].data["text/html"]))
    assert np.abs(sheet[:, :400] - sheet[:, 400:]).max() > 100


def test_axes_stand_still_although_their_labels_grow(outputs):
    def draw(largest):
        fig, ax = plt.subplots(figsize=(3, 2))
        ax.plot([0, largest])
        ax.set_ylim(0, largest)
        return fig

    def left_spine(frame):
        dark = (frame < 160).all(axis=-1).mean(axis=0)  # share of each column of pixels
        return int(dark.argmax())

    wide = [10_000, 1]
    explore(draw, name="growing", question="?", describe=lambda largest: f"{largest}", largest=wide)
    sheet = sprite(Elements(outputs[0].data["text/html"]))
    assert left_spine(sheet[:, :600]) == left_spine(sheet[:, 600:])
    assert left_spine(render(draw(wide[0]), scale=2)) - left_spine(render(draw(wide[1]), scale=2)) > 20
    with pytest.raises(ValueError, match="is cut off"):
        explore(draw, name="growing", question="?", describe=lambda largest: f"{largest}", largest=[1, 10**8])


def test_pictures_are_told_from_drawings(outputs):
    def matrix(k):
        fig, ax = plt.subplots(figsize=(2, 2))
        ax.set_axis_off()
        if k:
            ax.imshow(np.eye(3))
        return fig

    explore(matrix, name="matrix", question="?", describe=lambda k: f"{k}", k=[0, 1])
    assert 'data-kind="picture"' in outputs[0].data["text/html"]


@settings(
    derandomize=True, max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3).filter(lambda s: math.prod(s) <= 60), data=st.data())
def test_any_controls_find_their_frame(outputs, sizes, data):
    """The formula of explorer.js, applied to the sprite, finds the colour that was drawn for those values."""
    names = "abc"[: len(sizes)]
    shade = {places: (10 + 4 * i) / 255 for i, places in enumerate(itertools.product(*map(range, sizes)))}

    def draw(**values):
        fig = plt.figure(figsize=(0.4, 0.2))
        fig.add_artist(plt.Rectangle((0, 0), 1, 1, color=3 * [shade[tuple(values.values())]], lw=0))
        return fig

    default = {name: data.draw(st.integers(0, size - 1)) for name, size in zip(names, sizes, strict=True)}
    lists = {name: range(size) for name, size in zip(names, sizes, strict=True)}
    explore(draw, name="shades", question="?", describe=lambda **values: f"{values}", default=default, **lists)
    elements = Elements(outputs[-1].data["text/html"])
    sheet, columns = sprite(elements), int(elements.all("figure")[0][0]["data-columns"])
    for places, expected in shade.items():
        frame = 0
        for place, size in zip(places, sizes, strict=True):
            frame = frame * size + place
        corner = sheet[40 * (frame // columns) + 20, 80 * (frame % columns) + 40]
        assert np.abs(corner - 255 * expected).max() <= 15
    assert [a["value"] for a, _ in elements.all("input")] == [str(place) for place in default.values()]


def test_sixty_frames_stay_small(outputs):
    def ellipse(turn, stretch):
        fig, ax = plt.subplots(figsize=(6.4, 3.4), layout="none")
        t = np.linspace(0, 2 * np.pi, 200)
        ax.plot(np.cos(t), np.sin(t))
        ax.plot(stretch * np.cos(t + turn), np.sin(t))
        ax.set(xlim=(-3, 3), ylim=(-1.5, 1.5), aspect="equal", title=f"{turn} {stretch}")
        return fig

    explore(
        ellipse,
        name="ellipse",
        question="?",
        describe=lambda **values: f"{values}",
        turn=list(range(12)),
        stretch=[1, 1.5, 2, 2.5, 3],
    )
    html = outputs[0].data["text/html"]
    assert len(html) <= 230_000 * 4 / 3
    tall, wide, _ = sprite(Elements(html)).shape
    assert tall * wide <= 25e6 and max(tall, wide) <= 16383
    assert tall * wide >= 60 * 640 * 340 * 1.25**2


# --- what is refused ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "Wave"}, "looks like 'svd_rank', got 'Wave'"),
        ({"name": "a-b"}, "looks like 'svd_rank'"),
        ({"question": "  "}, "question of explorer wave is empty"),
        ({"describe": lambda **values: ""}, "no description of the frame {'frequency': 1"),
        ({"default": {"phases": 0}}, r"default speaks of \['phases'\]"),
        ({"labels": {"p": "x"}}, r"labels speaks of \['p'\], but the controls are \['frequency', 'phase'\]"),
        ({"default": {"phase": 2.0}}, "the default 2.0 of phase is not among its values"),
        ({"phase": [1.0, 1.0000001]}, "two values of phase look the same: 1, 1"),
        ({"phase": []}, "2 controls and 0 frames"),
        ({"phase": range(21)}, "got 2 controls and 63 frames"),
        ({"more": [1], "and_more": [1]}, "got 4 controls and 9 frames"),
    ],
)
def test_mistakes_are_named(options, message, outputs):
    with pytest.raises(ValueError, match=message):
        explore_wave(**({"default": {}} | options))
    plt.close("all")


def test_an_explorer_has_a_control(outputs):
    with pytest.raises(ValueError, match="got 0 controls"):
        explore(wave, name="wave", question="?", describe=describe)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([(2, 1), (2, 2)], r"differ in size: \[\(200.0, 100.0\), \(200.0, 200.0\)\] pixels"),
        ([(60, 60)], "take 36000000 pixels, at most 25000000"),
    ],
)
def test_frames_have_one_size_and_not_too_large_a_one(sizes, message, outputs):
    with pytest.raises(ValueError, match=message):
        explore(lambda size: plt.figure(figsize=size), name="a", question="?", describe=lambda size: "x", size=sizes)
    plt.close("all")


# --- in a live notebook ---------------------------------------------------------------------------------------

LIVE = '''\
import matplotlib.pyplot as plt
from dlcore.display import begin_chapter, explore, explorer

begin_chapter(2)
drawn = []
boxes = []
show = explorer.display
explorer.display = lambda box: (boxes.append(box), show(box))

def draw(k, digit):
    drawn.append((k, digit))
    fig, ax = plt.subplots(figsize=(2, 1))
    ax.plot([0, k])
    return fig

explore(
    draw, name="live", question="What <happens>?", describe=lambda k, digit: f"{digit} from {k} numbers",
    default={"k": 20}, labels={"k": "rank k"}, k=[1, 5, 20], digit=["three", "eight"],
)
'''
MOVE = '''\
question, picture, rank, digit, reset, text = boxes[0].children
assert "20" in rank.options[rank.index][0] and "three from 20 numbers" in text.value
frames = [(picture.value, text.value)]
rank.index = 1
frames.append((picture.value, text.value))
digit.value = 1
frames.append((picture.value, text.value))
rank.index = 2
reset.click()
assert rank.index == 2 and digit.index == 0 and (picture.value, text.value) == frames[0]
print(drawn)
print([picture.count("src=\\"data:image/png") for picture, _ in frames], len(set(picture for picture, _ in frames)))
print([picture.split('alt="')[1].split('"')[0] for picture, _ in frames])
print([text for _, text in frames])
print(plt.get_fignums())
'''


def test_live_widgets_redraw(monkeypatch):
    monkeypatch.delenv("DLCORE_BOOK", raising=False)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (LIVE, MOVE)])
    NotebookClient(notebook, kernel_name="python3", timeout=60, resources={"metadata": {"path": str(ROOT)}}).execute()
    first, second = notebook.cells
    kinds = [kind for output in first.outputs for kind in output.get("data", {})]
    assert "application/vnd.jupyter.widget-view+json" in kinds and "text/html" not in kinds
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"].state.values()
    sliders = [model.state for model in state if model.model_name == "SelectionSliderModel"]
    assert [(s.description, s._options_labels, s.index) for s in sliders] == [
        ("rank k", ["1", "5", "20"], 2),
        ("digit", ["three", "eight"], 0),
    ]
    assert any(model.state.get("value") == "<strong>What &lt;happens&gt;?</strong>" for model in state)
    drawn, pictures, alts, texts, figures = "".join(output.text for output in second.outputs).splitlines()
    layout, first, *moved = ast.literal_eval(drawn)
    assert layout == first == (20, "three")
    assert moved == [(5, "three"), (5, "eight"), (20, "eight")]  # and then the first again, from memory
    assert pictures == "[1, 1, 1] 3"
    assert alts == "['three from 20 numbers', 'three from 5 numbers', 'eight from 5 numbers']"
    assert "eight from 5 numbers</p>" in texts
    assert figures == "[]"
