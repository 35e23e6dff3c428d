"""A small NumPy package that implements the algorithms of *Deep Learning* (Goodfellow, Bengio, Courville 2016)."""
