"""Backgrounds outdoors."""

from __future__ import annotations

import numpy as np

from longreel.films.canvas import Canvas


def beach(c: Canvas) -> None:
    """Sky, a band of turquoise water with foam, sand, a parasol."""
    horizon = c.uniform(0.25, 0.35)
    shore = horizon + c.uniform(0.18, 0.24)
    c.gradient((120, 195, 245), (205, 235, 250), 0, horizon + 0.02)
    c.gradient((20, 130, 180), (90, 215, 210), horizon, shore + 0.08)
    c.ridge(shore + 0.06, 0.06, 5, (245, 250, 250))
    c.ridge(shore + 0.085, 0.06, 5, (240, 216, 150))
    c.mottle((215, 180, 110), 0.6, 14, 22, shore + 0.1)
    c.disc(c.uniform(0.05, 0.95), 0.1, 0.07, (255, 245, 190))
    x = c.uniform(0.1, 0.9)
    c.line([(x, 0.5), (x + 0.02, 0.8)], (120, 90, 60), 0.015)
    for part in range(6):
        left, right = x - 0.12 + part * 0.04, x - 0.08 + part * 0.04
        c.polygon([(x, 0.43), (left, 0.55), (right, 0.55)], [(230, 60, 60), (250, 250, 250)][part % 2])


def forest(c: Canvas) -> None:
    """Dark green, rows of trunks and needles."""
    c.gradient((60, 110, 60), (30, 70, 35))
    c.mottle((20, 50, 25), 0.8, 8, 12)
    for depth in range(3):
        shade = 1.25 - 0.35 * depth
        for _ in range(7 - depth):
            x, w = c.uniform(0, 1), c.uniform(0.012, 0.02) * (1 + depth)
            trunk = (int(90 * shade), int(60 * shade), int(38 * shade))
            c.box(x - w / 2, 0, x + w / 2, 0.75 + 0.1 * depth, trunk)
            green = c.near((int(30 * shade), int(105 * shade), int(45 * shade)), 8)
            for layer in range(5):
                y, reach = 0.05 + layer * 0.13, (0.05 + 0.012 * layer) * (1 + 0.5 * depth)
                c.polygon([(x, y - 0.12), (x - reach, y + 0.06), (x + reach, y + 0.06)], green)
    c.gradient((60, 50, 25), (35, 32, 18), 0.88)
    c.mottle((90, 120, 50), 0.7, 20, 30, 0.86)


def desert(c: Canvas) -> None:
    """Orange sky, dunes with lit and shaded sides, a cactus or two."""
    c.gradient((250, 190, 110), (255, 225, 170), 0, 0.6)
    c.disc(c.uniform(0.15, 0.85), 0.13, 0.09, (255, 250, 220))
    c.ridge(0.58, 0.22, 3, (222, 150, 75))
    c.ridge(0.74, 0.22, 3, (235, 170, 90))
    c.ridge(0.92, 0.2, 2, (210, 135, 62))
    ripples = np.sin(np.linspace(0, 90, c.height, dtype=np.float32)[:, None] + 5 * c.noise(3, 3))
    ripples[: round(0.6 * c.height)] = 0
    c.tint(np.clip(ripples, 0, 1) * 0.35, (165, 95, 40))
    for _ in range(2):
        x, y = c.uniform(0.05, 0.95), c.uniform(0.5, 0.62)
        green = (95, 120, 55)
        c.line([(x, y), (x, y - 0.24)], green, 0.03)
        c.line([(x - 0.03, y - 0.2), (x - 0.03, y - 0.11), (x, y - 0.11)], green, 0.02)
        c.line([(x + 0.03, y - 0.17), (x + 0.03, y - 0.08), (x, y - 0.08)], green, 0.02)


def snow(c: Canvas) -> None:
    """Pale sky, white ground with blue shadows, bare firs, falling flakes."""
    c.gradient((165, 190, 215), (215, 228, 240), 0, 0.7)
    c.ridge(0.5, 0.15, 4, (225, 234, 246))
    for _ in range(8):
        x, y, tall = c.uniform(0, 1), c.uniform(0.48, 0.62), c.uniform(0.16, 0.28)
        for part in range(3):
            top = y - tall + part * tall / 4
            reach = 0.03 + 0.015 * part
            c.polygon([(x, top), (x - reach, top + tall / 3), (x + reach, top + tall / 3)], (70, 105, 110))
            c.polygon(
                [(x, top), (x - reach / 2, top + tall / 7), (x + reach / 2, top + tall / 7)], (248, 250, 255)
            )
    c.ridge(0.72, 0.14, 3, (240, 246, 253))
    c.mottle((185, 205, 235), 0.8, 7, 6, 0.6)
    for _ in range(90):
        c.disc(c.uniform(0, 1), c.uniform(0, 1), c.uniform(0.006, 0.013), (255, 255, 255))


def sea(c: Canvas) -> None:
    """Open deep blue water with rows of wave crests, a narrow strip of sky."""
    horizon = c.uniform(0.16, 0.24)
    c.gradient((150, 200, 235), (210, 230, 240), 0, horizon)
    c.gradient((25, 85, 150), (8, 40, 95), horizon)
    rows = 11
    for row in range(rows):
        y = horizon + (1 - horizon) * (row + 0.5) / rows
        reach = 0.012 + 0.035 * row / rows
        start = c.uniform(-0.2, 0)
        step = 0.05 + 0.11 * row / rows
        xs = np.arange(start, 1.2, step / 2)
        points = [(float(x), y - (reach if i % 2 else 0.0)) for i, x in enumerate(xs)]
        c.line(points, (120, 180, 225) if row % 2 else (205, 230, 245), 0.006 + 0.008 * row / rows)


def mountain(c: Canvas) -> None:
    """Grey peaks with white tops against a clear sky."""
    c.gradient((85, 145, 220), (195, 220, 245))
    c.ridge(0.75, 0.3, 9, (140, 155, 180), jagged=True)
    for _ in range(4):
        x, top, wide = c.uniform(0, 1), c.uniform(0.06, 0.3), c.uniform(0.2, 0.3)
        grey = c.near((105, 105, 115), 6)
        c.polygon([(x, top), (x - wide, 1.0), (x + wide, 1.0)], grey)
        c.polygon([(x, top), (x + 0.25 * wide, 1.0), (x + wide, 1.0)], (75, 75, 88))
        cap = 0.25
        left, right = x - wide * cap, x + wide * cap
        low = top + (1 - top) * cap
        zigzag = [(left, low), (x - wide * 0.1, low - 0.06), (x, low + 0.02), (x + wide * 0.1, low - 0.06)]
        c.polygon([(x, top), *zigzag, (right, low)], (245, 248, 252))
    c.mottle((60, 60, 70), 0.35, 16, 20, 0.4)


def meadow(c: Canvas) -> None:
    """Light green hills full of small flowers under a blue sky with clouds."""
    c.gradient((110, 185, 245), (200, 230, 250), 0, 0.55)
    for _ in range(3):
        x, y = c.uniform(0, 1), c.uniform(0.06, 0.22)
        for part in range(4):
            c.disc(x + part * 0.035, y, c.uniform(0.03, 0.05), (255, 255, 255), 0.7)
    c.ridge(0.5, 0.14, 3, (150, 205, 90))
    c.ridge(0.66, 0.16, 2, (125, 195, 70))
    c.mottle((95, 165, 50), 0.7, 14, 20, 0.5)
    petals = ((255, 90, 120), (255, 220, 60), (255, 255, 255), (200, 110, 230))
    for _ in range(110):
        y = c.uniform(0.5, 1)
        c.disc(c.uniform(0, 1), y, 0.004 + 0.016 * (y - 0.4), petals[int(c.random.integers(4))])


def cave(c: Canvas) -> None:
    """Dark brown rock all round, stalactites, a dim glow in the middle."""
    c.gradient((40, 32, 28), (28, 22, 20))
    x, y = c.uniform(0.35, 0.65), c.uniform(0.45, 0.6)
    across = np.linspace(0, 1, c.width, dtype=np.float32)[None] - np.float32(x)
    down = np.linspace(0, 1, c.height, dtype=np.float32)[:, None] - np.float32(y)
    c.tint(np.exp(-6 * (across**2 + down**2)) * 0.8, (130, 95, 60))
    c.mottle((15, 11, 10), 0.8, 9, 12)
    c.mottle((110, 85, 65), 0.4, 12, 16)
    for _ in range(14):
        left, wide = c.uniform(0, 1), c.uniform(0.015, 0.04)
        rock = c.near((58, 47, 42), 8)
        c.polygon([(left - wide, 0), (left + wide, 0), (left, c.uniform(0.12, 0.42))], rock)
        left = c.uniform(0, 1)
        c.polygon([(left - wide, 1.0), (left + wide, 1.0), (left, c.uniform(0.7, 0.92))], rock)


def space(c: Canvas) -> None:
    """Black with stars, a coloured nebula, a ringed planet."""
    c.gradient((8, 6, 22), (12, 8, 34))
    c.mottle((95, 30, 120), 0.7, 3, 4)
    c.mottle((20, 60, 130), 0.6, 3, 4)
    for _ in range(130):
        c.disc(c.uniform(0, 1), c.uniform(0, 1), c.uniform(0.002, 0.008), c.near((240, 240, 235), 15))
    x, y, r = c.uniform(0.08, 0.92), c.uniform(0.12, 0.88), c.uniform(0.08, 0.13)
    c.disc(x, y, r, c.near((205, 140, 90), 25))
    c.line([(x - 1.2 * r, y + 0.4 * r), (x + 1.2 * r, y - 0.4 * r)], (235, 210, 170), 0.016)


def volcano(c: Canvas) -> None:
    """Smoky red sky, a dark cone with a glowing crater, streams of lava."""
    c.gradient((60, 20, 25), (215, 75, 35))
    c.mottle((40, 30, 35), 0.9, 4, 5, 0, 0.55)
    x = c.uniform(0.3, 0.7)
    for _ in range(26):
        c.disc(x + c.uniform(-0.16, 0.16), c.uniform(0, 0.27), c.uniform(0.008, 0.02), (255, 190, 60))
    c.polygon([(x - 0.09, 0.28), (x + 0.09, 0.28), (x + 0.55, 1.0), (x - 0.55, 1.0)], (52, 38, 40))
    c.polygon([(x - 0.09, 0.28), (x + 0.09, 0.28), (x + 0.06, 0.34), (x - 0.06, 0.34)], (255, 210, 80))
    for _ in range(4):
        at, points = x + c.uniform(-0.06, 0.06), []
        for step in range(7):
            points.append((at, 0.3 + step * 0.12))
            at += (at - x) * 0.5 + c.uniform(-0.05, 0.05)
        c.line(points, (255, 95, 20), 0.035)
        c.line(points, (255, 200, 70), 0.012)


def swamp(c: Canvas) -> None:
    """Murky olive water and mist, reeds, lily pads, dead trees."""
    c.gradient((125, 135, 105), (150, 155, 115), 0, 0.44)
    for _ in range(5):
        x, tall = c.uniform(0, 1), c.uniform(0.0, 0.15)
        bark = (62, 58, 45)
        c.line([(x, 0.5), (x + c.uniform(-0.03, 0.03), tall)], bark, 0.03)
        for y in (0.15, 0.25, 0.33):
            c.line([(x, y + 0.06), (x + c.uniform(-0.1, 0.1), y - 0.02)], bark, 0.012)
    c.gradient((85, 95, 50), (48, 58, 30), 0.42)
    c.mottle((120, 130, 60), 0.7, 16, 5, 0.42)
    c.mottle((30, 38, 22), 0.7, 16, 5, 0.42)
    for _ in range(16):
        c.disc(c.uniform(0, 1), c.uniform(0.5, 1), c.uniform(0.02, 0.04), c.near((105, 150, 45), 10), 0.45)
    for _ in range(22):
        x, y = c.uniform(0, 1), c.uniform(0.6, 1.05)
        c.line([(x, y), (x + c.uniform(-0.02, 0.02), y - 0.24)], (95, 105, 40), 0.01)
        c.line([(x, y - 0.2), (x, y - 0.27)], (95, 60, 35), 0.022)


def canyon(c: Canvas) -> None:
    """Red rock walls in level bands on both sides of a gap of sky."""
    c.gradient((105, 175, 235), (220, 225, 215))
    left, right = c.uniform(0.28, 0.4), c.uniform(0.62, 0.74)
    bands = [c.near(colour, 8) for colour in ((176, 84, 52), (206, 116, 70), (150, 66, 44), (226, 146, 96))]
    rows = 13
    for row in range(rows):
        top, bottom = row / rows, (row + 1) / rows
        slope = 0.16 * row / rows
        c.box(0, top, left + slope + c.uniform(-0.03, 0.03), bottom, bands[row % 4])
        c.box(right - slope + c.uniform(-0.03, 0.03), top, 1, bottom, bands[row % 4])
    c.gradient((190, 110, 70), (160, 85, 55), 0.86)


def reef(c: Canvas) -> None:
    """Under water: rays of light, corals, bubbles."""
    c.gradient((60, 190, 215), (10, 75, 130))
    for _ in range(5):
        x = c.uniform(-0.1, 1)
        c.polygon([(x, 0), (x + 0.06, 0), (x + 0.2, 0.8), (x + 0.06, 0.8)], (85, 200, 220))
    c.ridge(0.95, 0.12, 4, (200, 190, 150))
    corals = ((255, 110, 140), (255, 160, 70), (190, 90, 200))
    for number in range(11):
        x, colour = c.uniform(0, 1), corals[number % 3]
        for _ in range(5):
            tip = (x + c.uniform(-0.07, 0.07), c.uniform(0.62, 0.8))
            c.line([(x, 0.98), tip], colour, 0.03)
            c.disc(tip[0], tip[1], 0.022, colour)
    for _ in range(26):
        c.disc(c.uniform(0, 1), c.uniform(0.05, 0.9), c.uniform(0.008, 0.018), (190, 235, 245))
