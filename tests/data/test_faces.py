"""What a drawn photograph shows: mask state, age, identity."""

from dataclasses import replace

import numpy as np
import pytest

from data.faces import draw_face
from data.people import Look, Mask, Shot, draw_look, draw_shot

SIZE = (128, 96)
STRAIGHT = Shot(shift=(0.0, 0.0), scale=1.0, tilt=0.0, yaw=0.0, pitch=0.0, smile=0.0, lids=1.0, gaze=0.0, slip=0.0,
                gain=1.0, slope=(0.0, 0.0), warmth=0.0, blur=0.0, noise=0.0, grain=0, quality=90)
LILAC = (150, 90, 220)             # a colour no face has
NOSE, MOUTH, BELOW_CHIN = 0.30, 0.62, 1.10


def a_look(years: float = 30.0, gender: str = "female") -> Look:
    return replace(draw_look(np.random.default_rng(3), gender, years), beard=0.0, glasses=False)


def pixels(look: Look, shot: Shot = STRAIGHT, mask: Mask | None = None, drop: float = 0.0) -> np.ndarray:
    return np.asarray(draw_face(look, shot, mask, drop, SIZE), int)


def masked(image: np.ndarray, height: float) -> bool:
    """Whether there is lilac in the middle, at this height in face units."""
    row = round(128 * (0.49 + 0.28 * height))
    return bool((np.abs(image[row - 1:row + 2, 40:57] - LILAC).sum(axis=2) < 30).mean() > 0.3)


@pytest.mark.parametrize("style", ["surgical", "fold", "cloth", "pattern", "cup"])
@pytest.mark.parametrize(("drop", "nose", "mouth"), [(0.0, True, True), (0.6, False, True), (1.0, False, False)])
def test_a_mask_covers_what_its_state_says(style, drop, nose, mouth):
    image = pixels(a_look(), mask=Mask(style, LILAC), drop=drop)
    assert (masked(image, NOSE), masked(image, MOUTH)) == (nose, mouth)
    assert masked(image, 0.9)                               # in each state the chin is covered


def test_a_bare_face_has_no_mask():
    image = pixels(a_look())
    assert not any(masked(image, height) for height in (NOSE, MOUTH, 0.9))


@pytest.mark.parametrize(("traits", "rows", "lighter"), [
    ({"greyness": 1.0}, slice(24, 32), 60.0),                # the crown turns grey
    ({"wrinkles": 1.0}, slice(36, 46), -8.0),                # lines on the forehead
    ({"sag": 1.0}, slice(64, 70), -8.0),                     # bags below the eyes
    ({"recede": 0.8}, slice(28, 32), 40.0)])                 # skin where hair was
def test_each_trait_of_age_shows_where_it_belongs(traits, rows, lighter):
    young = replace(a_look(), hair=(40, 30, 26), hair_end=-0.2, greyness=0.0, recede=0.0, fringe=0.0,
                    wrinkles=0.0, sag=0.0)
    change = (pixels(replace(young, **traits)) - pixels(young)).mean(axis=2)
    assert np.sign(lighter) * change[rows, 36:60].mean() > abs(lighter)
    assert (change[100:] == 0).all()                         # the clothes stay the same


def test_size_mode_and_the_same_bytes_twice():
    look, shot = a_look(), draw_shot(np.random.default_rng(1), a_look())
    first, second = (draw_face(look, shot, look.masks[0], 0.0, (40, 30)) for _ in range(2))
    assert (first.size, first.mode) == ((30, 40), "RGB") and first.tobytes() == second.tobytes()


def test_light_noise_and_blur_reach_the_image():
    look = a_look()
    plain = pixels(look)
    assert pixels(look, replace(STRAIGHT, gain=0.7)).mean() < 0.8 * plain.mean()
    sides = pixels(look, replace(STRAIGHT, slope=(0.3, 0.0))) - plain
    assert sides[:, :20].mean() < -10 and sides[:, -20:].mean() > 5
    warm = pixels(look, replace(STRAIGHT, warmth=0.1)) - plain
    assert warm[..., 0].mean() > 2 and warm[..., 2].mean() < -2
    noisy = pixels(look, replace(STRAIGHT, noise=6.0)) - plain
    assert noisy[20:100].std() == pytest.approx(6.0, abs=1.5)
    edges = np.abs(np.diff(plain, axis=0)).mean()
    assert np.abs(np.diff(pixels(look, replace(STRAIGHT, blur=0.01)), axis=0)).mean() < 0.8 * edges


def test_a_person_resembles_themselves_more_than_others():
    people = [draw_look(np.random.default_rng((11, number)), "male", 30) for number in range(6)]
    images = np.array([[pixels(look, draw_shot(np.random.default_rng((number, take)), look), look.masks[take])
                        for take in range(2)] for number, look in enumerate(people)], float)      # (6, 2, H, W, 3)
    apart = np.abs(images[:, None, 0] - images[None, :, 1]).mean(axis=(2, 3, 4))                    # (6, 6)
    assert (apart.argmin(axis=1) == np.arange(6)).mean() >= 5 / 6
