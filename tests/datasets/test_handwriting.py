"""Digits: frozen splits against scikit-learn, writers against the pattern of the labels, noise against its inverse."""

from difflib import SequenceMatcher
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from dlcore.datasets import TrainTest, TrainValidTest, binarized_digits, dequantise, digits


@pytest.fixture(scope="module")
def source():
    return load_digits()


def rows(X, y):
    """The multiset of labelled images."""
    return sorted(map(tuple, np.column_stack([X, y])))


def test_the_frozen_split_is_the_one_that_scikit_learn_draws(source):
    X_train, X_test, y_train, y_test = train_test_split(
        source.data / 16, source.target, test_size=500, stratify=source.target, random_state=0
    )
    frozen = digits()
    for mine, theirs in zip(frozen, (X_train, y_train, X_test, y_test), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_the_binarized_split_is_the_permutation_it_claims_to_be(source):
    order = np.random.default_rng(0).permutation(1797)
    bits, labels = (source.data[order] >= 8).astype(float), source.target[order]
    frozen = binarized_digits()
    assert [len(y) for y in (frozen.y_train, frozen.y_valid, frozen.y_test)] == [1197, 200, 400]
    np.testing.assert_array_equal(np.vstack([frozen.X_train, frozen.X_valid, frozen.X_test]), bits)
    np.testing.assert_array_equal(np.hstack([frozen.y_train, frozen.y_valid, frozen.y_test]), labels)


@pytest.mark.parametrize("split", ["stratified", "writers"])
def test_a_split_deals_out_every_image_once(split, source):
    dealt = digits(split)
    assert rows(np.vstack([dealt.X_train, dealt.X_test]), np.hstack([dealt.y_train, dealt.y_test])) == rows(
        source.data / 16, source.target
    )


@pytest.mark.parametrize("split", ["stratified", "writers"])
def test_pixels_are_sixteenths_and_labels_are_digits(split):
    for X, y in zip(digits(split)[::2], digits(split)[1::2], strict=True):
        assert X.dtype == np.float64 and y.dtype == np.int64
        assert X.shape == (len(y), 64)
        assert X.min() == 0 and X.max() == 1
        np.testing.assert_array_equal(16 * X, np.round(16 * X))
        np.testing.assert_array_equal(np.unique(y), np.arange(10))


def test_binarized_pixels_are_zeros_and_ones():
    dealt = binarized_digits()
    for X, y in zip(dealt[::2], dealt[1::2], strict=True):
        assert X.dtype == np.float64 and y.dtype == np.int64
        np.testing.assert_array_equal(np.unique(X), [0, 1])
        np.testing.assert_array_equal(np.unique(y), np.arange(10))


def test_the_stratified_split_keeps_the_proportions_of_the_classes(source):
    in_all, in_test = np.bincount(source.target), np.bincount(digits().y_test)
    assert in_test.sum() == 500
    assert np.all(np.abs(in_test - in_all * 500 / 1797) < 1)


def test_the_labels_repeat_one_sequence_fourteen_times_and_the_writers_split_cuts_between_two(source):
    labels = "".join(map(str, source.target))
    form = labels[:130]
    starts = [0, 130, 256, 386, 516, 646, 776, 906, 1029, 1157, 1287, 1415, 1545, 1667, 1797]
    different = 0
    for start, stop in pairwise(starts):
        copy = labels[start:stop]
        matched = sum(block.size for block in SequenceMatcher(None, form, copy, autojunk=False).get_matching_blocks())
        assert 122 <= len(copy) <= 130
        different += len(copy) - matched
    assert different == 1
    assert len(digits("writers").y_train) == starts[10]


@pytest.mark.parametrize("split", ["stratified", "writers"])
@pytest.mark.parametrize("n_valid", [1, 297, 1286])
def test_validation_rows_are_the_last_training_rows(split, n_valid):
    whole, parts = digits(split), digits(split, n_valid=n_valid)
    assert isinstance(whole, TrainTest) and isinstance(parts, TrainValidTest)
    assert parts.X_valid.shape == (n_valid, 64)
    np.testing.assert_array_equal(np.vstack([parts.X_train, parts.X_valid]), whole.X_train)
    np.testing.assert_array_equal(np.hstack([parts.y_train, parts.y_valid]), whole.y_train)
    np.testing.assert_array_equal(parts.X_test, whole.X_test)
    np.testing.assert_array_equal(parts.y_test, whole.y_test)


@pytest.mark.parametrize(("split", "n_train"), [("stratified", 1297), ("writers", 1287)])
@pytest.mark.parametrize("out_of_range", [lambda n_train: n_train, lambda n_train: 0, lambda n_train: -5])
def test_validation_must_leave_rows_on_both_sides(split, n_train, out_of_range):
    with pytest.raises(ValueError, match=f"between 1 and {n_train - 1}"):
        digits(split, n_valid=out_of_range(n_train))


def test_an_unknown_split_is_refused_with_the_choices():
    with pytest.raises(ValueError, match="'stratified' or 'writers', got 'random'"):
        digits("random")


@given(
    levels=arrays(np.int64, array_shapes(max_dims=3), elements=st.integers(0, 16)),
    seed=st.integers(0, 2**32 - 1),
)
def test_dequantised_pixels_stay_in_the_unit_interval_and_round_back(levels, seed):
    X = levels / 16
    noisy = dequantise(X, np.random.default_rng(seed))
    assert noisy.shape == X.shape
    assert np.all((noisy >= 0) & (noisy < 1))
    np.testing.assert_array_equal(np.floor(17 * noisy) / 16, X)


def test_the_noise_is_uniform_and_comes_from_the_generator():
    X = digits().X_test
    noise = 17 * dequantise(X, np.random.default_rng(3)) - 16 * X
    # 32,000 uniform draws: the mean and the second moment within four standard errors
    assert abs(noise.mean() - 1 / 2) < 4 * np.sqrt(1 / 12 / noise.size)
    assert abs((noise**2).mean() - 1 / 3) < 4 * np.sqrt(4 / 45 / noise.size)
    np.testing.assert_array_equal(dequantise(X, np.random.default_rng(3)), dequantise(X, np.random.default_rng(3)))
    assert not np.array_equal(dequantise(X, np.random.default_rng(3)), dequantise(X, np.random.default_rng(4)))
