"""What cells of a grid show of a frame, cell by cell and word by word."""

from __future__ import annotations


def common(start, end, other_start, other_end):
    """Length of what two stretches share."""
    return max(0.0, min(end, other_end) - max(start, other_start))


def coverage(box, cells, size):
    """Shares of the cells, row by row, that the square around a thing covers; all in pixels."""
    height, width = size
    rows, columns = cells
    x, y, side = box[0] * width, box[1] * height, box[2] * height
    tall, wide = height / rows, width / columns
    shares = []
    for row in range(rows):
        for column in range(columns):
            down = common(y - side / 2, y + side / 2, row * tall, (row + 1) * tall)
            across = common(x - side / 2, x + side / 2, column * wide, (column + 1) * wide)
            shares.append(down * across / (tall * wide))
    return shares


def cell_features(covered, thing, colour, place, action):
    """Features of a cell of which a thing covers a share; thing and colour add up to its certainty."""
    certain = covered * sum(thing)
    around = [covered * share for share in thing]
    around += [covered * share for share in colour]
    around += place
    around += [certain * share for share in action]
    about = [covered * share / 4 for share in thing]
    about += [covered * share / 4 for share in colour]
    about += [(1 - certain) * share / 4 for share in place]
    about += [certain * share / 4 for share in action]
    return about + around
