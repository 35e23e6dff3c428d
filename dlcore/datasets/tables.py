"""Four small tables of measurements."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dlcore.datasets.catalogue import NOT_STATED, verify


class Table(NamedTuple):
    """Measurements in their own units, one sample per row.

    Attributes
    ----------
    X : array of shape (n, d)
    y : array of shape (n,)
        A quantity (float64) or a class (int64).
    features, units : tuple of d strings
        Name and unit of every column of `X`.
    classes : tuple of str
        ``classes[k]`` names class k; empty where `y` is a quantity.
    """

    X: NDArray[np.float64]
    y: NDArray[Any]
    features: tuple[str, ...]
    units: tuple[str, ...]
    classes: tuple[str, ...] = ()


def diabetes() -> Table:
    """Ten measurements on 442 diabetes patients, and how far the disease has gone a year later.

    Returns
    -------
    Table
        ``X`` of shape (442, 10) as measured, neither centred nor scaled; ``y`` of shape (442,), a
        measure of progression between 25 and 346 whose unit the source does not state.

    Examples
    --------
    >>> patients = diabetes()
    >>> patients.features[2], patients.units[2], float(patients.X[0, 2])
    ('body mass index', 'kg/m^2', 32.1)
    """
    from sklearn.datasets import load_diabetes

    source = load_diabetes(scaled=False)
    X, y = source.data.astype(np.float64), source.target.astype(np.float64)
    verify("diabetes", X, y)
    columns = {
        "age": "years",
        "sex": "code 1 or 2",
        "body mass index": "kg/m^2",
        "mean blood pressure": NOT_STATED,
        "total serum cholesterol": NOT_STATED,
        "low-density lipoproteins": NOT_STATED,
        "high-density lipoproteins": NOT_STATED,
        "total cholesterol / HDL": "ratio",
        "log of serum triglycerides (possibly)": NOT_STATED,
        "blood sugar": NOT_STATED,
    }
    return Table(X, y, tuple(columns), tuple(columns.values()))


def breast_cancer() -> Table:
    """Thirty measurements of the cell nuclei in 569 breast tumours, malignant or benign.

    Ten properties are measured on every nucleus of an image; their mean, their standard error and
    the mean of the three largest values make 30 columns.

    Returns
    -------
    Table
        ``X`` of shape (569, 30); ``y`` of shape (569,), 0 malignant (212) and 1 benign (357).

    Examples
    --------
    >>> tumours = breast_cancer()
    >>> tumours.classes, tumours.features[0]
    (('malignant', 'benign'), 'mean radius')
    """
    from sklearn.datasets import load_breast_cancer

    lengths = (NOT_STATED, "grey levels", NOT_STATED, NOT_STATED)  # radius, texture, perimeter, area
    return _classification("breast cancer", load_breast_cancer(), 3 * (lengths + 6 * ("dimensionless",)))


def iris() -> Table:
    """Four measurements on 150 flowers of three species of iris.

    Returns
    -------
    Table
        ``X`` of shape (150, 4) in cm; ``y`` of shape (150,), fifty of each species.

    Examples
    --------
    >>> iris().classes
    ('setosa', 'versicolor', 'virginica')
    """
    from sklearn.datasets import load_iris

    return _classification("iris", load_iris(), 4 * ("cm",))


def wine() -> Table:
    """Thirteen chemical measurements on 178 wines from three cultivators of one region of Italy.

    Returns
    -------
    Table
        ``X`` of shape (178, 13); ``y`` of shape (178,), the cultivator, 59, 71 and 48 wines.

    Examples
    --------
    >>> wine().features[12]
    'proline'
    """
    from sklearn.datasets import load_wine

    return _classification("wine", load_wine(), 13 * (NOT_STATED,))


def _classification(name: str, source: Any, units: tuple[str, ...]) -> Table:
    X, y = source.data.astype(np.float64), source.target.astype(np.int64)
    verify(name, X, y)
    features = tuple(str(feature).removesuffix(" (cm)").replace("_", " ") for feature in source.feature_names)
    return Table(X, y, features, units, tuple(str(label).replace("_", " ") for label in source.target_names))
