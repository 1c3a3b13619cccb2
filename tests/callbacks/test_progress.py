from callbacks.monitor import Monitor
from callbacks.progress import ProgressCallback, epoch_line


def log(*values: float) -> list[dict[str, float]]:
    return [{"train_loss": 12.3456, "valid_loss": 10.5, "valid_f1": value, "valid_accuracy": 0.7} for value in values]


def test_one_line_an_epoch_says_loss_metric_best_and_speed() -> None:
    line = epoch_line("fold 1/5", 30, Monitor("f1", "max"), log(0.2, 0.5, 0.4), 812.4)
    assert line == "fold 1/5  epoch  3/30  loss 12.346 10.500  f1 0.4000 (best 0.5000 @2)  812 img/s"
    assert len(line) <= 80
    assert "(best so far)" in epoch_line("fold 1/5", 30, Monitor("f1", "max"), log(0.2, 0.5), 1)
    by_loss = epoch_line("fold 5/5", 10, Monitor("loss", "min"), log(0.2, 0.5), 1234)
    assert by_loss == "fold 5/5  epoch  2/10  loss 12.346 10.500 (best 10.5000 @1)  f1 0.5000  1234 img/s"
    assert "f1 0.2000  accuracy 0.7000 (best so far)" in epoch_line("f", 9, Monitor("accuracy", "max"), log(0.2), 1)
    exploded = [{"train_loss": 123456.7, "valid_loss": float("nan"), "valid_f1": 0.1}]
    assert "loss 1.2e+05 nan  f1 0.1000" in epoch_line("fold 1/5", 30, Monitor("f1", "max"), exploded, 1)
    assert "(no best yet)" in epoch_line("fold 1/5", 30, Monitor("f1", "max"), log(float("nan")), 1)


def test_the_sampler_is_told_each_epoch(train) -> None:
    assert train(epochs=3).loaders["train"].sampler.epoch == 3


def test_ticks_add_up_to_every_batch_also_after_an_early_stop(train) -> None:
    ticks, lines, times = [], [], []
    progress = ProgressCallback(
        "fold 1/2",
        5,
        Monitor("f1", "max"),
        lambda batches, _: ticks.append(batches),
        lines.append,
        lambda *row: times.append(row),
    )
    train(extra=[progress], epochs=3)  # stops two epochs before the five that were announced
    assert sum(ticks) == 5 * (8 + 3)  # batches of training and validation
    assert len(lines) == 3
    assert len(set(ticks[:-1])) == 1  # one by one
    assert [(epoch, images) for epoch, _, images in times] == [(1, 80), (2, 80), (3, 80)]


def test_a_continued_fold_counts_what_it_has_behind_it() -> None:
    from types import SimpleNamespace

    ticks, lines = [], []
    progress = ProgressCallback("fold 1/2", 5, Monitor("f1", "max"), lambda n, _: ticks.append(n), lines.append, print)
    loaders = {"train": range(8), "valid": range(3)}
    progress.on_experiment_start(SimpleNamespace(unfinished=None, loaders=loaders, history=log(0.1, 0.2), epoch_step=2))
    assert ticks == [22] and lines == ["fold 1/2  continues after epoch 2"]
