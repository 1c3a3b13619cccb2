"""Curves and colours in face units, and the canvas that places and fills them with Pillow.

Face units: the origin lies between eyes and nose, x to the right, y down, the crown at y = -1 and the chin at y = 1.
Depth is how far a point stands before the ears' plane: turning and nodding move it in proportion.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFilter

from data.people import Colour, Shot

Points = NDArray[np.float64]
Depth = float | Points | None    # of all points, of each point, or None: of the body and the room

SUPERSAMPLING = 2                # drawn twice as large and averaged: smooth edges
UNIT = 0.28                      # one face unit as a share of the image's height
NECK = 1.2                       # the head tilts about this height
SOFT = 8                         # shadows are drawn this much smaller: they are blurred anyway
STEPS = 6                        # points of a curve from one knot to the next
CIRCLE = np.column_stack([wave(np.arange(24) * np.pi / 12) for wave in (np.cos, np.sin)])


def smooth(points: ArrayLike, closed: bool = True) -> Points:
    """Catmull-Rom curve through points (K, 2), STEPS points for each of its K (open: K - 1) pieces."""
    knots = np.asarray(points, float)
    return _catmull_rom(len(knots), closed) @ knots


@lru_cache
def _catmull_rom(count: int, closed: bool) -> Points:
    # The curve is linear in its knots: one matrix (points, count) for all curves of `count` knots.
    place = np.arange(-1, count + 2)
    knots = np.eye(count)[place % count if closed else place.clip(0, count - 1)]
    before, start, end, after = knots[:-3, None], knots[1:-2, None], knots[2:-1, None], knots[3:, None]
    t = np.linspace(0, 1, STEPS, endpoint=False)[:, None]
    pieces = 0.5 * (2 * start + (end - before) * t + (2 * before - 5 * start + 4 * end - after) * t**2
                    + (3 * start - before - 3 * end + after) * t**3)                      # (count, STEPS, count)
    return pieces.reshape(-1, count)[:None if closed else (count - 1) * STEPS + 1]


def mirrored(right: ArrayLike) -> Points:
    """Closed outline from its right half (K, 2), listed from top to bottom: the left half is the mirror image."""
    half = np.asarray(right, float)
    return np.vstack([half, half[half[:, 0] > 0][::-1] * (-1, 1)])


def on_side(side: int, points: ArrayLike) -> Points:
    """Points (K, 2) given for the right side (1), or their mirror image on the left (-1)."""
    return np.asarray(points, float) * (side, 1)


def ellipse(x: float, y: float, width: float, height: float, turn: float = 0.0) -> Points:
    """Outline (24, 2) of an ellipse with these half-axes, turned by radians."""
    cos, sin = np.cos(turn), np.sin(turn)
    return CIRCLE @ np.array([(width * cos, width * sin), (-height * sin, height * cos)]) + (x, y)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The first colour with this share (0..1) of the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def darker(colour: Colour, factor: float) -> Colour:
    """The colour with its light multiplied by factor (above 1: lighter)."""
    red, green, blue = (min(255, round(channel * factor)) for channel in colour)
    return red, green, blue


class Canvas:
    """An image in face units: places points as the shot's pose demands and fills them, half-transparent where asked."""

    def __init__(self, size: tuple[int, int], shot: Shot, ground: Colour) -> None:
        """A canvas for an image of size (H, W), filled with the ground colour."""
        self.height, self.width = size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING
        self.shot = shot
        self.unit = UNIT * self.height * shot.scale                                       # pixels
        # Each pose is an affine map, (turn, shift, origin): pixels = points @ turn + depth * shift + origin.
        centre = np.array([0.50 * self.width, 0.49 * self.height]) + np.array(shot.shift) * self.unit
        self._body = np.eye(2) * self.unit, np.zeros(2), centre
        cos, sin = np.cos(shot.tilt), np.sin(shot.tilt)
        tilt = np.array([(cos, sin), (-sin, cos)]) * self.unit                            # about the neck
        yaw, nod = np.diag([np.cos(shot.yaw), 1.0]), np.array([np.sin(shot.yaw), shot.pitch])
        neck = np.array([0.0, NECK])
        self._head = yaw @ tilt, nod @ tilt, centre + neck * self.unit - neck @ tilt
        self.image = Image.new("RGB", (self.width, self.height), ground)
        self._pen = ImageDraw.Draw(self.image, "RGBA")
        self._shadow = Image.new("L", (self.width // SOFT, self.height // SOFT), 0)
        self._shadow_pen = ImageDraw.Draw(self._shadow)

    def place(self, points: ArrayLike, depth: Depth) -> Points:
        """Pixels (K, 2) of points in face units; body and room (depth None) neither turn nor tilt."""
        turn, shift, origin = self._body if depth is None else self._head
        return np.asarray(points, float) @ turn + np.multiply.outer(0.0 if depth is None else depth, shift) + origin

    def fill(self, points: ArrayLike, colour: Colour, depth: Depth = 0.0, alpha: float = 1.0) -> None:
        """Fill a polygon (K, 2)."""
        self._pen.polygon(self.place(points, depth).ravel().tolist(), (*colour, round(255 * alpha)))

    def line(self, points: ArrayLike, colour: Colour, width: float, depth: Depth = 0.0, alpha: float = 1.0) -> None:
        """A smooth open line through points (K, 2); width in face units."""
        pixels = self.place(smooth(points, closed=False), depth)
        self._pen.line(pixels.ravel().tolist(), (*colour, round(255 * alpha)), max(1, round(width * self.unit)))

    def shade(self, points: ArrayLike, strength: float, depth: Depth = 0.0) -> None:
        """Darken a polygon softly (0..1) at the next :meth:`cast_shadows`."""
        self._shadow_pen.polygon((self.place(points, depth) / SOFT).ravel().tolist(), round(255 * strength))

    def cast_shadows(self) -> None:
        """Lay the blurred shadows on what is drawn so far."""
        drawn = self._shadow.getbbox()
        if drawn is None:
            return
        blur = 0.05 * self.unit / SOFT
        spread = int(3 * blur) + 1
        left, top = max(0, drawn[0] - spread), max(0, drawn[1] - spread)
        part = self._shadow.crop((left, top, drawn[2] + spread, drawn[3] + spread))
        part = part.filter(ImageFilter.GaussianBlur(blur))
        soft = part.resize((part.width * SOFT, part.height * SOFT), Image.Resampling.BILINEAR)
        self.image.paste((40, 16, 12), (left * SOFT, top * SOFT), soft)
