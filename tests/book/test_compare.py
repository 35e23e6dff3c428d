"""The comparison itself is tested: what may move between two machines passes, everything else fails."""

from __future__ import annotations

import base64
import io
import wave
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.book.compare import output_differences, text_difference

FENCE = "```python\n{}\n```"


@pytest.mark.parametrize(
    ("committed", "computed"),
    [
        ("accuracy 0.954", "accuracy 0.955"),
        ("accuracy 0.954", "accuracy 0.953"),
        ("gap -0.00", "gap 0.00"),
        ("gap 0.001", "gap -0.000"),
        ("gap 1e-12", "gap 2e-12"),
        ("gap 1e-12", "gap 9e-13"),
        ("gap 1.5e-07", "gap 1.6e-07"),
        ("loss 9.99", "loss 10.00"),
        ("loss 0.0999", "loss 0.100"),
        ("energy 1,234.5 kJ", "energy 1,234.6 kJ"),
        ("[ 0.12 -0.00]", "[0.12 0.01]"),
        ("|  9.99 | a", "| 10.00 | a"),
        ("12.5MB of 13.0MB", "12.6MB of 13.0MB"),
        ("rank 61 of 64, 95.4%", "rank 61 of 64, 95.5%"),
        ("3-0.5", "3-0.6"),
        ("x = 0.5.\ny = .25", "x = 0.6.\ny = .24"),
        (FENCE.format("tol = 1e-9") + "\n0.5", FENCE.format("tol = 1e-9") + "\n0.6"),
        ("", ""),
    ],
)
def test_the_last_digit_may_move_by_one(committed: str, computed: str) -> None:
    assert text_difference(committed, computed) == ""
    assert text_difference(computed, committed) == ""


@pytest.mark.parametrize(
    ("committed", "computed"),
    [
        ("accuracy 0.954", "accuracy 0.956"),
        ("accuracy 0.954", "accuracy 0.952"),
        ("gap 1e-12", "gap 3e-12"),
        ("gap 1e-03", "gap 1e-09"),
        ("gap 1e-12", "gap 1e-11"),
        ("accuracy 0.95", "accuracy 0.9541"),
        ("accuracy 0.95", "accuracy 0.954"),
        ("rank 61", "rank 60"),
        ("The rank is 61.", "The rank is 60."),
        ("[1. 0. 2.]", "[1. 0. 1.]"),
        ("rank 61", "rank 61.0"),
        ("1,297.5", "2,297.5"),
        ("accuracy 0.954", "precision 0.954"),
        ("ok: a claim", "ok: a Claim"),
        ("0.1 0.2", "0.1 0.2 0.3"),
        ("0.1 0.2 0.3", "0.1 0.2"),
        ("loss 0.5", "loss nan"),
        ("loss inf", "loss -inf"),
        ("0.1\n0.2", "0.1 0.2"),
        ("x1.5", "x1.6"),
        ("numpy 2.4.6", "numpy 2.4.7"),
        ("+0.5", "-0.5"),
        (FENCE.format("tol = 1e-9"), FENCE.format("tol = 2e-9")),
        (FENCE.format("tol = 0.5"), "tol = 0.5"),
        ("one\ntwo", "one\ntwo\nthree"),
        ("", "0.5"),
    ],
)
def test_all_else_is_a_difference(committed: str, computed: str) -> None:
    assert text_difference(committed, computed)
    assert text_difference(computed, committed)


def test_the_message_names_number_and_line() -> None:
    message = text_difference("first\naccuracy 0.954\nlast", "first\naccuracy 0.957\nlast")
    assert "0.954 became 0.957" in message
    assert '"accuracy 0.954"' in message
    assert text_difference("a\nb\nc", "a\nB\nc") == '"b" became "B"'
    assert text_difference("a\nb", "a\nb\nc") == "2 lines of text became 3"
    assert len(text_difference("0.1 " * 500, "0.1 " * 499 + "0.9 ")) < 200


numbers = st.integers(-(10**9), 10**9)
places = st.integers(1, 8)


def written(units: int, decimals: int) -> str:
    return f"{Decimal(units).scaleb(-decimals):.{decimals}f}"


@given(numbers, places, st.integers(-1, 1))
def test_within_one_unit_passes(units: int, decimals: int, shift: int) -> None:
    assert not text_difference(f"v {written(units, decimals)} s", f"v {written(units + shift, decimals)} s")


@given(numbers, places, st.integers(-(10**6), 10**6))
def test_beyond_one_unit_fails(units: int, decimals: int, shift: int) -> None:
    assume(abs(shift) >= 2)
    assert text_difference(f"v {written(units, decimals)} s", f"v {written(units + shift, decimals)} s")


@given(st.integers(100, 998), st.integers(-300, 300), st.integers(-4, 4))
def test_the_mantissa_decides_in_scientific_notation(digits: int, exponent: int, shift: int) -> None:
    assume(100 <= digits + shift <= 999)
    before, after = (f"{n // 100}.{n % 100:02d}e{exponent:+03d}" for n in (digits, digits + shift))
    assert bool(text_difference(before, after)) == (abs(shift) > 1)


@given(numbers, numbers)
def test_integers_are_exact(one: int, other: int) -> None:
    assert bool(text_difference(f"n {one}", f"n {other}")) == (one != other)


@given(st.text(max_size=200))
def test_every_text_equals_itself(text: str) -> None:
    assert text_difference(text, text) == ""


@given(st.floats(-1e6, 1e6), st.floats(0, 2), st.sampled_from([0.0, 0.01, 0.1]), st.sampled_from([0.0, 0.5]))
def test_a_stated_tolerance_is_kept(value: float, stretch: float, rel: float, absolute: float) -> None:
    allowed = absolute + rel * abs(value)
    moved = value + stretch * allowed
    assume(abs(stretch - 1) > 0.01 and (stretch < 1 or allowed > 0.01))
    difference = text_difference(f"loss {value:.4f}", f"loss {moved:.4f}", {"rel": rel, "abs": absolute})
    within = abs(round(moved, 4) - round(value, 4)) <= max(absolute + rel * abs(round(value, 4)), 1e-4) + 1e-9
    assert bool(difference) != within


def test_a_stated_tolerance_covers_integers_and_formats_but_not_words() -> None:
    assert not text_difference("126 steps, loss 0.1", "131 steps, loss 0.0999", {"abs": 5})
    assert text_difference("126 steps", "132 steps", {"abs": 5})
    assert text_difference("126 steps", "126 sweeps", {"abs": 5})
    assert text_difference("126 steps", "131 steps")


# --- outputs --------------------------------------------------------------------------------------------------


def stream(text: str, name: str = "stdout") -> dict[str, str]:
    return {"output_type": "stream", "name": name, "text": text}


def shown(data: dict[str, str], **metadata: object) -> dict[str, object]:
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def encoded(content: str) -> str:
    return base64.b64encode(content.encode()).decode()


def explorer(content: str, words: str = "rank 5: PSNR 28.61 dB") -> dict[str, object]:
    return shown({"text/html": f'<img src="data:image/webp;base64,{encoded(content)}" alt="{words}">'})


def same_letters(committed: bytes, computed: bytes, loose: bool) -> str:
    """Stand in for the comparison of pictures: loosely, capital letters do not count."""
    one, other = (picture.lower() if loose else picture for picture in (committed, computed))
    return "" if one == other else "pictures differ"


def differences(committed: object, computed: object, approx: dict[str, float] | None = None) -> list[str]:
    return output_differences([committed], [computed], same_letters, approx)  # type: ignore[list-item]


def test_equal_outputs_agree() -> None:
    outputs = [stream("ok: a"), shown({"image/png": encoded("figure"), "text/plain": "fig-a"}), explorer("frames")]
    assert output_differences(outputs, outputs, same_letters) == []


def test_the_execution_count_does_not_matter() -> None:
    result = {"output_type": "execute_result", "data": {"text/plain": "1"}, "metadata": {}, "execution_count": 3}
    assert differences(result, result | {"execution_count": 9}) == []


def test_number_and_kind_of_outputs_matter() -> None:
    two = [stream("a"), shown({"text/plain": "b"})]
    assert output_differences(two, two[:1], same_letters) == ["2 outputs (stdout, display_data) became 1 (stdout)"]
    assert output_differences(two, two[::-1], same_letters)
    assert differences(stream("a"), stream("a", "stderr"))
    assert differences(shown({"text/plain": "a"}), shown({"text/plain": "a", "text/html": "a"}))


def test_pictures_are_compared_as_pictures() -> None:
    before, after = (shown({"image/png": encoded(letters)}) for letters in ("figure", "FIGURE"))
    assert differences(before, after) == ["output 1: data image/png: pictures differ"]
    assert differences(before, after, {"abs": 0.1}) == []
    assert differences(before, shown({"image/png": encoded("another")}), {"abs": 0.1})


def test_one_frame_of_an_explorer_matters() -> None:
    assert differences(explorer("frames"), explorer("fRames")) == ["output 1: data text/html: pictures differ"]
    assert differences(explorer("frames"), explorer("fRames"), {"abs": 0.1}) == []


def test_the_words_around_a_picture_follow_the_rule_for_text() -> None:
    assert differences(explorer("frames"), explorer("frames", "rank 5: PSNR 28.62 dB")) == []
    assert differences(explorer("frames"), explorer("frames", "rank 5: PSNR 28.64 dB"))
    assert differences(explorer("frames"), explorer("frames", "rank 6: PSNR 28.61 dB"))


def test_alt_text_caption_and_size_of_a_figure_matter() -> None:
    data = {"image/png": encoded("figure")}
    figure = {"figure": "fig-a", "caption": "Error 0.10", "alt": "A curve falls."}
    before = shown(data, dlcore=figure)
    assert differences(before, shown(data, dlcore=figure | {"caption": "Error 0.11"})) == []
    assert differences(before, shown(data, dlcore=figure | {"caption": "Error 0.15"}))
    assert differences(before, shown(data, dlcore=figure | {"alt": "A curve rises."}))
    assert differences(before, shown(data))
    assert differences(shown(data, width=640), shown(data, width=641))


def player(samples: list[int], rate: int = 8000) -> dict[str, object]:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", "not compressed"))
        file.writeframes(b"".join(value.to_bytes(2, "little", signed=True) for value in samples))
    source = base64.b64encode(sound.getvalue()).decode()
    return shown({"text/html": f'<audio src="data:audio/wav;base64,{source}"></audio> a siren'})


@pytest.mark.parametrize("samples", [[], [5, -300, 32767]])
def test_a_sample_of_a_sound_may_move_by_one_step(samples: list[int]) -> None:
    assert differences(player(samples), player([value - 1 for value in samples])) == []


@pytest.mark.parametrize(
    ("other", "difference"),
    [(player([5, -302, 7]), "up to 2 steps"), (player([5, -300]), "form"), (player([5, -300, 7], 4000), "form")],
)
def test_another_sound_is_a_difference(other: dict[str, object], difference: str) -> None:
    assert difference in differences(player([5, -300, 7]), other)[0]
