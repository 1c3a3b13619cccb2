"""What happens during a run. ORDER is the one place that says which callback acts before which: no two are equal."""

ORDER = {
    "criterion": 10,  # the batch's loss
    "finite_loss": 15,  # ends a fold whose loss is no longer a number
    "f1": 20,  # counts of the batch; the loader's F1
    "backward": 30,  # gradients of the batch
    "optimizer": 40,  # a step where a window of batches closes
    "scheduler": 50,  # the learning rate, before it is saved
    "checkpoint": 60,  # everything above, on disk
    "early_stopping": 70,  # reads the log that the checkpoint holds
    "progress": 80,  # tells the user what has been saved
}
