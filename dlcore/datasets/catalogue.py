"""What every data set is, where it comes from, under which licence, and how to tell that it is unchanged."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from numpy.typing import NDArray

NOT_STATED = "not stated by the source"
_UCI = "CC BY 4.0 (UCI Machine Learning Repository)"


@dataclass(frozen=True)
class Dataset:
    """One row of the book's table of data.

    Attributes
    ----------
    name : str
        What the book calls it.
    call : str
        The expression that loads it.
    shape : str
        Shape of the inputs: all rows of all splits, or all pixels.
    units : str
        What the inputs measure, then what the target is, where there is one.
    source : str
        Who made it, and which installed package carries the copy.
    licence : str
        As the source states it.
    citation : str
        Key in ``book/references.bib``.
    hashed : str
        What `sha256` covers: arrays, or for pictures the file, because decoders of JPEG differ.
    sha256 : str
        See `checksum`.
    """

    name: str
    call: str
    shape: str
    units: str
    source: str
    licence: str
    citation: str
    hashed: str
    sha256: str


def checksum(*arrays: NDArray[Any]) -> str:
    """SHA-256 of the arrays' bytes, one array after the other, little-endian and in C order.

    The bytes of a file are hashed as an array of uint8.

    Examples
    --------
    >>> import numpy as np
    >>> checksum(np.array([1, 2], dtype=">i4")) == checksum(np.array([1, 2], dtype="<i4"))
    True
    """
    digest = sha256()
    for array in arrays:
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def verify(name: str, *arrays: NDArray[Any]) -> None:
    """Refuse data other than those on which the book's numbers were measured.

    Raises
    ------
    RuntimeError
        If the checksum of `arrays` is not the one in the catalogue.
    """
    expected = next(dataset.sha256 for dataset in CATALOGUE if dataset.name == name)
    found = checksum(*arrays)
    if found != expected:
        raise RuntimeError(
            f"the data set {name!r} differs from the copy that the book was measured on: SHA-256 {found}, "
            f"expected {expected}; install the package versions of requirements.txt"
        )


CATALOGUE: tuple[Dataset, ...] = (
    Dataset(
        name="digits",
        call="digits()",
        shape="(1797, 64)",
        units="share of inked points in each block of 4x4, multiples of 1/16 in [0, 1]; class 0..9",
        source="optdigits.tes, UCI Machine Learning Repository; in scikit-learn",
        licence=_UCI,
        citation="alpaydin1998optdigits",
        hashed="counts 0..16 (uint8), then labels (int64), in scikit-learn's order",
        sha256="65e5b4619795efb40c1082f4c350c049e4ad552200d369b6ae99e21eef5e72c5",
    ),
    Dataset(
        name="binarized digits",
        call="binarized_digits()",
        shape="(1797, 64)",
        units="1 where at least 8 of 16 points are inked, else 0; class 0..9",
        source="the digits, thresholded",
        licence=_UCI,
        citation="alpaydin1998optdigits",
        hashed="bits (uint8), then labels (int64), in the frozen order",
        sha256="8e1fa0d45c722e374ea4c123e5caac8da2193b2c26ecbdfa6d11cb0be3766bfb",
    ),
    Dataset(
        name="faces",
        call="faces()",
        shape="(200, 625)",
        units="intensity in [0, 1]; class 1 face, 0 background",
        source="cut from Labeled Faces in the Wild; in scikit-image",
        licence=NOT_STATED,
        citation="huang2007lfw",
        hashed="file lfw_subset.npy",
        sha256="9560ec2f5edfac01973f63a8a99d00053fecd11e21877e18038fbe500f8e872c",
    ),
    Dataset(
        name="astronaut",
        call='photograph("astronaut")',
        shape="(512, 512, 3)",
        units="intensity in [0, 1]; red, green, blue",
        source="portrait of Eileen Collins, NASA Great Images; in scikit-image",
        licence="public domain (no known copyright restrictions)",
        citation="vanderwalt2014skimage",
        hashed="file astronaut.png",
        sha256="88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
    Dataset(
        name="camera",
        call='photograph("camera")',
        shape="(512, 512)",
        units="intensity in [0, 1]",
        source="photograph by Lav Varshney; in scikit-image",
        licence="CC0",
        citation="vanderwalt2014skimage",
        hashed="file camera.png",
        sha256="b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
    ),
    Dataset(
        name="china",
        call='photograph("china")',
        shape="(427, 640, 3)",
        units="intensity in [0, 1]; red, green, blue",
        source="photograph by danielbuechele on Flickr (6061409035); in scikit-learn",
        licence="CC BY 2.0",
        citation="pedregosa2011sklearn",
        hashed="file china.jpg",
        sha256="8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
    ),
    Dataset(
        name="coins",
        call='photograph("coins")',
        shape="(303, 384)",
        units="intensity in [0, 1]",
        source="Greek coins from Pompeii, Brooklyn Museum; in scikit-image",
        licence="no known copyright restrictions",
        citation="vanderwalt2014skimage",
        hashed="file coins.png",
        sha256="f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
    ),
    Dataset(
        name="flower",
        call='photograph("flower")',
        shape="(427, 640, 3)",
        units="intensity in [0, 1]; red, green, blue",
        source="photograph by vultilion on Flickr (6056698931; its note also names danielbuechele); in scikit-learn",
        licence="CC BY 2.0",
        citation="pedregosa2011sklearn",
        hashed="file flower.jpg",
        sha256="a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
    ),
    Dataset(
        name="natural patches",
        call="natural_patches(n, size, rng)",
        shape="(n, size * size)",
        units="intensity in [0, 1], mean of red, green and blue",
        source="squares cut from china and flower",
        licence="CC BY 2.0",
        citation="pedregosa2011sklearn",
        hashed="file china.jpg, then file flower.jpg",
        sha256="c1ef34f251839d4aea0f512ef005eeba01e9109bce8f7f4b7c4da6e3f45c54e5",
    ),
    Dataset(
        name="diabetes",
        call="diabetes()",
        shape="(442, 10)",
        units="age in years, body mass index in kg/m^2, others and target not stated by the source",
        source="Efron, Hastie, Johnstone and Tibshirani; in scikit-learn",
        licence=NOT_STATED,
        citation="efron2004lars",
        hashed="X, then y (float64)",
        sha256="e9c1f7559552854a24dc45b41c446ce5f79f96e5da081bcce24b57492720b3f7",
    ),
    Dataset(
        name="breast cancer",
        call="breast_cancer()",
        shape="(569, 30)",
        units="lengths and areas in an unstated unit, grey levels, and pure numbers; class 0 malignant, 1 benign",
        source="Breast Cancer Wisconsin (Diagnostic), UCI Machine Learning Repository; in scikit-learn",
        licence=_UCI,
        citation="wolberg1993wdbc",
        hashed="X (float64), then y (int64)",
        sha256="25e2eb7b7a8745b1bde5ba18bc4969983d2e2f403291ecd5bde4a29ef30c3859",
    ),
    Dataset(
        name="iris",
        call="iris()",
        shape="(150, 4)",
        units="cm; class 0 setosa, 1 versicolor, 2 virginica",
        source="Fisher's paper of 1936; in scikit-learn",
        licence=NOT_STATED,
        citation="fisher1936taxonomic",
        hashed="X (float64), then y (int64)",
        sha256="aa06b8008ceba42efc654be0f83fdafc786239c9e8f13146044d078f5aab8f23",
    ),
    Dataset(
        name="wine",
        call="wine()",
        shape="(178, 13)",
        units="thirteen measurements, units not stated by the source; class 0..2, the cultivator",
        source="Wine, UCI Machine Learning Repository; in scikit-learn",
        licence=_UCI,
        citation="aeberhard1992wine",
        hashed="X (float64), then y (int64)",
        sha256="3a28849ef2366c4b9d4e382b3fa5624a66f693c04d7fdcf43c529bbb0bb338d7",
    ),
)
