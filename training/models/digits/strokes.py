"""Digits as a hand writes them: several ways for each, as curves in a square of 1 × 1."""

from itertools import pairwise
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

Points = list[tuple[float, float]]
STEPS = 12  # points that a curve is drawn with, from one of its points to the next


def arc(centre: tuple[float, float], radii: tuple[float, float], start: int, end: int) -> Points:
    """Points of an ellipse, from angle to angle in degrees; 0 is right, 90 below."""
    number = max(3, abs(end - start) // 30 + 1)
    angles = [radians(start + (end - start) * k / (number - 1)) for k in range(number)]
    return [(centre[0] + radii[0] * cos(a), centre[1] + radii[1] * sin(a)) for a in angles]


# Strokes are lists of points; a point that stands twice is a corner. y grows downwards.
WAYS: dict[int, list[list[Points]]] = {
    0: [
        [arc((0.5, 0.5), (0.32, 0.48), -90, 270)],
        [arc((0.5, 0.5), (0.25, 0.48), -60, 310)],
        [arc((0.5, 0.5), (0.42, 0.46), -120, 260)],
    ],
    1: [
        [[(0.5, 0.02), (0.5, 0.5), (0.5, 0.98)]],
        [[(0.28, 0.25), (0.52, 0.02), (0.52, 0.02), (0.52, 0.98)]],
        [[(0.6, 0.02), (0.42, 0.98)]],
    ],
    2: [
        [
            [
                *arc((0.48, 0.28), (0.3, 0.26), 190, 370),
                (0.6, 0.6),
                (0.15, 0.95),
                (0.15, 0.95),
                (0.88, 0.95),
            ]
        ],
        [
            [
                *arc((0.5, 0.26), (0.28, 0.24), 200, 400),
                (0.3, 0.85),
                (0.16, 0.9),
                (0.22, 0.76),
                (0.5, 0.9),
                (0.9, 0.92),
            ]
        ],
        [[*arc((0.5, 0.3), (0.34, 0.28), 210, 380), (0.2, 0.96), (0.2, 0.96), (0.8, 0.9)]],
    ],
    3: [
        [arc((0.46, 0.26), (0.28, 0.24), 200, 450) + arc((0.46, 0.73), (0.34, 0.25), -90, 160)],
        [
            [
                (0.18, 0.04),
                (0.78, 0.04),
                (0.78, 0.04),
                (0.44, 0.42),
                (0.44, 0.42),
                *arc((0.46, 0.7), (0.32, 0.27), -80, 150),
            ]
        ],
        [arc((0.42, 0.25), (0.36, 0.22), 220, 440) + arc((0.44, 0.72), (0.4, 0.26), -80, 140)],
    ],
    4: [
        [[(0.3, 0.02), (0.16, 0.6), (0.16, 0.6), (0.86, 0.58)], [(0.64, 0.3), (0.62, 0.98)]],
        [[(0.62, 0.02), (0.1, 0.66), (0.1, 0.66), (0.9, 0.66)], [(0.62, 0.02), (0.62, 0.98)]],
        [[(0.22, 0.06), (0.2, 0.42), (0.34, 0.52), (0.72, 0.46)], [(0.76, 0.04), (0.66, 0.98)]],
    ],
    5: [
        [
            [(0.26, 0.06), (0.24, 0.44), (0.24, 0.44), *arc((0.42, 0.68), (0.34, 0.28), -100, 150)],
            [(0.26, 0.06), (0.8, 0.06)],
        ],
        [
            [
                (0.82, 0.05),
                (0.3, 0.05),
                (0.3, 0.05),
                (0.24, 0.42),
                (0.24, 0.42),
                *arc((0.44, 0.68), (0.36, 0.28), -90, 140),
            ]
        ],
        [
            [
                (0.78, 0.06),
                (0.36, 0.08),
                (0.24, 0.4),
                (0.6, 0.5),
                (0.68, 0.76),
                (0.44, 0.96),
                (0.14, 0.88),
            ]
        ],
    ],
    6: [
        [
            [
                (0.66, 0.02),
                (0.34, 0.28),
                (0.18, 0.64),
                (0.3, 0.94),
                *arc((0.48, 0.72), (0.27, 0.24), 110, -180),
            ]
        ],
        [[(0.5, 0.02), (0.22, 0.5), *arc((0.48, 0.72), (0.27, 0.25), 170, -200)]],
        [
            [
                (0.8, 0.08),
                (0.44, 0.16),
                (0.2, 0.56),
                (0.26, 0.88),
                *arc((0.5, 0.74), (0.28, 0.22), 120, -160),
            ]
        ],
    ],
    7: [
        [[(0.14, 0.06), (0.84, 0.06), (0.84, 0.06), (0.42, 0.98)]],
        [
            [(0.14, 0.08), (0.84, 0.06), (0.84, 0.06), (0.52, 0.5), (0.38, 0.98)],
            [(0.3, 0.5), (0.76, 0.48)],
        ],
        [
            [
                (0.16, 0.2),
                (0.2, 0.08),
                (0.5, 0.12),
                (0.86, 0.06),
                (0.86, 0.06),
                (0.56, 0.44),
                (0.46, 0.98),
            ]
        ],
    ],
    8: [
        [
            [
                (0.72, 0.14),
                (0.46, 0.02),
                (0.24, 0.2),
                (0.48, 0.46),
                (0.76, 0.74),
                (0.48, 0.98),
                (0.2, 0.76),
                (0.46, 0.48),
                (0.74, 0.22),
                (0.7, 0.12),
            ]
        ],
        [arc((0.5, 0.26), (0.24, 0.23), 90, 450) + arc((0.5, 0.73), (0.3, 0.25), -90, 270)],
        [
            [
                (0.78, 0.1),
                (0.44, 0.03),
                (0.26, 0.22),
                (0.54, 0.46),
                (0.68, 0.76),
                (0.44, 0.97),
                (0.26, 0.78),
                (0.5, 0.46),
                (0.8, 0.1),
            ]
        ],
    ],
    9: [
        [[*arc((0.46, 0.28), (0.28, 0.25), -20, -380), (0.72, 0.6), (0.68, 0.98)]],
        [[*arc((0.48, 0.28), (0.28, 0.25), -10, -370), (0.7, 0.74), (0.5, 0.96), (0.22, 0.92)]],
        [[*arc((0.46, 0.3), (0.3, 0.26), -40, -390), (0.72, 0.14), (0.62, 0.6), (0.5, 0.98)]],
    ],
}


def trace(stroke: Points) -> NDArray[np.float64]:
    """A smooth curve through the points of a stroke, shape (n, 2).

    Pieces between corners are uniform Catmull-Rom splines (Catmull and Rom, "A Class of
    Local Interpolating Splines", 1974).
    """
    pieces, piece = [], [stroke[0]]
    for before, here in pairwise(stroke):
        if here == before:
            pieces.append(piece)
            piece = []
        piece.append(here)
    pieces.append(piece)
    return np.concatenate([_smooth(np.array(one, float)) for one in pieces if len(one) > 1])


def _smooth(points: NDArray[np.float64]) -> NDArray[np.float64]:
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.linspace(0, 1, STEPS)[:, None]
    parts = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        parts.append(
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * b - a - 3 * c + d) * t**3
            )
        )
    return np.concatenate(parts)
