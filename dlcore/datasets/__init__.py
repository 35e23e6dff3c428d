"""Every data set of the book, by name and offline.

The data travel inside scikit-learn and scikit-image, or are frozen beside this file; no function of
this package opens a connection. Rows are samples, small pictures are rows of pixels
(``X.reshape(-1, 8, 8)`` shows them), grey levels are float64 in [0, 1], and every call returns fresh
arrays. What each data set is, who made it and under which licence stands in `CATALOGUE`.
Measurements of our own that take longer than a page may are a `record`.
"""

from dlcore.datasets.catalogue import CATALOGUE, Dataset, checksum
from dlcore.datasets.handwriting import TrainTest, TrainValidTest, binarized_digits, dequantise, digits
from dlcore.datasets.pictures import Labelled, faces, natural_patches, photograph
from dlcore.datasets.records import record
from dlcore.datasets.tables import Table, breast_cancer, diabetes, iris, wine

__all__ = [
    "CATALOGUE",
    "Dataset",
    "Labelled",
    "Table",
    "TrainTest",
    "TrainValidTest",
    "binarized_digits",
    "breast_cancer",
    "checksum",
    "dequantise",
    "diabetes",
    "digits",
    "faces",
    "iris",
    "natural_patches",
    "photograph",
    "record",
    "wine",
]
