"""Draws what surrounds a face of the sample competition: room, clothes, hair, masks and glasses."""

import numpy as np

from data.canvas import Canvas, Points, darker, ellipse, mirrored, mix, on_side, smooth
from data.people import Colour, Look, Mask

SIDES = (-1, 1)
MASK_DEPTH = 0.35                # in the middle; 0 at the cheeks
# Heights of a mask's upper edge in the middle, upper edge at the cheeks, ridge, lower corners and lower edge, when
# worn; and how much lower each is on the chin.
WORN = np.array([0.02, 0.13, 0.40, 0.66, 1.04])
ON_CHIN = np.array([0.76, 0.52, 0.44, 0.32, 0.24])


def draw_room(canvas: Canvas, look: Look) -> None:
    """A door, shelves, a window, or only the wall."""
    tone, line = mix(look.wall, look.second, 0.45), darker(look.wall, 0.8)
    if look.scene == 1:
        canvas.fill([(0.7, -3), (2.5, -3), (2.5, 3), (0.7, 3)], tone, None)
        canvas.line([(0.7, -3), (0.7, 3)], line, 0.04, None)
    elif look.scene == 2:
        for y in (-1.2, -0.2):
            canvas.fill([(-3, y), (-0.5, y), (-0.5, y + 0.5), (-3, y + 0.5)], tone, None)
            canvas.line([(-3, y + 0.5), (-0.5, y + 0.5)], line, 0.05, None)
    elif look.scene == 3:
        sky = mix(look.wall, (244, 248, 255), 0.75)
        canvas.fill([(-1.6, -3), (-0.3, -3), (-0.3, -0.1), (-1.6, -0.1)], sky, None)
        canvas.line([(-0.95, -3), (-0.95, -0.1)], line, 0.05, None)


def draw_body(canvas: Canvas, look: Look) -> None:
    """Neck and clothes."""
    wide, neck, skin = look.shoulder, look.jaw * 0.78, darker(look.skin, 0.93)
    canvas.fill([(-neck, 0.4), (neck, 0.4), (neck + 0.06, 1.4), (-neck - 0.06, 1.4)], skin, None)
    canvas.fill(smooth([(-neck, 0.6), (neck, 0.6), (neck, 1.0), (0, 1.22), (-neck, 1.0)]), darker(skin, 0.8), None)
    torso = [(neck + 0.1, 1.2), (wide * 0.75, 1.42), (wide, 1.75), (wide + 0.1, 3.2)]
    canvas.fill(smooth(mirrored(torso)), look.clothes, None)
    if look.stripes:
        for y in (1.75, 2.05, 2.35):
            canvas.line([(-wide, y), (0, y + 0.06), (wide, y)], look.second, 0.07, None)
    if look.collar == 1:
        canvas.fill([(-neck - 0.08, 1.18), (neck + 0.08, 1.18), (0, 1.75)], skin, None)
        return
    depth = 1.62 if look.collar == 2 else 1.41
    canvas.fill(smooth(mirrored([(0, 1.1), (neck + 0.07, 1.15), (0.16, depth)])), skin, None)
    for side in SIDES:
        if look.collar == 2:
            flap = [(neck + 0.1, 1.14), (0.02, 1.62), (0.3, 1.74), (neck + 0.2, 1.3)]
            canvas.fill(on_side(side, flap), mix(look.clothes, (250, 250, 250), 0.5), None)
        elif look.collar == 3:
            hood = [(neck + 0.02, 1.05), (0.1, 1.6), (0.45, 1.6), (0.62, 1.2)]
            canvas.fill(smooth(on_side(side, hood)), darker(look.clothes, 0.78), None)


def draw_hair_behind(canvas: Canvas, look: Look, hair: Colour) -> None:
    """Hair longer than the ears, behind head and neck."""
    end, wide = look.hair_end, look.face + 0.10 + 0.12 * look.curl + 0.4 * look.volume
    if end > 0.0:
        side = [(wide - 0.12, -0.6), (wide, 0), (wide + 0.04, end * 0.6), (wide - 0.04, end)]
        canvas.fill(smooth(mirrored([(0, -0.9), *side, (0, end + 0.05)])), darker(hair, 0.72), -0.3)


def draw_hair(canvas: Canvas, look: Look, hair: Colour, detail: np.random.Generator) -> None:
    """Hair on the head, locks before the ears and single strands, some of them grey; of a bald head the wreath."""
    face, top = look.face, -1.0 - look.volume * (1 - look.recede)
    wide, end = face + 0.03 + look.volume * 0.35, min(look.hair_end, 0.15)
    if look.recede > 0.85:
        wreath = [(wide - 0.15, -0.35), (wide - 0.02, -0.5), (wide + 0.03, -0.2), (wide, 0.0), (wide - 0.1, end)]
        for side in SIDES:
            canvas.fill(smooth(on_side(side, wreath)), hair)
        return
    hairline, temple = -0.72 - 0.27 * look.recede + 0.36 * look.fringe, -0.5 - 0.3 * look.recede
    side_hair = [(face - 0.05, end), (face - 0.07, temple + 0.3), (face - 0.15, temple), (0.25, hairline - 0.02)]
    parting = (look.parting * 0.5, hairline - 0.08 * (1 - look.fringe))
    inner = np.vstack([side_hair, parting, on_side(-1, side_hair)[::-1]])
    dome = [(-wide, end), (-wide - 0.01, -0.4), (-wide * 0.66, top * 0.86), (0, top)]
    outer = np.vstack([dome, on_side(-1, dome[:3])[::-1]])
    canvas.fill(np.vstack([smooth(inner, closed=False), smooth(outer, closed=False)]), hair, 0.05)
    if look.hair_end > 0.3:
        end = look.hair_end
        lock = [(face - 0.08, -0.5), (face + 0.05, 0.0), (face - 0.02, end * 0.6), (face + 0.02, end),
                (wide + 0.12, end), (wide + 0.10, 0.2), (wide, -0.5)]
        for side in SIDES:
            canvas.fill(smooth(on_side(side, lock)), hair, -0.05)
    grey, sway = mix(look.hair, look.grey, min(1.0, look.greyness * 2)), look.curl * 0.05
    for place, shine in detail.uniform((-1, 0), (1, 1), (30, 2)):
        strand = [(look.parting * 0.3 + place * 0.1, top + 0.03), (place * wide * 0.7 + sway, top * 0.93 + 0.04),
                  (place * wide * 0.92 - sway, hairline + 0.02 + 0.3 * place**2)]
        canvas.line(strand, grey if shine < 0.5 else darker(hair, 0.8 + shine * 0.5), 0.013, 0.0, 0.5)


def draw_mask(canvas: Canvas, mask: Mask, drop: float, outline: Points) -> None:
    """A mask with its ear loops, fitted to the face's outline; drop: 0 worn, 1 on the chin."""
    y = WORN + drop * ON_CHIN + canvas.shot.slip
    right = outline[(outline[:, 0] >= 0) & (outline[:, 1] > -0.3)]
    right = right[np.argsort(right[:, 1])]
    reach = np.maximum(np.interp(y, right[:, 1], right[:, 0]), 0.38)          # the face's half-width at these heights
    if mask.style == "cup":
        edge = [(0.2, y[1] + 0.05 * drop), (reach[2] * 0.80, y[2]), (reach[3] * 0.86, y[3]), (0.22, y[4])]
    elif mask.style == "fold":
        edge = [(0.25, y[1] - 0.02), (reach[2], y[2] - 0.1), (reach[3], y[3]), (0.16, y[4] + 0.03)]
    else:
        edge = [(0.2, y[0] + 0.03 - 0.06 * drop), (reach[1] * 0.95, y[1]), (reach[3], y[3]), (0.30, y[4])]
    bump = 0.05 if mask.style in ("cup", "fold") else 0.0                     # over the nose
    shape = smooth(mirrored([(0, y[0] - bump), *edge, (0, y[4] + 0.05)]))
    for side in SIDES:
        for corner, ear in ((1, 0.06), (3, 0.22)):
            loop = [(reach[corner] * 0.95, y[corner]), (right[:, 0].max() + 0.03, ear)]
            canvas.line(on_side(side, loop), (236, 236, 236), 0.022)
    for scale, colour in ((1.0, darker(mask.colour, 0.75)), (0.975, mask.colour)):          # a thin darker hem
        part = shape * scale + shape.mean(axis=0) * (1 - scale)
        canvas.fill(part, colour, MASK_DEPTH * (1 - np.abs(part[:, 0]) / 0.75))
    _draw_seams(canvas, mask, y, reach)


def _draw_seams(canvas: Canvas, mask: Mask, y: Points, reach: Points) -> None:
    seam = darker(mask.colour, 0.78 if sum(mask.colour) > 240 else 1.6)
    wide = reach * 0.9
    if mask.style == "surgical":
        for height in np.linspace(y[1], y[3], 5)[1:-1]:
            canvas.line([(-wide[2], height), (0, height + 0.06), (wide[2], height)], seam, 0.02, 0.15)
    elif mask.style == "fold":
        ridge = [(-wide[2], y[2]), (-0.2, y[1] + 0.1), (0, y[1] + 0.06), (0.2, y[1] + 0.1), (wide[2], y[2])]
        canvas.line(ridge, seam, 0.018, 0.2)
        canvas.line([(-wide[3], y[3] - 0.05), (0, y[3] + 0.1), (wide[3], y[3] - 0.05)], seam, 0.018, 0.2)
    elif mask.style == "cloth":
        canvas.line([(0, y[0] + 0.02), (0.01, y[2]), (0, y[4])], seam, 0.02, MASK_DEPTH)
    elif mask.style == "pattern":
        for x in (-0.4, -0.2, 0.0, 0.2, 0.4):
            for height in np.linspace(max(y[0], y[1]) + 0.07, y[3], 3):
                dot = ellipse(x, height, 0.04, 0.04)
                canvas.fill(dot, mix(mask.colour, (255, 255, 255), 0.7), MASK_DEPTH * (1 - abs(x) / 0.75))
    elif mask.style == "cup":
        canvas.fill(ellipse(0.18, (y[0] + y[4]) / 2 + 0.08, 0.1, 0.1), seam, 0.25)


def draw_glasses(canvas: Canvas, look: Look) -> None:
    """Two round glasses, their bridge and their temples."""
    frame = darker(look.second, 0.4)
    for side in SIDES:
        ring = ellipse(side * look.eye_gap, -0.06, 0.21, 0.155)
        canvas.line(np.vstack([ring, ring[:1]]), frame, 0.022, 0.3)
        canvas.line(on_side(side, [(0.52, -0.1), (look.face, -0.06)]), frame, 0.022, 0.25)
    canvas.line([(-0.11, -0.08), (0, -0.11), (0.11, -0.08)], frame, 0.022, 0.35)
