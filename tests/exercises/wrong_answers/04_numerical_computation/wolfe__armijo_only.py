"""Shortens until Armijo is content, and never asks whether the step is too short."""


def wolfe(f, gradient, x, d, c1=1e-4, c2=0.9):
    t = 1.0
    while f(x + t * d) > f(x) + c1 * t * (gradient(x) @ d):
        t /= 2
    return t
