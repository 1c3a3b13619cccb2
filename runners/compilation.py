"""torch.compile, in place: the network keeps its type, its tensors and the names they are saved under."""

from torch import nn

BACKEND = "inductor"  # of torch.compile: the one that writes machine code
VARIANTS = 128  # shapes of batches, in training and in evaluation, of all folds; torch alone gives up after 8


def compile_network(model: nn.Module) -> None:
    """Compile what calling the model runs, at its first call with each shape of a batch.

    With sizes left open, the code that a batch runs through would depend on the batches before it, and a continued run
    would not end with the same bits. What one fold has compiled serves the next.
    """
    import torch._dynamo.config  # here: it takes a second that other runs need not wait for

    torch._dynamo.config.recompile_limit = VARIANTS
    model.compile(backend=BACKEND, dynamic=False)


def plain_network(model: nn.Module) -> None:
    """Undo `compile_network`."""
    model._compiled_call_impl = None
