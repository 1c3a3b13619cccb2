import math

from callbacks.last_epoch import LastEpoch
from callbacks.progress import epoch_line


def log(*losses: float) -> list[dict[str, float]]:
    return [{"epoch": at, "train_loss": loss, "train_f1": 0.5} for at, loss in enumerate(losses, start=1)]


def test_the_last_epoch_counts_whatever_it_scored() -> None:
    for losses in ((3.0,), (1.0, 9.0), (2.0, 1.0, 5.0)):
        assert LastEpoch().best_epoch(log(*losses)) == len(losses) - 1 and LastEpoch().improved(log(*losses))
        assert LastEpoch().epochs_since_best(log(*losses)) == 0 and LastEpoch().values(log(*losses)) == list(losses)


def test_weights_of_an_epoch_without_a_finite_loss_are_of_no_use() -> None:
    for loss in (math.nan, math.inf):
        assert LastEpoch().best_epoch(log(1.0, loss)) is None and not LastEpoch().improved(log(1.0, loss))
    assert LastEpoch().best_epoch([]) is None


def test_its_line_tells_of_training_alone() -> None:
    line = epoch_line("fit 1/3", 12, LastEpoch(), log(2.0, 1.25), 70.4)
    assert line == "fit 1/3  epoch  2/12  training loss 1.250  f1 0.5000  70 img/s"
