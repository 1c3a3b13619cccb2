"""What happens during a run. ORDER is the one place that says which callback acts before which: no two are equal."""

from callbacks.quick_imports import hide_unused

hide_unused()

ORDER = {
    "freeze": 3,  # which parameters have gradients
    "mix": 8,  # the images of a batch with each other, before the network sees them
    "criterion": 10,  # the batch's loss
    "finite_loss": 15,  # ends a fold whose loss is no longer a number
    "f1": 20,  # counts of the batch; the loader's F1
    "metrics": 22,  # the declared ones, from these counts or all scores of the loader
    "backward": 30,  # gradients of the batch
    "optimizer": 40,  # a step where a window of batches closes
    "average": 45,  # of the weights after this step; it takes their place in validation
    "scheduler": 50,  # the learning rate, before it is saved
    "soup": 55,  # keeps the weights of the best epochs
    "checkpoint": 60,  # everything above, on disk
    "early_stopping": 70,  # reads the log that the checkpoint holds
    "progress": 80,  # tells the user what has been saved
    "pace": 85,  # measures the first batches
    "probe": 90,  # a short training before a run: reports, and may end it
    "stop": 95,  # all of the above between two batches, on disk, and the end
}
