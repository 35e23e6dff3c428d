"""Photographs and faces against the loaders of scikit-image and scikit-learn; patches against the photographs."""

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_sample_image

from dlcore.datasets import faces, natural_patches, photograph, pictures

PEERS = {
    "astronaut": skimage.data.astronaut,
    "camera": skimage.data.camera,
    "china": lambda: load_sample_image("china.jpg"),
    "coins": skimage.data.coins,
    "flower": lambda: load_sample_image("flower.jpg"),
}


@pytest.mark.parametrize("name", PEERS)
def test_a_photograph_is_the_one_its_package_ships(name):
    mine, theirs = photograph(name), PEERS[name]()
    assert mine.dtype == np.float64
    np.testing.assert_array_equal(mine, theirs / 255)


@pytest.mark.parametrize("name", PEERS)
def test_grey_is_the_mean_of_the_channels(name):
    levels = PEERS[name]().astype(float)
    expected = levels if levels.ndim == 2 else (levels[:, :, 0] + levels[:, :, 1] + levels[:, :, 2]) / 3
    np.testing.assert_allclose(photograph(name, grey=True), expected / 255, rtol=0, atol=1e-15)


def test_the_photographs_look_right():
    """Coarse facts that survive any JPEG decoder: the sky over the temple, the petals on the leaves."""
    china, flower = photograph("china"), photograph("flower")
    sky, petals = china[:100].mean(axis=(0, 1)), flower[200:260, 300:360].mean(axis=(0, 1))
    assert sky.min() > 0.5 and sky.argmax() == 2, "the sky is light and blue"
    assert petals.argmax() == 0 and petals[0] - petals[1] > 0.2, "the petals are red"


def test_an_unknown_photograph_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="'lena': choose from astronaut, camera, china, coins, flower"):
        photograph("lena")


def test_faces_are_those_of_scikit_image():
    X, y = faces()
    assert X.shape == (200, 625) and X.dtype == np.float64 and y.dtype == np.int64
    assert X.min() == 0 and X.max() == 1
    np.testing.assert_array_equal(X.reshape(200, 25, 25), skimage.data.lfw_subset())
    np.testing.assert_array_equal(np.bincount(y), [100, 100])
    assert np.all(y[:100] == 1)


def test_the_labels_tell_faces_from_background():
    """A face resembles the mean face of others more than background does."""
    X, y = faces()
    X = X - X.mean(axis=1, keepdims=True)
    X = X / np.linalg.norm(X, axis=1, keepdims=True)
    likeness = X @ X[:50].mean(axis=0)
    assert np.median(likeness[50:][y[50:] == 1]) > np.quantile(likeness[y == 0], 0.95)


@settings(deadline=None, max_examples=20)
@given(
    n=st.integers(0, 5), size=st.integers(1, 200), region=st.sampled_from([None, "left", "right"]), seed=st.integers(0)
)
def test_every_patch_occurs_in_its_part_of_a_photograph(n, size, region, seed):
    columns = {None: slice(None), "left": slice(0, 426), "right": slice(426, 640)}[region]
    parts = [photograph(name, grey=True)[:, columns] for name in ("china", "flower")]
    patches = natural_patches(n, size, np.random.default_rng(seed), region=region)
    assert patches.shape == (n, size * size) and patches.dtype == np.float64
    for patch in patches.reshape(n, size, size):
        corners = [
            (part, row, column)
            for part in parts
            for row, column in np.argwhere(part[: 428 - size, : part.shape[1] + 1 - size] == patch[0, 0])
        ]
        assert any(np.array_equal(part[i : i + size, j : j + size], patch) for part, i, j in corners)


@pytest.mark.parametrize(("region", "first", "last"), [(None, 0, 639), ("left", 0, 425), ("right", 426, 639)])
def test_patches_reach_both_edges_of_their_region_and_no_further(region, first, last, monkeypatch):
    monkeypatch.setattr(pictures, "photograph", lambda name, *, grey: np.tile(np.arange(640.0), (427, 1)))
    columns = natural_patches(20_000, 8, np.random.default_rng(0), region=region)
    assert columns.min() == first and columns.max() == last


def test_patches_reach_the_top_and_the_bottom_of_both_photographs(monkeypatch):
    heights = {"china": 0, "flower": 1000}
    monkeypatch.setattr(
        pictures, "photograph", lambda name, *, grey: np.tile(heights[name] + np.arange(427.0)[:, None], (1, 640))
    )
    found = set(natural_patches(20_000, 8, np.random.default_rng(0)).ravel())
    assert found == set(np.arange(427.0)) | set(1000 + np.arange(427.0))


def test_both_photographs_get_their_share(monkeypatch):
    monkeypatch.setattr(pictures, "photograph", lambda name, *, grey: np.full((427, 640), float(name == "china")))
    share = natural_patches(10_000, 1, np.random.default_rng(0)).mean()
    assert abs(share - 1 / 2) < 4 * np.sqrt(1 / 4 / 10_000)


def test_the_generator_decides():
    first, again, other = (natural_patches(50, 12, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("region", "largest"), [(None, 427), ("left", 426), ("right", 214)])
def test_a_patch_must_fit(region, largest):
    assert natural_patches(1, largest, np.random.default_rng(0), region=region).shape == (1, largest**2)
    for size in (0, largest + 1):
        with pytest.raises(ValueError, match=f"between 1 and {largest}, got {size}"):
            natural_patches(1, size, np.random.default_rng(0), region=region)


def test_an_unknown_region_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="'left', 'right' or None, got 'middle'"):
        natural_patches(1, 8, np.random.default_rng(0), region="middle")
