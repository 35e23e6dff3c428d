"""Takes out the largest exponent even where the terms are all zero."""

import numpy as np


def signed_logsumexp(z, w):
    z, w = np.asarray(z, dtype=float), np.asarray(w, dtype=float)
    m = z.max(initial=-1e300)
    total = np.sum(w * np.exp(z - m))
    return float(m + np.log(abs(total))), float(np.sign(total))
