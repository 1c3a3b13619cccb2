"""The state of a fold on disk: the last epoch's and the one before, so that a damaged file costs an epoch, not a run.

Beside them, after a stop, the one between two batches of the next epoch.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import DataError
from runners.run_folder import FoldFolder
from runners.state import read_arrays, read_checkpoint, write_arrays, write_checkpoint

State = dict[str, Any]
Predictions = dict[str, NDArray[Any]]


class FoldState:
    """Saves and finds a fold's state and predictions; each bears the fold's name, so that files can't be mistaken.

    `warn(text)` is told of every file that was passed over, and of what is done instead.
    """

    def __init__(self, folder: FoldFolder, warn: Callable[[str], None]) -> None:
        self.folder = folder
        self.warn = warn

    def save(self, state: State) -> None:
        """Commit an epoch; where a stop left it is of no use from then on."""
        write_checkpoint(self.folder.state, {**state, "fold": self.folder.name}, previous=self.folder.previous)
        self.folder.stopped.unlink(missing_ok=True)

    def save_stopped(self, state: State) -> None:
        """Keep where a stop leaves the fold, beside its last commit."""
        write_checkpoint(self.folder.stopped, {**state, "fold": self.folder.name})

    def load(self) -> State | None:
        """The newest whole state; None where there is none, and the fold starts anew."""
        committed, stopped = self._committed(), self._stopped()
        if stopped is None:
            return committed
        if committed is None or stopped["steps"][0] > committed["steps"][0]:  # epochs, the one under way included
            return stopped
        self.folder.stopped.unlink(missing_ok=True)  # its epoch was committed just before a kill
        return committed

    def _stopped(self) -> State | None:
        path = self.folder.stopped
        if not path.exists():
            return None
        try:
            state = read_checkpoint(path)
            self._check_fold(path.name, str(state.get("fold")))
            return state
        except DataError as error:
            self.warn(f"warning: {error} Therefore its epoch is trained from the first batch on.")
            return None

    def _committed(self) -> State | None:
        for path, instead in (
            (self.folder.state, "the epoch before is taken, the last one is trained again"),
            (self.folder.previous, "the fold is trained anew"),
        ):
            if path.exists():
                try:
                    state = read_checkpoint(path)
                    self._check_fold(path.name, str(state.get("fold")))
                    return state
                except DataError as error:
                    self.warn(f"warning: {error} Therefore {instead}.")
        return None

    def save_predictions(self, predictions: Predictions) -> None:
        """Write what makes a fold finished."""
        write_arrays(self.folder.predictions, {**predictions, "fold": np.asarray(self.folder.name)})

    def load_predictions(self) -> Predictions | None:
        """The predictions of a finished fold, None where it has to be trained or predicted with."""
        if not self.folder.predictions.exists():
            return None
        try:
            predictions = read_arrays(self.folder.predictions)
            self._check_fold(self.folder.predictions.name, str(predictions.pop("fold", None)))
            return predictions
        except DataError as error:
            self.warn(f"warning: {error} Therefore its images are predicted again.")
            return None

    def _check_fold(self, file: str, found: str) -> None:
        if found != self.folder.name:
            raise DataError(f"{self.folder.root / file} belongs to {found}, not to {self.folder.name}.")
