"""A memory of two levels written down plainly: which intervals are read closely, and what is then read."""

from __future__ import annotations


def chosen(shares, tokens, lengths, most):
    """Numbers of the `most` intervals that get most attention, ascending; of equals the earlier.

    shares, tokens: per layer and entry, floats and numbers of visual tokens (below 0: text).
    """
    worth = []
    begin = 0
    for length in lengths:
        total = 0.0
        for layer_shares, layer_tokens in zip(shares, tokens, strict=True):
            for share, token in zip(layer_shares, layer_tokens, strict=True):
                if begin <= token < begin + length:
                    total += share
        worth.append(total)
        begin += length
    found = []
    while len(found) < min(most, len(lengths)):
        best = None
        for number, total in enumerate(worth):
            if number not in found and (best is None or total > worth[best]):
                best = number
        found.append(best)
    return sorted(found)


def read(prefix, sparse, dense, closer):
    """What is read, entry by entry: text, then of every interval one level.

    prefix: a list. sparse, dense: a list for each interval.
    """
    entries = list(prefix)
    for number, coarse in enumerate(sparse):
        entries += dense[number] if number in closer else coarse
    return entries
