"""Draws one photograph of a person of the sample competition: a :class:`Look` seen through a :class:`Shot`."""

import numpy as np
from PIL import Image, ImageFilter

from data.attire import draw_body, draw_glasses, draw_hair, draw_hair_behind, draw_mask, draw_room
from data.canvas import SUPERSAMPLING, Canvas, Points, darker, ellipse, mirrored, mix, on_side, smooth
from data.people import Colour, Look, Mask, Shot

SIDES = (-1, 1)


def draw_face(look: Look, shot: Shot, mask: Mask | None, drop: float, size: tuple[int, int]) -> Image.Image:
    """One photograph, RGB, size (H, W).

    mask: None for a bare face. drop: how far the mask hangs: 0 over nose and mouth, 0.65 below the nose, 1 on the chin.
    """
    canvas = Canvas(size, shot, look.wall)
    detail = np.random.default_rng(look.detail)       # the same strands and spots in each of the person's images
    hair = mix(look.hair, look.grey, look.greyness)
    outline = smooth(mirrored([(0, -1), (0.45, -0.9), (look.face - 0.04, -0.5), (look.face, -0.02),
                               (look.face - 0.04, 0.35), (look.jaw, 0.70), (look.chin, 0.93), (0, 1.0)]))
    draw_room(canvas, look)
    draw_hair_behind(canvas, look, hair)
    draw_body(canvas, look)
    _head(canvas, look, outline)
    _shadows(canvas, look)
    _marks_of_age(canvas, look, detail)
    _beard(canvas, look, hair, outline)
    for side in SIDES:
        _eye(canvas, look, side, hair)
    _nose(canvas, look)
    _mouth(canvas, look)
    draw_hair(canvas, look, hair, detail)
    if mask is not None:
        draw_mask(canvas, mask, drop, outline)
    if look.glasses:
        draw_glasses(canvas, look)
    return _photograph(canvas.image, shot, size)


def _head(canvas: Canvas, look: Look, outline: Points) -> None:
    for side in SIDES:
        x = side * (look.face + 0.04)
        canvas.fill(ellipse(x, 0.10, 0.09, 0.19, -side * 0.15), darker(look.skin, 0.9), -0.1)
        if look.earrings:
            canvas.fill(ellipse(x, 0.33, 0.035, 0.05), (236, 208, 120), -0.1)
    canvas.fill(outline, look.skin)
    for side in SIDES:
        cheek = [(look.face, -0.1), (look.jaw + 0.03, 0.6), (look.chin, 0.92), (look.jaw - 0.1, 0.62)]
        canvas.fill(smooth(on_side(side, cheek)), darker(look.skin, 0.9), 0.05, 0.5)
        canvas.fill(ellipse(side * 0.42, 0.27, 0.15, 0.12), (226, 96, 86), 0.2, 0.16 * (1 - look.wrinkles))


def _shadows(canvas: Canvas, look: Look) -> None:
    under_eye = [(0.19, 0.07), (0.32, 0.15), (0.46, 0.06), (0.32, 0.07)]
    nose_to_mouth = [(0.20, 0.30), (0.36, 0.62), (0.30, 0.62), (0.17, 0.36)]
    for side in SIDES:
        canvas.shade(ellipse(side * look.eye_gap, -0.14, 0.2, 0.10), 0.14, 0.2)
        canvas.shade(ellipse(side * (look.nose + 0.02), 0.28, 0.04, 0.12), 0.18, 0.35)
        canvas.shade(smooth(on_side(side, under_eye)), 0.85 * look.sag, 0.25)
        canvas.shade(smooth(on_side(side, nose_to_mouth)), 0.8 * look.sag, 0.25)
        canvas.shade(ellipse(side * (look.jaw - 0.13), 0.72, 0.08, 0.09), 0.3 * look.sag, 0.1)       # jowls
        canvas.shade(ellipse(side * 0.56, -0.42, 0.07, 0.15), 0.25 * look.sag)                       # temples
    canvas.shade(ellipse(0, 0.80, 0.16, 0.025), 0.2, 0.3)                                            # below the lip
    canvas.shade(ellipse(0, -0.6, 0.42, 0.10), 0.22 * look.wrinkles, 0.15)                           # forehead
    canvas.cast_shadows()


def _marks_of_age(canvas: Canvas, look: Look, detail: np.random.Generator) -> None:
    for x, y, size in detail.uniform((-0.55, -0.8, 0.012), (0.55, 0.5, 0.03), (14, 3)):
        canvas.fill(ellipse(x, y, size, size), darker(look.skin, 0.7), 0.15, 0.6 * look.spots)
    ink, alpha = darker(look.skin, 0.45), 0.85 * look.wrinkles
    for y, half in ((-0.72, 0.30), (-0.62, 0.38), (-0.52, 0.34)):
        wave = [(-half, y + 0.02), (-half / 2, y - 0.01), (0, y + 0.015), (half / 2, y - 0.01), (half, y + 0.02)]
        canvas.line(wave, ink, 0.018, 0.2, alpha)
    corner = look.eye_gap + look.eye
    for side in SIDES:
        for rise in (-0.07, 0.0, 0.06):
            crow_foot = [(corner + 0.03, -0.09 + rise / 3), (corner + 0.15, -0.09 + rise * 1.4)]
            canvas.line(on_side(side, crow_foot), ink, 0.016, 0.1, alpha)
        canvas.line(on_side(side, [(0.05, -0.24), (0.06, -0.33)]), ink, 0.016, 0.25, alpha)
        canvas.line(on_side(side, [(0.17, 0.33), (0.29, 0.46), (0.33, 0.62)]), ink, 0.02, 0.25, alpha)
        canvas.line(on_side(side, [(0.21, 0.06), (0.32, 0.11), (0.43, 0.06)]), ink, 0.016, 0.22, alpha)


def _beard(canvas: Canvas, look: Look, hair: Colour, outline: Points) -> None:
    lower = outline[outline[:, 1] > 0.36]
    lower = lower[np.argsort(np.arctan2(lower[:, 1] - 0.36, lower[:, 0]))]       # from the right cheek round the chin
    upper = [(-0.42, 0.52), (-0.2, 0.44), (0, 0.42), (0.2, 0.44), (0.42, 0.52)]
    canvas.fill(np.vstack([lower, upper]), darker(hair, 0.9), 0.1, 0.75 * look.beard)


def _eye(canvas: Canvas, look: Look, side: int, hair: Colour) -> None:
    x, y, wide = side * look.eye_gap, -0.08, look.eye
    tall = wide * 0.46 * canvas.shot.lids * (1 - 0.3 * look.sag)
    canvas.fill(ellipse(x, y, wide, tall, -side * look.eye_tilt), (246, 244, 240), 0.2)
    pupil = x + canvas.shot.gaze * wide * 0.6
    canvas.fill(ellipse(pupil, y, min(wide * 0.42, tall * 1.1), min(wide * 0.42, tall)), look.iris, 0.2)
    canvas.fill(ellipse(pupil, y, wide * 0.18, min(wide * 0.18, tall)), (16, 12, 12), 0.2)
    lid = np.array([(x - wide, y + side * look.eye_tilt), (x, y - tall * 1.15), (x + wide, y - side * look.eye_tilt)])
    canvas.line(lid, mix(darker(look.skin, 0.45), (20, 16, 16), look.lashes), 0.014 + 0.030 * look.lashes, 0.2)
    canvas.line(lid - (0, 0.05), darker(look.skin, 0.7), 0.016, 0.2, 0.6)
    brow = [(look.eye_gap - 0.17, -0.27), (look.eye_gap + 0.04, -0.27 - look.brow_arch), (look.eye_gap + 0.19, -0.25)]
    canvas.line(on_side(side, brow), darker(mix(look.hair, hair, 0.6), 0.85), look.brow * 1.4, 0.2, 0.9)


def _nose(canvas: Canvas, look: Look) -> None:
    wide = look.nose
    canvas.fill(smooth([(-0.05, -0.1), (0.05, -0.1), (wide, 0.33), (0, 0.40), (-wide, 0.33)]),
                mix(look.skin, (232, 96, 80), 0.5), 0.4, 0.8)
    bridge = smooth([(-0.03, -0.05), (0.03, -0.05), (0.05, 0.26), (-0.05, 0.26)])
    canvas.fill(bridge, darker(look.skin, 1.15), 0.42, 0.5)
    wings = [(-wide, 0.28), (-wide, 0.34), (0, 0.40), (wide, 0.34), (wide, 0.28)]
    canvas.line(wings, darker(look.skin, 0.62), 0.03, 0.45)
    for side in SIDES:
        canvas.fill(ellipse(side * wide * 0.5, 0.345, 0.048, 0.028), darker(look.skin, 0.25), 0.45)


def _mouth(canvas: Canvas, look: Look) -> None:
    wide, lift, full = look.mouth * (1 + 0.12 * canvas.shot.smile), canvas.shot.smile * 0.06, look.lip_full
    left, right = (-wide, 0.60 - lift), (wide, 0.60 - lift)
    bow = [(-0.09, 0.60 - full * 0.7), (0, 0.60 - full * 0.5), (0.09, 0.60 - full * 0.7)]
    canvas.fill(smooth([left, *bow, right, (0, 0.62 + full + lift)]), look.lip, 0.3)
    if canvas.shot.smile > 0.6:
        teeth = [(-wide * 0.8, 0.60 - lift / 2), (0, 0.60), (wide * 0.8, 0.60 - lift / 2), (0, 0.62 + lift)]
        canvas.fill(smooth(teeth), (246, 244, 238), 0.3)
    canvas.line([left, (0, 0.61 + lift / 2), right], darker(look.lip, 0.55), 0.016, 0.3)


def _photograph(image: Image.Image, shot: Shot, size: tuple[int, int]) -> Image.Image:
    small = image.reduce(SUPERSAMPLING).filter(ImageFilter.BoxBlur(shot.blur * size[0]))
    down, across = np.linspace(-1, 1, size[0], dtype=np.float32), np.linspace(-1, 1, size[1], dtype=np.float32)
    light = shot.gain * (1 + shot.slope[0] * across + shot.slope[1] * down[:, None])                        # (H, W)
    grain = np.random.default_rng(shot.grain).standard_normal(size, np.float32) * np.float32(shot.noise)    # (H, W)
    tints = (1 + shot.warmth, 1.0, 1 - shot.warmth)
    # Channel by channel takes a third of the time of one (H, W, 3) array.
    channels = [np.clip(np.asarray(channel) * (light * tint) + grain, 0, 255).astype(np.uint8)
                for channel, tint in zip(small.split(), tints, strict=True)]
    return Image.merge("RGB", [Image.fromarray(channel) for channel in channels])
