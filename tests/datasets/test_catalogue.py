"""Every data set has a complete row, unchanged bytes, fresh arrays, and no need of a network."""

import hashlib
import re
import subprocess
import sys
from importlib import resources

import numpy as np
import pytest
from skimage.data._registry import registry

from dlcore import datasets
from dlcore.datasets import CATALOGUE, catalogue, checksum

ROWS = {row.name: row for row in CATALOGUE}
PHOTOGRAPHS = ("astronaut", "camera", "china", "coins", "flower")
TABLES = ("diabetes", "breast cancer", "iris", "wine")


def load(name):
    """The arrays of a data set, loaded by the expression that the catalogue prints."""
    patches = {"n": 40, "size": 8, "rng": np.random.default_rng(0)}
    loaded = eval(ROWS[name].call, {**vars(datasets), **patches})
    return (loaded,) if isinstance(loaded, np.ndarray) else tuple(part for part in loaded if hasattr(part, "dtype"))


def sha256_of_files(*files):
    return hashlib.sha256(b"".join(resources.files(package).joinpath(name).read_bytes() for package, name in files))


def sha256_of_arrays(*arrays):
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays))


def test_every_loader_has_a_row_and_every_row_a_loader():
    functions = {"digits", "binarized_digits", "faces", "natural_patches", "diabetes", "breast_cancer", "iris", "wine"}
    calls = [row.call for row in CATALOGUE]
    assert sorted(calls) == sorted(set(calls)) and len(ROWS) == len(CATALOGUE)
    assert {call.split("(")[0] for call in calls} == functions | {"photograph"}
    assert {call for call in calls if call.startswith("photograph")} == {f'photograph("{p}")' for p in PHOTOGRAPHS}


@pytest.mark.parametrize("row", CATALOGUE, ids=lambda row: row.name)
def test_a_row_says_everything(row):
    assert all(vars(row).values())
    assert re.fullmatch("[0-9a-f]{64}", row.sha256)
    assert re.fullmatch("[a-z]+[12][0-9]{3}[a-z]+", row.citation)


@pytest.mark.parametrize("name", ROWS)
def test_the_shape_is_the_one_stated(name):
    arrays = load(name)
    inputs = np.vstack(arrays[::2]) if "digits" in name else arrays[0]
    expected = (40, 64) if name == "natural patches" else tuple(map(int, re.findall("[0-9]+", ROWS[name].shape)))
    assert inputs.shape == expected


def test_digits_checksum():
    dealt = datasets.digits("writers")  # scikit-learn's order
    pixels, labels = np.vstack([dealt.X_train, dealt.X_test]), np.hstack([dealt.y_train, dealt.y_test])
    assert sha256_of_arrays((16 * pixels).astype("u1"), labels.astype("<i8")).hexdigest() == ROWS["digits"].sha256


def test_binarized_digits_checksum():
    dealt = datasets.binarized_digits()
    bits, labels = np.vstack(dealt[::2]), np.hstack(dealt[1::2])
    digest = sha256_of_arrays(bits.astype("u1"), labels.astype("<i8")).hexdigest()
    assert digest == ROWS["binarized digits"].sha256


@pytest.mark.parametrize("name", TABLES)
def test_table_checksum(name):
    X, y = load(name)
    y = y.astype("<f8" if name == "diabetes" else "<i8")
    assert sha256_of_arrays(X.astype("<f8"), y).hexdigest() == ROWS[name].sha256


@pytest.mark.parametrize(
    ("name", "file"),
    [("astronaut", "astronaut.png"), ("camera", "camera.png"), ("coins", "coins.png"), ("faces", "lfw_subset.npy")],
)
def test_checksum_of_a_file_of_scikit_image(name, file):
    assert sha256_of_files(("skimage", f"data/{file}")).hexdigest() == ROWS[name].sha256
    assert registry[f"data/{file}"] == ROWS[name].sha256, "scikit-image's own register agrees"


@pytest.mark.parametrize(
    ("name", "files"),
    [("china", ["china.jpg"]), ("flower", ["flower.jpg"]), ("natural patches", ["china.jpg", "flower.jpg"])],
)
def test_checksum_of_files_of_scikit_learn(name, files):
    found = sha256_of_files(*(("sklearn", f"datasets/images/{file}") for file in files))
    assert found.hexdigest() == ROWS[name].sha256


def test_a_changed_data_set_is_refused():
    with pytest.raises(RuntimeError, match=r"'iris' differs from the copy .* requirements\.txt"):
        catalogue.verify("iris", np.zeros((150, 4)))


def test_the_checksum_depends_on_values_and_not_on_layout():
    a = np.arange(12.0).reshape(3, 4)
    assert checksum(a) == hashlib.sha256(a.astype("<f8").tobytes()).hexdigest()
    assert checksum(a) == checksum(a.astype(">f8")) == checksum(np.asfortranarray(a)) == checksum(a[:2], a[2:])
    assert checksum(a) != checksum(a.astype(np.float32)) and checksum(a) != checksum(a[::-1])


@pytest.mark.parametrize("name", ROWS)
def test_whoever_overwrites_an_array_spoils_nobody_elses(name):
    before = [array.copy() for array in load(name)]
    for array in load(name):
        array[...] = 7
    for again, original in zip(load(name), before, strict=True):
        np.testing.assert_array_equal(again, original)


def test_nothing_is_downloaded_and_the_package_itself_needs_numpy_only():
    """In a fresh interpreter, so that no cache helps; Python's audit events see every connection."""
    program = """
import sys

def refuse(event, args):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "urllib.Request", "http.client")):
        raise AssertionError(f"tried to reach the network: {event} {args}")

sys.addaudithook(refuse)
from dlcore import datasets
assert not {"sklearn", "skimage", "PIL"} & set(sys.modules), "heavy packages are imported when first needed"
import numpy as np
for row in datasets.CATALOGUE:
    eval(row.call, {**vars(datasets), "n": 3, "size": 8, "rng": np.random.default_rng(0)})
print(len(datasets.CATALOGUE), "loaded")
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.stdout, run.returncode) == ("13 loaded\n", 0), run.stderr
