"""What a data set is to the rest of the project: a table of training images, a table of test images, class names."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class ImageData:
    """Images of a competition as tables; no pixel is read.

    train: columns image_id (unique text), path (POSIX, relative to root), person (text; a person is never split),
    target (int64, 0..len(class_names)-1), then the factors the data form knows (mask competition: mask, gender, age as
    indices into data.labels.FACTORS, then years and id as train.csv has them).
    test: columns image_id, path, in the order a submission must keep; no rows where there is no test set.
    """

    root: Path
    form: str                         # "mask" (the competition's folders) or "csv" (path,label,group)
    train: pd.DataFrame
    test: pd.DataFrame
    class_names: tuple[str, ...]
    id_column: str                    # header of a submission's first column: "ImageID" or "path"
    answer_column: str                # and of its second: "ans" or "label"
    hidden_files: tuple[str, ...]     # skipped: ._mask1.jpg, .DS_Store ...; paths relative to root
    warnings: tuple[str, ...] = ()    # sentences: what was read all the same, and what was left out
    corrected_rows: int = 0           # train rows changed by a corrections file
