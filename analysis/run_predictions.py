"""What a finished run predicted: out of fold for training images, and for test images in the same manner."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import DataError
from runners.run_folder import RunFolder
from runners.state import read_arrays, read_json

Probabilities = NDArray[np.float32]

OOF_ARRAYS = ("probabilities", "image_ids", "persons", "targets", "folds")
TEST_ARRAYS = ("probabilities", "image_ids")


@dataclass(frozen=True)
class RunPredictions:
    """Arrays of one run: n training images predicted out of fold, M test images, C classes."""

    run: RunFolder
    image_ids: NDArray[np.str_]     # (n,)
    persons: NDArray[np.str_]       # (n,)
    targets: NDArray[np.int64]      # (n,)
    folds: NDArray[np.int64]        # (n,) the fold whose network predicted the image
    oof: Probabilities              # (n, C)
    test_ids: NDArray[np.str_]      # (M,)
    test: Probabilities             # (M, C) mean over the folds' networks: what was handed in

    @property
    def labels(self) -> NDArray[np.int64]:
        """Predicted class of each training image, (n,)."""
        return self.oof.argmax(1)

    def test_as_out_of_fold(self) -> Probabilities:
        """Test probabilities (M, C) made as the out-of-fold ones are: each image by a single fold's network.

        The mean over folds is surer and errs otherwise than any of its networks, so its confusion is not the
        out-of-fold table's, and a classifier tells the two apart where the images do not differ at all. Each network
        serves as large a share of the test images as of the training images, the same ones every time. Where the run
        kept no predictions of single folds (an ensemble), the mean has to do.
        """
        numbers, counts = np.unique(self.folds, return_counts=True)
        files = [self.run.fold(int(number)).predictions for number in numbers]
        if len(numbers) < 2 or not len(self.test) or not all(path.exists() for path in files):
            return self.test
        rng = np.random.default_rng(len(numbers))
        fold_of_image = np.empty(len(self.test), np.int64)
        by_id = np.argsort(self.test_ids)  # not by place: the same images in another order get the same networks
        fold_of_image[by_id] = rng.choice(len(numbers), len(self.test), p=counts / counts.sum())
        predicted = np.empty_like(self.test)
        for place, path in enumerate(files):
            of_fold = read_arrays(path).get("test")
            if of_fold is None or of_fold.shape != self.test.shape:
                raise DataError(f"{path} does not hold the fold's test predictions, {self.test.shape}, which test.npz "
                                "was made of.")
            predicted[fold_of_image == place] = of_fold[fold_of_image == place]
        return predicted


def read_predictions(run: RunFolder) -> RunPredictions:
    """The arrays of a finished run; DataError where they are missing, damaged or do not fit each other.

    So too for a final fit, which validated nothing: it has no out-of-fold predictions.
    """
    if is_final_fit(run):
        raise DataError(f"{run.root} is a final fit on all images: nothing was validated, so it has no out-of-fold "
                        "predictions, which are needed here; a run with folds would be right.")
    oof, test = _arrays(run, "oof.npz", OOF_ARRAYS), _arrays(run, "test.npz", TEST_ARRAYS)
    images, classes = oof["probabilities"].shape
    if any(len(oof[name]) != images for name in OOF_ARRAYS) or not images:
        raise DataError(f"{run.oof}: arrays of {', '.join(str(len(oof[name])) for name in OOF_ARRAYS)} images found, "
                        "the same number of each, at least 1, is needed.")
    if test["probabilities"].shape != (len(test["image_ids"]), classes):
        raise DataError(f"{run.test}: probabilities of shape {test['probabilities'].shape} found, "
                        f"({len(test['image_ids'])}, {classes}) is needed: its images, and the classes of oof.npz.")
    return RunPredictions(
        run=run, image_ids=oof["image_ids"], persons=oof["persons"], targets=oof["targets"], folds=oof["folds"],
        oof=oof["probabilities"], test_ids=test["image_ids"], test=test["probabilities"],
    )


def is_final_fit(run: RunFolder) -> bool:
    """Whether a finished run trained on every image and validated none: scores.json tells its fits, and no score."""
    scores = read_json(run.scores) if run.scores.exists() and not run.oof.exists() else None
    return isinstance(scores, dict) and "fits" in scores


def read_test(run: RunFolder) -> tuple[NDArray[np.str_], Probabilities]:
    """Ids (M,) and probabilities (M, C) of the test images, of a final fit too; DataError as `read_predictions`."""
    test = _arrays(run, "test.npz", TEST_ARRAYS)
    if len(test["probabilities"]) != len(test["image_ids"]):
        raise DataError(f"{run.test}: {len(test['image_ids'])} ids and {len(test['probabilities'])} rows of "
                        "probabilities found; expected as many.")
    return test["image_ids"], test["probabilities"]


def class_names(predictions: RunPredictions) -> tuple[str, ...]:
    """The names of a run's classes, from its scores.json; DataError where they are not as many as its columns."""
    return names_of_classes(predictions.run, predictions.oof.shape[1])


def names_of_classes(run: RunFolder, classes: int) -> tuple[str, ...]:
    """As :func:`class_names`, for a run whose predictions have so many columns."""
    path = run.scores
    if not path.exists():
        raise DataError(f"{run.root} has no {path.name}: only a whole run can be explained or blended.")
    scores = read_json(path)
    names = scores.get("classes") if isinstance(scores, dict) else None
    if not isinstance(names, list) or len(names) != classes or not all(isinstance(name, str) for name in names):
        raise DataError(f"{path}: classes is no list of {classes} names, one for each column of oof.npz.")
    return tuple(names)


def _arrays(run: RunFolder, name: str, needed: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    path = run.root / name
    if not path.exists():
        raise DataError(f"{run.root} has no {name}: only a finished run has out-of-fold and test predictions.")
    arrays = read_arrays(path)
    lacking = [key for key in needed if key not in arrays]
    if lacking or arrays["probabilities"].ndim != 2:
        what = f"no array {lacking[0]}" if lacking else f"probabilities of shape {arrays['probabilities'].shape}"
        raise DataError(f"{path} has {what}; expected {', '.join(needed)}, probabilities a row an image.")
    return arrays
