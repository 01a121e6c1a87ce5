"""Backgrounds that people built."""

from __future__ import annotations

from longreel.films.canvas import Canvas


def city(c: Canvas) -> None:
    """Tall blocks with rows of lit windows at dusk."""
    c.gradient((70, 80, 130), (240, 170, 130))
    for depth in range(2):
        x = c.uniform(-0.1, 0)
        while x < 1:
            wide, top = c.uniform(0.1, 0.17), c.uniform(0.05, 0.35) + 0.15 * depth
            wall = c.near((88, 92, 108) if depth == 0 else (50, 54, 70), 6)
            c.box(x, top, x + wide, 1, wall)
            _windows(c, x, top, wide)
            x += wide + c.uniform(0, 0.02)


def _windows(c: Canvas, left: float, top: float, wide: float) -> None:
    columns = 4
    step = wide / columns
    y = top + 0.03
    while y < 0.97:
        for column in range(columns):
            x = left + (column + 0.25) * step
            lit = c.random.random() < 0.6
            c.box(x, y, x + 0.5 * step, y + 0.035, (255, 225, 130) if lit else (35, 38, 52))
        y += 0.07


def kitchen(c: Canvas) -> None:
    """Tiled wall, cupboards above, worktop, drawers and an oven below."""
    c.gradient((232, 236, 232), (222, 228, 224))
    for row in range(14):
        c.line([(0, row / 14), (1, row / 14)], (185, 198, 196), 0.006)
    for column in range(21):
        c.line([(column / 20, 0), (column / 20, 1)], (185, 198, 196), 0.006)
    cupboard = c.near((120, 185, 175), 10)
    edge = (80, 135, 128)
    offset = c.uniform(-0.1, 0)
    for number in range(6):
        x = offset + number * 0.21
        c.box(x, 0, x + 0.2, 0.2, cupboard)
        c.disc(x + 0.17, 0.16, 0.012, (60, 60, 60))
        c.box(x, 0.72, x + 0.2, 1, cupboard)
        c.line([(x, 0.84), (x + 0.2, 0.84)], edge, 0.01)
        c.disc(x + 0.1, 0.79, 0.012, (60, 60, 60))
    c.box(0, 0.67, 1, 0.73, (110, 75, 50))
    x = c.uniform(0.05, 0.75)
    c.box(x, 0.73, x + 0.2, 1, (70, 74, 80))
    c.box(x + 0.03, 0.82, x + 0.17, 0.95, (25, 27, 30))
    for _ in range(5):
        x = c.uniform(0, 1)
        c.line([(x, 0.24), (x, 0.36)], (70, 70, 72), 0.012)
        c.disc(x, 0.39, 0.03, (90, 92, 96))


def road(c: Canvas) -> None:
    """Grey asphalt running to the horizon, white dashes, grass on both sides."""
    c.gradient((150, 200, 240), (220, 235, 245), 0, 0.34)
    c.gradient((105, 150, 70), (80, 125, 50), 0.32)
    x = c.uniform(0.42, 0.58)
    c.polygon([(x - 0.05, 0.33), (x + 0.05, 0.33), (1.0, 1.0), (0.0, 1.0)], (88, 88, 92))
    for side in (-1.0, 1.0):
        outer = 0.5 + side * 0.46
        near = 0.5 + side * 0.42
        c.polygon(
            [(x + side * 0.045, 0.33), (x + side * 0.041, 0.33), (near, 1.0), (outer, 1.0)], (240, 240, 235)
        )
    for step in range(7):
        top = 0.34 + 0.66 * (step / 7) ** 1.6
        bottom = 0.34 + 0.66 * ((step + 0.55) / 7) ** 1.6
        mid = [x + (0.5 - x) * (y - 0.33) / 0.67 for y in (top, bottom)]
        wide = [0.004 + 0.022 * (y - 0.33) / 0.67 for y in (top, bottom)]
        c.polygon(
            [
                (mid[0] - wide[0], top),
                (mid[0] + wide[0], top),
                (mid[1] + wide[1], bottom),
                (mid[1] - wide[1], bottom),
            ],
            (250, 215, 60),
        )
    for number in range(5):
        for side in (0.0, 1.0):
            far = number / 5
            px = x + (side - x) * (0.25 + far)
            c.line([(px, 0.36 + 0.3 * far), (px, 0.28 - 0.2 * far)], (95, 75, 60), 0.01 + 0.012 * far)


def castle(c: Canvas) -> None:
    """A pale stone wall with battlements, two towers with pointed roofs, a gate."""
    c.gradient((175, 165, 215), (240, 215, 215))
    stone = c.near((172, 164, 156), 6)
    dark = (128, 120, 116)
    c.box(0, 0.4, 1, 1, stone)
    for number in range(14):
        c.box(number / 13 - 0.02, 0.34, number / 13 + 0.02, 0.4, stone)
    for row in range(9):
        y = 0.44 + row * 0.065
        c.line([(0, y), (1, y)], dark, 0.005)
        for number in range(13):
            x = (number + 0.5 * (row % 2)) / 12
            c.line([(x, y), (x, y + 0.065)], dark, 0.005)
    for x in (c.uniform(0.08, 0.24), c.uniform(0.76, 0.92)):
        c.box(x - 0.075, 0.22, x + 0.075, 1, (150, 142, 138))
        c.polygon([(x - 0.1, 0.23), (x + 0.1, 0.23), (x, 0.0)], (150, 45, 60))
        for y in (0.32, 0.52, 0.72):
            c.box(x - 0.014, y, x + 0.014, y + 0.1, (50, 45, 48))
    c.box(0.42, 0.72, 0.58, 1, (75, 50, 35))
    c.disc(0.5, 0.72, 0.12, (75, 50, 35))


def library(c: Canvas) -> None:
    """Shelves of wood filled with upright books."""
    c.gradient((96, 60, 36), (80, 48, 28))
    shelves = 5
    covers = ((150, 45, 45), (45, 80, 120), (55, 105, 70), (190, 150, 80), (95, 60, 110), (205, 195, 170))
    for shelf in range(shelves):
        floor = (shelf + 1) / shelves
        x = c.uniform(-0.02, 0)
        while x < 1:
            wide, tall = c.uniform(0.014, 0.034), c.uniform(0.105, 0.16)
            if c.random.random() < 0.93:
                c.box(
                    x,
                    floor - 0.03 - tall,
                    x + wide - 0.003,
                    floor - 0.03,
                    c.near(covers[int(c.random.integers(6))]),
                )
                c.box(x, floor - 0.08, x + wide - 0.003, floor - 0.07, (225, 205, 150))
            x += wide
        c.box(0, floor - 0.03, 1, floor, (140, 92, 54))
    offset = c.uniform(0, 0.33)
    for number in range(4):
        c.box(offset + number * 0.33 - 0.012, 0, offset + number * 0.33 + 0.012, 1, (120, 76, 44))


def farm(c: Canvas) -> None:
    """A red barn, furrows running towards the viewer, a fence."""
    c.gradient((165, 210, 240), (235, 240, 220), 0, 0.46)
    c.box(0, 0.42, 1, 1, (150, 110, 65))
    middle = c.uniform(0.4, 0.6)
    for number in range(-12, 24):
        far, near = middle + (number - 6) * 0.03, middle + (number - 6) * 0.15
        c.polygon([(far, 0.42), (far + 0.012, 0.42), (near + 0.07, 1.0), (near, 1.0)], (105, 150, 60))
    x = c.uniform(0.12, 0.75)
    c.box(x, 0.2, x + 0.22, 0.46, (170, 40, 35))
    c.polygon([(x - 0.02, 0.21), (x + 0.24, 0.21), (x + 0.11, 0.04)], (105, 70, 60))
    c.box(x + 0.07, 0.3, x + 0.15, 0.46, (240, 235, 225))
    for y in (0.47, 0.53):
        c.line([(0, y), (1, y)], (245, 245, 240), 0.014)
    for number in range(12):
        c.line([(number / 11, 0.43), (number / 11, 0.58)], (245, 245, 240), 0.018)


def theatre(c: Canvas) -> None:
    """Red curtains drawn aside, a lit wooden stage, rows of seats."""
    c.gradient((40, 22, 40), (70, 40, 60))
    x = c.uniform(0.4, 0.6)
    c.polygon([(x - 0.04, 0), (x + 0.04, 0), (x + 0.3, 0.75), (x - 0.3, 0.75)], (150, 125, 105))
    c.gradient((190, 130, 75), (150, 95, 50), 0.68, 0.82)
    for number in range(14):
        c.line([(number / 13, 0.68), (number / 13 * 1.2 - 0.1, 0.82)], (120, 75, 40), 0.006)
    folds, reach = 6, c.uniform(0.2, 0.26)
    for side in (0, 1):
        for fold in range(folds):
            near, far = reach * fold / folds, reach * (fold + 1) / folds
            red = (150, 22, 34) if fold % 2 else (190, 35, 45)
            left, right = (near, far) if side == 0 else (1 - far, 1 - near)
            c.box(left, 0, right, 0.76, red)
    for number in range(9):
        c.disc((number + 0.5) / 9, 0.0, 0.13, (170, 28, 40))
    c.box(0, 0.82, 1, 1, (30, 18, 28))
    for number in range(13):
        c.disc((number + 0.5) / 13, 0.97, 0.07, (95, 25, 40))
