"""Who the sample competition's people are: traits drawn from gender and age, and how each photograph is taken.

No cue decides alone: femininity and apparent age carry noise, women may wear short hair and men long, some dye
their grey hair and some turn grey young.
"""

from dataclasses import dataclass

import numpy as np

Colour = tuple[int, int, int]

SKINS = ((250, 222, 200), (238, 200, 170), (224, 180, 146), (196, 148, 112), (150, 104, 76), (104, 72, 56))
HAIRS = ((28, 24, 26), (46, 34, 30), (74, 50, 36), (106, 72, 46), (150, 110, 66), (198, 164, 108), (132, 62, 36))
EYES = ((70, 46, 30), (92, 64, 38), (44, 34, 30), (86, 110, 120), (90, 110, 70))
GREYS = ((206, 204, 202), (176, 174, 174), (226, 224, 220))
LOUD = ((176, 44, 52), (214, 110, 132), (232, 186, 66), (118, 76, 140), (62, 148, 132), (236, 224, 214))
QUIET = ((40, 46, 62), (70, 76, 84), (28, 28, 30), (88, 98, 72), (60, 92, 140), (232, 232, 234))
WALLS = ((214, 214, 208), (196, 204, 212), (222, 210, 190), (170, 180, 172), (146, 152, 166), (206, 188, 184))
MASK_COLOURS = {
    "surgical": ((140, 192, 226), (236, 238, 240), (238, 190, 206), (150, 204, 186)),
    "fold": ((246, 246, 244), (40, 40, 44), (206, 208, 212)),
    "cloth": ((34, 34, 38), (96, 98, 106), (44, 60, 104), (64, 78, 60)),
    "pattern": ((180, 52, 60), (60, 110, 100), (92, 80, 150), (222, 160, 70)),
    "cup": ((240, 238, 232), (228, 226, 214)),
}


@dataclass(frozen=True)
class Mask:
    """One mask: a style of MASK_COLOURS and its colour."""

    style: str
    colour: Colour


@dataclass(frozen=True)
class Look:
    """What stays the same in a person's seven images; lengths in face units (half a face is 1 high), the rest 0..1."""

    skin: Colour
    hair: Colour
    grey: Colour
    iris: Colour
    lip: Colour
    clothes: Colour
    second: Colour          # collar, stripes and the thing in the background
    wall: Colour
    greyness: float         # share of grey strands
    wrinkles: float
    sag: float              # lids, jowls and bags of age
    spots: float
    face: float             # half-width at the cheeks
    jaw: float              # half-width of the jaw
    chin: float             # half-width of the chin
    eye: float              # half-width of an eye
    eye_gap: float          # from the middle to an eye's centre
    eye_tilt: float
    brow: float             # thickness
    brow_arch: float
    nose: float             # half-width
    mouth: float            # half-width
    lip_full: float
    lashes: float
    hair_end: float         # height where the hair ends, downwards: -0.3 cropped, 1.6 on the chest
    volume: float           # of the hair above the skull
    parting: float
    fringe: float           # 0 a free forehead, 1 hair down to the brows
    recede: float           # 1 bald on top
    curl: float
    beard: float
    glasses: bool
    earrings: bool
    shoulder: float         # half-width
    collar: int             # 0 round, 1 V, 2 shirt, 3 hood
    stripes: bool
    scene: int              # 0 bare wall, 1 door, 2 shelf, 3 window
    detail: int             # seed of strands, spots and curls: the same in each image
    far: float              # mean scale of the photographs
    high: float             # their mean shift downwards
    gain: float             # the room's light, as in Shot
    slope: tuple[float, float]
    warmth: float
    masks: tuple[Mask, ...]  # the five of mask1..mask5
    on_chin: bool           # where incorrect_mask hangs; else below the nose


@dataclass(frozen=True)
class Shot:
    """What differs from image to image: pose in face units or radians, expression, light and camera."""

    shift: tuple[float, float]
    scale: float
    tilt: float
    yaw: float
    pitch: float
    smile: float
    lids: float             # 1 wide open
    gaze: float
    slip: float             # the mask's height, up or down
    gain: float
    slope: tuple[float, float]   # light falls off across the image, as shares of the gain
    warmth: float
    blur: float             # radius as a share of the image's height
    noise: float            # standard deviation in grey levels
    grain: int              # seed of the noise
    quality: int            # of the JPEG


def _pick(rng: np.random.Generator, colours: tuple[Colour, ...], spread: float = 10.0) -> Colour:
    base = np.asarray(colours[rng.integers(len(colours))], float)
    red, green, blue = np.clip(base + rng.normal(0, spread) + rng.normal(0, spread / 2, 3), 0, 255).astype(int).tolist()
    return red, green, blue


def _masks(rng: np.random.Generator) -> tuple[Mask, ...]:
    styles = rng.permutation(sorted(MASK_COLOURS)).tolist()
    return tuple(Mask(style, _pick(rng, MASK_COLOURS[style], 6)) for style in styles)


def _aged(skin: Colour, old: float) -> Colour:
    # Older skin is duller: it moves towards its own grey.
    grey = sum(skin) / 3 * 0.94
    red, green, blue = (round(channel + (grey - channel) * 0.5 * old) for channel in skin)
    return red, green, blue


def draw_look(rng: np.random.Generator, gender: str, age: float) -> Look:
    """Traits of one person of this gender ("male", "female") and true age in years (may lie outside 18..60)."""
    woman = gender == "female"
    fem = (1.0 if woman else -1.0) + rng.normal(0, 0.35)               # how feminine the features look
    old = float(np.clip((age + rng.normal(0, 2.5) - 18) / 50, 0, 1))  # how old: 0 at 18, 1 at 68
    normal = rng.normal

    def chance(probability: float) -> bool:
        return bool(rng.random() < probability)

    grey = 1 / (1 + np.exp(-(old - 0.79 + normal(0, 0.03)) * 26))     # half grey at 57
    if chance(0.08 if woman else 0.05):
        grey *= 0.3                                                   # dyed
    elif chance(0.03):
        grey = max(grey, rng.uniform(0.4, 0.8))                       # grey early
    long_hair = chance(0.95 - 0.40 * old if woman else 0.06)
    hair_end = rng.uniform(0.55, 1.7) if long_hair else normal(0.25 if woman else -0.2, 0.12)
    skin = _pick(rng, SKINS, 6)
    return Look(
        skin=_aged(skin, old), hair=_pick(rng, HAIRS if sum(skin) > 420 else HAIRS[:4], 8),
        grey=_pick(rng, GREYS, 6), iris=_pick(rng, EYES, 6),
        lip=_pick(rng, ((196, 84, 88), (188, 48, 66)) if fem > 0.3 else ((168, 96, 86), (150, 84, 76)), 8),
        clothes=_pick(rng, LOUD if chance(0.6 + 0.25 * fem - 0.45 * old) else QUIET, 12),
        second=_pick(rng, LOUD + QUIET, 14), wall=_pick(rng, WALLS, 12),
        greyness=float(grey),
        wrinkles=float(np.clip(1.15 * old**1.1 * rng.uniform(0.85, 1.2), 0, 1)),
        sag=float(np.clip(1.1 * old**1.3 + normal(0, 0.06), 0, 1)),
        spots=float(np.clip((old - 0.6) * 2 + normal(0, 0.15), 0, 1)),
        face=normal(0.71 - 0.02 * fem, 0.022), jaw=normal(0.545 - 0.04 * fem, 0.025),
        chin=normal(0.265 - 0.045 * fem, 0.02),
        eye=normal(0.142 + 0.012 * fem - 0.012 * old, 0.008), eye_gap=normal(0.315, 0.014),
        eye_tilt=normal(0.01, 0.012),
        brow=max(0.02, normal(0.055 - 0.022 * fem - 0.008 * old, 0.007)), brow_arch=normal(0.045 + 0.02 * fem, 0.012),
        nose=normal(0.135 - 0.013 * fem + 0.012 * old, 0.014), mouth=normal(0.265 - 0.01 * fem, 0.02),
        lip_full=max(0.03, normal(0.075 + 0.012 * fem - 0.025 * old, 0.01)),
        lashes=float(np.clip(0.35 + 0.35 * fem + normal(0, 0.12), 0, 1)),
        hair_end=float(hair_end), volume=float(np.clip(normal(0.17 + 0.02 * fem - 0.05 * old, 0.045), 0.05, 0.4)),
        parting=normal(0, 0.25),
        fringe=float(np.clip(rng.uniform(-0.6, 1.0), 0, 1)) if chance(0.8 - 0.7 * old) else 0.0,
        recede=float(np.clip(normal(0.9 * old - 0.25, 0.22), 0, 1)) if not woman else 0.0,
        curl=float(np.clip(rng.uniform(-1, 1) + (old if woman else 0), 0, 1)),
        beard=float(rng.uniform(0.3, 1.0)) if not woman and chance(0.5) else 0.0,
        glasses=chance(0.1 + 0.5 * old), earrings=chance(0.45 if woman else 0.05),
        shoulder=normal(1.42 - 0.1 * fem, 0.06),
        collar=int(rng.choice(4, p=(0.4 - 0.2 * old, 0.2, 0.05 + 0.5 * old, 0.35 - 0.3 * old))),
        stripes=chance(0.2), scene=int(rng.integers(4)), detail=int(rng.integers(2**31)),
        far=normal(1.0, 0.03), high=normal(0, 0.02), gain=float(np.exp(normal(-0.07, 0.08))),
        slope=(normal(0, 0.06), normal(0, 0.04)), warmth=normal(0, 0.025),
        masks=_masks(rng), on_chin=chance(0.5),
    )


def draw_shot(rng: np.random.Generator, look: Look) -> Shot:
    """How one photograph of this person is taken: in their room and light, but never twice the same."""
    normal = rng.normal
    return Shot(
        shift=(normal(0, 0.045), normal(look.high, 0.03)), scale=float(np.clip(normal(look.far, 0.03), 0.85, 1.18)),
        tilt=normal(0, 0.045), yaw=normal(0, 0.11), pitch=normal(0, 0.06),
        smile=rng.uniform(-0.2, 1.0), lids=rng.uniform(0.65, 1.0), gaze=normal(0, 0.25), slip=normal(0, 0.02),
        gain=float(look.gain * np.exp(normal(0, 0.05))), warmth=normal(look.warmth, 0.015),
        slope=(normal(look.slope[0], 0.04), normal(look.slope[1], 0.03)),
        blur=rng.uniform(0.0, 0.0028), noise=rng.uniform(1.0, 7.0), grain=int(rng.integers(2**31)),
        quality=int(rng.integers(68, 93)),
    )
