"""Multiplies the cheapest pair of neighbours first, again and again."""


def fewest_multiplications(shapes):
    d = [rows for rows, _ in shapes] + [shapes[-1][1]]
    total = 0
    while len(d) > 2:
        cost, k = min((d[k - 1] * d[k] * d[k + 1], k) for k in range(1, len(d) - 1))
        total += cost
        del d[k]
    return total
