"""Keeps the input of every layer."""


def pull(layers, x, g):
    inputs = [x]
    for layer in layers[:-1]:
        inputs.append(layer.forward(inputs[-1]))
    for layer in reversed(layers):
        g = layer.backward(inputs.pop(), g)
    return g
