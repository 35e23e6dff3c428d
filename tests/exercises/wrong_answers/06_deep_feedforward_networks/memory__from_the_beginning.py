"""Keeps nothing, and computes each input again from the very beginning."""


def pull(layers, x, g):
    for i in range(len(layers) - 1, -1, -1):
        h = x
        for layer in layers[:i]:
            h = layer.forward(h)
        g = layers[i].backward(h, g)
    return g
