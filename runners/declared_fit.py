"""What a final fit on everything asks of the other fields: nothing is validated, so nothing may wait for a score."""

from data.errors import DataError
from data.whole_train_set import WholeTrainSet
from runners.experiment import Experiment


def check_final_fit(experiment: Experiment, epochs: int) -> None:
    """DataError, naming both fields, for a declaration that needs validation; epochs: how many each fit is trained.

    `monitor` and `patience` are no contradiction: they are stated by every experiment, and have no say here.
    """
    if experiment.split.func is not WholeTrainSet:
        return
    if experiment.plateau:
        raise DataError(
            "split is WholeTrainSet, which validates nothing, and scheduler is ReduceLROnPlateau, which waits for a "
            "validation score: a schedule by epochs, such as cosine, would be right."
        )
    switch = max(experiment.criterion_schedule)
    if switch > epochs:
        raise DataError(
            f"split's epochs_of found {epochs} epochs, and criterion switches at epoch {switch}: an earlier one would "
            "be right."
        )
    if epochs <= experiment.freeze_epochs < experiment.epochs:
        raise DataError(
            f"split's epochs_of found {epochs} epochs, and freeze_epochs is {experiment.freeze_epochs}: the network "
            f"would never be trained as a whole, freeze_epochs={epochs - 1} or fewer would be right."
        )
    average = experiment.average
    if average and average.func.__name__ == "GreedySoup":
        raise DataError(
            "split is WholeTrainSet, which validates nothing, and average is GreedySoup, which is chosen by a "
            "validation score: EMA, SWA or None would be right."
        )
    start = average.keywords.get("start") if average else None
    if isinstance(start, int) and start > epochs:
        raise DataError(
            f"split's epochs_of found {epochs} epochs, and average is {average.func.__name__} from epoch {start} on: "  # type: ignore[union-attr]
            f"start={epochs}, or an earlier one, would be right."
        )
