"""Mean of the squares minus square of the mean, in one pass."""


def variance(stream):
    n, total, squares = 0, 0.0, 0.0
    for x in stream:
        n, total, squares = n + 1, total + x, squares + x * x
    return squares / n - (total / n) ** 2 if n else 0.0
