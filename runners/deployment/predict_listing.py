"""All networks of a finished run over a list of images, each of which is read once."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from data.cache import ImageCache, cache_place
from data.cache_build import CacheSettings, open_cache
from data.datasets import ImageDataset
from data.errors import DataError
from data.loaders import make_loader
from data.samplers import SequentialSampler
from runners.deployment.listing import Listing
from runners.deployment.trained_run import TrainedRun
from runners.display import Display
from runners.inference import Network, predict
from runners.shortage import is_shortage


def predict_listing(
    trained: TrainedRun,
    networks: Sequence[Network],
    listing: Listing,
    caches: Sequence[ImageCache],
    device: str,
    display: Display,
) -> NDArray[np.float32]:
    """Probabilities (K, N, C) of K networks, as the run's own folds make them: its transform, views and batch size.

    Raises DataError, beside those of `predict`, for an image that does not decode and for a lack of memory.
    """
    dataset = ImageDataset(listing.root, listing.table, trained.transform, seed=trained.declaration.seed, caches=caches)
    loader = make_loader(
        dataset,
        SequentialSampler(len(dataset)),
        batch_size=trained.declaration.batch_size,
        workers=0,
        pin_memory=device != "cpu",
    )
    tick = partial(display.advance, 1, "predicting")
    try:
        return predict(networks, loader, trained.declaration.tta, trained.activation, device, tick)
    except Exception as error:
        if isinstance(error, DataError) or not is_shortage(error):
            raise
        raise DataError(
            f"Memory is short ({' '.join(str(error).split())[:200] or 'no more is said'}): fewer folds, or another "
            "--device, would be right."
        ) from error


def listed_caches(trained: TrainedRun, listing: Listing, settings: CacheSettings, display: Display) -> list[ImageCache]:
    """A cache that serves the listing's images: that of a whole data set, if runs have made it, else one of their own.

    None where the run's transform takes images as they are decoded, or where there is no room.
    """
    size = trained.transform.working_size
    if size is None:
        return []
    if listing.data is not None:
        every = [*listing.data.train["path"], *listing.data.test["path"]]
        place = cache_place(settings.folder, listing.root, every, size)
        if place.folder.exists() and place.is_whole():
            return [place]
    cache = open_cache(settings, listing.root, list(listing.table["path"]), size, display.line)
    return [] if cache is None else [cache]
