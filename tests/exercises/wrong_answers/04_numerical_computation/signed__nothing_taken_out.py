"""Forms the exponentials as they are."""

import numpy as np


def signed_logsumexp(z, w):
    total = np.sum(np.asarray(w) * np.exp(np.asarray(z, dtype=float)))
    return float(np.log(abs(total))), float(np.sign(total))
