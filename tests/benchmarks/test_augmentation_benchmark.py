import numpy as np

from benchmarks.augmentation import PIPELINES, data_set, main
from benchmarks.machine import machine


def test_prints_a_row_a_pipeline_and_a_pair_of_columns_a_size(capsys) -> None:
    main(["--sizes", "32", "48", "--images", "6", "--rounds", "1"])
    header, *rows, note, told = capsys.readouterr().out.splitlines()
    assert max(map(len, [header, *rows, note, told])) <= 100
    assert header.split() == ["32", "px:", "us", "over", "48", "px:", "us", "over"]
    assert [row[:30].strip() for row in rows] == list(PIPELINES)
    assert all(len(row[30:].split()) == 4 for row in rows) and told == machine()


def test_every_pipeline_reads_the_cache_and_makes_images_of_the_size_that_was_asked_for(tmp_path) -> None:
    for name, pipeline in PIPELINES.items():
        batch = data_set(pipeline, tmp_path, 6, 32).__getitems__([(1, row) for row in range(6)])
        assert batch["features"].shape == (6, 32, 32, 3), name
        assert len({image.tobytes() for image in batch["features"].numpy()}) == 6, name
    light = [PIPELINES[name](size=(32, 32)) for name in ("flip_shift_colour", "the same by albumentations")]
    image = data_set(PIPELINES["mirror"], tmp_path, 6, 32).images[0]
    seen = [np.stack([transform(image, (1, 2, key)) for key in range(300)]).astype(float) for transform in light]
    assert np.abs(seen[0].mean(0) - seen[1].mean(0)).mean() < 6, "the same steps, drawn from the same ranges"
    assert abs(seen[0].std(0).mean() - seen[1].std(0).mean()) < 3
