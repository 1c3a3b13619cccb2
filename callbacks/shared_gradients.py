"""Gradients of processes that train one network together: summed just before a step, whatever each had a share in.

torch's DistributedDataParallel averages gradients over processes. A mean over a batch needs something else: parts of a
batch differ in size, class weights differ in sum, and sums of criteria have several divisors. So each process keeps
sums of weight * gradient, and here they are summed with their weights.
"""

from collections.abc import Callable, Sequence

import torch

Total = Callable[[torch.Tensor], torch.Tensor]  # the sum of a tensor over all processes


def sum_gradients(
    parameters: Sequence[torch.Tensor],
    gradients: Sequence[torch.Tensor | None],
    weight: torch.Tensor | float,
    total: Total,
) -> tuple[list[torch.Tensor | None], torch.Tensor]:
    """Gradients of all processes and the sum of their weights, in one exchange.

    A parameter keeps None where no process has a gradient of it: optimizers leave it alone then. One that is missing
    here alone, as in a network that skips layers at random, counts as 0.
    """
    trained = [number for number, parameter in enumerate(parameters) if parameter.requires_grad]
    if not trained:
        return list(gradients), total(torch.as_tensor(weight, device=parameters[0].device))
    kept = [torch.zeros_like(parameters[n]) if (g := gradients[n]) is None else g for n in trained]
    device = kept[0].device
    found = torch.tensor([gradients[number] is not None for number in trained], dtype=torch.float32, device=device)
    sent = [torch.as_tensor(weight, dtype=torch.float32, device=device).reshape(1), found]
    everything = total(torch.cat([*sent, *(gradient.reshape(-1) for gradient in kept)]))
    head = 1 + len(trained)
    parts = everything[head:].split([gradient.numel() for gradient in kept])
    summed: list[torch.Tensor | None] = [None] * len(parameters)
    for place, (number, gradient, part) in enumerate(zip(trained, kept, parts, strict=True)):
        # to look at what was found makes a GPU wait: only where there is none here
        if gradients[number] is not None or everything[1 + place] > 0:
            summed[number] = gradient.copy_(part.view_as(gradient))  # in the parameter's own order in memory
    return summed, everything[0]
