"""Knows only reverse mode and forward mode, and takes the cheaper one."""


def fewest_multiplications(shapes):
    d = [rows for rows, _ in shapes] + [shapes[-1][1]]
    left = sum(d[0] * d[k] * d[k + 1] for k in range(1, len(d) - 1))
    right = sum(d[k - 1] * d[k] * d[-1] for k in range(1, len(d) - 1))
    return min(left, right)
