"""Images as a competitor reads them: a Dataset over files, OpenCV, albumentations, torch's DataLoader."""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch.utils.data import DataLoader, Dataset

from benchmarks.workload import FLIP, MEAN, STD, Workload

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask a server for newer versions
import albumentations as A  # noqa: E402
import cv2  # noqa: E402
from albumentations.pytorch import ToTensorV2  # noqa: E402


class ImageFiles(Dataset[tuple[torch.Tensor, int]]):
    """(3, H, W) normalised images with their labels, read as albumentations' documentation does for classification."""

    def __init__(self, root: Path, table: pd.DataFrame, size: tuple[int, int], augmented: bool) -> None:
        self.paths = [str(root / path) for path in table["path"]]
        self.labels = table["target"].tolist()
        flip = [A.HorizontalFlip(p=FLIP)] if augmented else []
        self.transform = A.Compose([A.Resize(*size), *flip, A.Normalize(mean=MEAN, std=STD), ToTensorV2()])

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = cv2.imread(self.paths[index])
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)  # type: ignore[arg-type]
        return self.transform(image=image)["image"], self.labels[index]


def datasets(work: Workload) -> tuple[ImageFiles, ImageFiles]:
    """The images to train on, augmented, and those to validate with."""
    size = work.network.size
    return ImageFiles(work.root, work.train, size, True), ImageFiles(work.root, work.valid, size, False)


def loaders(work: Workload, workers: int) -> tuple["DataLoader[Any]", "DataLoader[Any]"]:
    """Training and validation batches (B, 3, H, W), (B,)."""
    train, valid = datasets(work)
    return (
        DataLoader(train, batch_size=work.batch_size, shuffle=True, num_workers=workers),
        DataLoader(valid, batch_size=work.batch_size, num_workers=workers),
    )
