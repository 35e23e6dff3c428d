"""Calls SciPy."""


def lu(A):
    import scipy.linalg

    P, L, U = scipy.linalg.lu(A)
    return P.T, L, U
