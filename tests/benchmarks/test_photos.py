import numpy as np

from benchmarks.photos import SIZE, draw_photo, write_photos
from data.images import decode_rgb, read_header


def test_photos_are_a_data_set_of_whole_persons_and_all_classes(photos) -> None:
    assert np.bincount(photos.train["target"]).tolist() == [5] * 6 + [1] * 12
    assert photos.train["person"].value_counts().tolist() == [7] * 6 and not photos.warnings
    header = read_header(photos.root / photos.train["path"][0])
    assert (header.height, header.width, header.format) == (64, 48, "JPEG")


def test_the_same_seed_draws_the_same_photos(photos, tmp_path) -> None:
    write_photos(tmp_path, 2, size=(64, 48))
    for path in photos.train["path"][:2]:
        assert (tmp_path / path).read_bytes() == (photos.root / path).read_bytes()


def test_a_photo_is_as_large_as_a_camera_s(tmp_path) -> None:
    write_photos(tmp_path, 3)
    sizes = [file.stat().st_size for file in tmp_path.rglob("*.jpg")]
    assert len(sizes) == 3 and 40_000 < min(sizes) <= max(sizes) < 60_000


def test_power_falls_with_frequency_and_the_patch_tells_the_class() -> None:
    one, other = (draw_photo(np.random.default_rng(1), label, SIZE).astype(float) for label in (0, 17))
    power = np.abs(np.fft.rfft(one[:100].mean(2), axis=1)).mean(0)  # above the patch
    assert power[1:5].mean() > 5 * power[20:40].mean() > 5 * power[100:].mean()
    assert np.abs(one[:100] - other[:100]).max() == 0 and np.abs(one[256, 192] - other[256, 192]).max() > 100


def test_photos_decode(photos) -> None:
    assert decode_rgb(photos.root / photos.train["path"][0]).std() > 5
