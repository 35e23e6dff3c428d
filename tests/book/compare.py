"""When is what a cell printed today the same as what the page shows?

Another processor sums in another order, so the last digit of a printed number may move. Everything else may not:

- words are equal, and so are integers and the contents of fenced code;
- a number with a decimal point or an exponent agrees to the precision written, give or take one unit of its last
  digit: 0.954 agrees with 0.955 and not with 0.956;
- in a cell tagged `approx`, whose metadata names a tolerance {"rel": r, "abs": a}, every number may also differ
  by `abs + rel * |committed|`;
- the samples of a sound differ by one step of its scale at most;
- pictures agree pixel by pixel within the tolerance of `pixels.same_picture`, looser in a cell tagged `approx`;
  this holds for figures, for the sprite of an explorer, and for any other picture inside HTML.
"""

from __future__ import annotations

import base64
import io
import re
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

FENCED = re.compile(r"(^```.*?^```[ \t]*$)", re.M | re.S)
DATA_URI = re.compile(r"data:image/(?:png|webp|jpeg|gif);base64,([A-Za-z0-9+/=]+)")
SOUND_URI = re.compile(r"data:audio/wav;base64,([A-Za-z0-9+/=]+)")
RASTER = ("image/png", "image/webp", "image/jpeg", "image/gif")

# A number stands alone: "x1.5", "3.11.7" and "2.8.1" are names, and the "61." that ends a sentence is an integer.
_START, _END = r"(?<![\w.])", r"(?!\d|\.\d)"
_WHOLE = r"(?:\d{1,3}(?:,\d{3})+|\d+)"
_FLOAT = rf"(?:{_WHOLE}?\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)"
FLOATS = re.compile(rf"({_START}[-+]?{_FLOAT}{_END})")
NUMBERS = re.compile(rf"({_START}[-+]?(?:{_FLOAT}|{_WHOLE}){_END})")

SamePicture = Callable[[bytes, bytes, bool], str]


def text_difference(committed: str, computed: str, approx: Mapping[str, float] | None = None) -> str:
    """Return the first difference between two texts that matters, in words; empty when there is none.

    Parameters
    ----------
    committed, computed : str
        What the page shows and what the code printed now.
    approx : mapping, optional
        The tolerance {"rel": r, "abs": a} of a cell whose numbers come out of a training run.

    Examples
    --------
    >>> text_difference("accuracy 0.954 of 500", "accuracy 0.955 of 500")
    ''
    >>> text_difference("accuracy 0.954", "accuracy 0.956")
    '0.954 became 0.956, more than one unit of the last digit, in "accuracy 0.954"'
    >>> text_difference("accuracy 0.954", "accuracy 0.956", {"abs": 0.005})
    ''
    """
    old_parts, new_parts = FENCED.split(committed), FENCED.split(computed)
    for old, new in zip(old_parts, new_parts, strict=False):
        if old.startswith("```") or new.startswith("```"):
            if old != new:
                return _wording(old, new)
        elif difference := _prose_difference(old, new, approx):
            return difference
    return "" if len(old_parts) == len(new_parts) else _wording(committed, computed)


def _prose_difference(committed: str, computed: str, approx: Mapping[str, float] | None) -> str:
    pattern = NUMBERS if approx is not None else FLOATS
    old, new = pattern.split(committed), pattern.split(computed)
    if _words(old) != _words(new):
        return _wording(committed, computed)
    for index in range(1, len(old), 2):
        if not _same_number(old[index], new[index], approx):
            allowed = f"the tolerance {dict(approx)}" if approx is not None else "one unit of the last digit"
            place = _around(committed, len("".join(old[:index])))
            return f'{old[index]} became {new[index]}, more than {allowed}, in "{place}"'
    return ""


def _words(parts: Sequence[str]) -> list[str]:
    """Return the text between the numbers, without the spaces that only align them in columns."""
    words = list(parts[::2])
    words[1:] = [word.lstrip(" ") for word in words[1:]]
    words[:-1] = [word.rstrip(" ") for word in words[:-1]]
    return words


def _same_number(committed: str, computed: str, approx: Mapping[str, float] | None) -> bool:
    old, new = Decimal(committed.replace(",", "")), Decimal(computed.replace(",", ""))
    gap = abs(old - new)
    if approx is not None and gap <= Decimal(str(approx.get("abs", 0))) + Decimal(str(approx.get("rel", 0))) * abs(old):
        return True
    if _is_integer(committed) or _is_integer(computed):
        return committed == computed
    if _decimals(old) != _decimals(new) and len(old.as_tuple().digits) != len(new.as_tuple().digits):
        return False  # printed with another format
    return gap <= min(_last_digit(old), _last_digit(new))


def _is_integer(text: str) -> bool:
    return not re.search(r"[.eE]", text)


def _decimals(number: Decimal) -> int:
    return -int(number.as_tuple().exponent)


def _last_digit(number: Decimal) -> Decimal:
    return Decimal(1).scaleb(-_decimals(number))


def _wording(committed: str, computed: str) -> str:
    """Say where two texts first differ in their words."""
    old, new = committed.splitlines(), computed.splitlines()
    for before, now in zip(old, new, strict=False):
        if before != now and _words(FLOATS.split(before)) != _words(FLOATS.split(now)):
            at = next((i for i, (one, other) in enumerate(zip(before, now, strict=False)) if one != other), 0)
            return f'"{_around(before, at)}" became "{_around(now, at)}"'
    return f"{len(old)} lines of text became {len(new)}"


def _around(text: str, position: int, reach: int = 60) -> str:
    """Return the line of a text around a position, cut to a readable length."""
    start = max(text.rfind("\n", 0, position) + 1, position - reach)
    return text[start : position + reach].split("\n")[0].strip()


def output_differences(
    committed: Sequence[Mapping[str, Any]],
    computed: Sequence[Mapping[str, Any]],
    same_picture: SamePicture,
    approx: Mapping[str, float] | None = None,
) -> list[str]:
    """Compare the outputs of one cell, in order, and return every difference in words.

    Parameters
    ----------
    committed, computed : sequence of mapping
        Outputs in the notebook format, neighbouring pieces of a stream joined.
    same_picture : callable
        Takes the bytes of two pictures and whether to be loose; returns the difference, or "".
    approx : mapping, optional
        The tolerance of the cell, see `text_difference`.

    Returns
    -------
    list of str
        Empty when the outputs agree.
    """
    if len(committed) != len(computed):
        kinds = [", ".join(_kind(output) for output in outputs) or "none" for outputs in (committed, computed)]
        return [f"{len(committed)} outputs ({kinds[0]}) became {len(computed)} ({kinds[1]})"]
    return [
        f"output {number}: {difference}"
        for number, (old, new) in enumerate(zip(committed, computed, strict=True), start=1)
        for difference in _differences(_contents(old), _contents(new), "", same_picture, approx)
    ]


def _kind(output: Mapping[str, Any]) -> str:
    return str(output.get("name") or output["output_type"])


def _contents(output: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in output.items() if key not in ("execution_count", "transient")}


def _differences(
    old: Any, new: Any, where: str, same_picture: SamePicture, approx: Mapping[str, float] | None
) -> Iterator[str]:
    """Walk through two outputs side by side and yield what differs, with the path that leads there."""
    prefix = f"{where}: " if where else ""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            if key not in new or key not in old:
                yield f"{prefix}{key} {'is missing' if key in old else 'was not there before'}"
            else:
                yield from _differences(old[key], new[key], f"{where} {key}".strip(), same_picture, approx)
    elif isinstance(old, str) and isinstance(new, str):
        for difference in _string_differences(old, new, where, same_picture, approx):
            yield prefix + difference
    elif old != new:
        yield f"{prefix}{old!r} became {new!r}"


def _string_differences(
    old: str, new: str, where: str, same_picture: SamePicture, approx: Mapping[str, float] | None
) -> Iterator[str]:
    loose = approx is not None
    if where.endswith(RASTER):
        old_pictures, new_pictures = [old], [new]
    else:
        old_pictures, new_pictures = DATA_URI.findall(old), DATA_URI.findall(new)
        old_words, new_words = (SOUND_URI.sub("[sound]", DATA_URI.sub("[picture]", text)) for text in (old, new))
        if difference := text_difference(old_words, new_words, approx):
            yield difference
            return
        for one, other in zip(SOUND_URI.findall(old), SOUND_URI.findall(new), strict=True):
            if difference := _sound_difference(base64.b64decode(one), base64.b64decode(other)):
                yield difference
    for before, now in zip(old_pictures, new_pictures, strict=True):
        if difference := same_picture(base64.b64decode(before), base64.b64decode(now), loose):
            yield difference


def _sound_difference(committed: bytes, computed: bytes) -> str:
    """Return how two WAV files of 16 bits differ by more than rounding; empty when they sound the same."""
    (old, old_form), (new, new_form) = _samples(committed), _samples(computed)
    if old_form != new_form:
        return f"a sound of the form {old_form} became {new_form}"
    gap = int(np.abs(old - new).max(initial=0))
    return f"the samples of a sound differ by up to {gap} steps" if gap > 1 else ""


def _samples(file: bytes) -> tuple[Any, Any]:
    with wave.open(io.BytesIO(file)) as sound:
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(int), sound.getparams()
