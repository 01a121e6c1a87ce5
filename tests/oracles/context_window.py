"""Frequencies of the visual context window extension, pair by pair (arXiv 2409.20018, equation 5)."""

from __future__ import annotations

import math


def paper(head_dim, base, window, target, beta, alpha):
    scale = target / window
    frequencies = []
    for i in range(head_dim // 2):
        frequency = base ** (-2 * i / head_dim)
        wavelength = 2 * math.pi / frequency
        turns = window / wavelength
        if turns > beta:
            share = 1.0
        elif turns < alpha:
            share = 0.0
        else:
            share = (turns - alpha) / (beta - alpha)
        frequencies.append((share + (1 - share) / scale) * frequency)
    return frequencies


def linear(head_dim, base, window, target):
    """Every position shrinks by target / window."""
    return [base ** (-2 * i / head_dim) * window / target for i in range(head_dim // 2)]
