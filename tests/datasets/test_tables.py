"""Tables against scikit-learn's loaders and the ranges that its descriptions print."""

import numpy as np
import pytest
from sklearn import datasets as sklearn_datasets

from dlcore.datasets import breast_cancer, diabetes, iris, wine


@pytest.mark.parametrize(
    ("table", "peer"),
    [
        (diabetes, lambda: sklearn_datasets.load_diabetes(scaled=False)),
        (breast_cancer, sklearn_datasets.load_breast_cancer),
        (iris, sklearn_datasets.load_iris),
        (wine, sklearn_datasets.load_wine),
    ],
)
def test_a_table_is_the_one_that_scikit_learn_ships(table, peer):
    mine, theirs = table(), peer()
    np.testing.assert_array_equal(mine.X, theirs.data)
    np.testing.assert_array_equal(mine.y, theirs.target)
    assert mine.X.dtype == np.float64
    assert len(mine.features) == len(set(mine.features)) == len(mine.units) == mine.X.shape[1]
    assert all(mine.features) and all(mine.units)


@pytest.mark.parametrize(("table", "counts"), [(breast_cancer, [212, 357]), (iris, 3 * [50]), (wine, [59, 71, 48])])
def test_classes_are_named_and_counted(table, counts):
    samples = table()
    assert samples.y.dtype == np.int64
    np.testing.assert_array_equal(np.bincount(samples.y), counts)
    assert len(samples.classes) == len(counts)


def test_breast_cancer_calls_the_malignant_tumours_zero():
    tumours = breast_cancer()
    radius = tumours.X[:, tumours.features.index("mean radius")]
    assert tumours.classes == ("malignant", "benign")
    assert np.median(radius[tumours.y == 0]) > np.median(radius[tumours.y == 1])


def test_diabetes_is_unscaled_and_its_target_a_quantity():
    patients = diabetes()
    age, sex, bmi = patients.X[:, :3].T
    assert patients.y.dtype == np.float64 and patients.classes == ()
    assert (age.min(), age.max()) == (19, 79)
    np.testing.assert_array_equal(np.unique(sex), [1, 2])
    assert (bmi.min(), bmi.max()) == (18.0, 42.2)
    assert (patients.y.min(), patients.y.max()) == (25, 346)


@pytest.mark.parametrize(
    ("table", "feature", "unit", "lowest", "highest"),
    [
        (breast_cancer, "worst area", "not stated by the source", 185.2, 4254.0),
        (breast_cancer, "mean texture", "grey levels", 9.71, 39.28),
        (breast_cancer, "worst concavity", "dimensionless", 0.0, 1.252),
        (iris, "petal length", "cm", 1.0, 6.9),
        (wine, "proline", "not stated by the source", 278, 1680),
        (diabetes, "total cholesterol / HDL", "ratio", 2.0, 9.09),
    ],
)
def test_a_column_carries_its_name_and_unit(table, feature, unit, lowest, highest):
    samples = table()
    column = samples.features.index(feature)
    assert samples.units[column] == unit
    assert (samples.X[:, column].min(), samples.X[:, column].max()) == (lowest, highest)
