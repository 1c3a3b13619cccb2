"""python -m experiments summary: what an experiment's network is made of, and what it costs."""

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from experiments._declared import declared
from runners.display import make_console, plain

if TYPE_CHECKING:
    from runners.diagnostics.model_summary import Block

MASK_CLASSES = 18


def summary(
    experiment: Annotated[str, typer.Argument(metavar="EXPERIMENT", help="Name of an experiment, as in the list.")],
    classes: Annotated[int, typer.Option(min=1, help="Classes to tell apart; 18 in the mask competition.")] = (
        MASK_CLASSES
    ),
) -> None:
    """Show a network's parameters, multiplications, output and the size of its weights; no data are needed."""
    import torch  # here and below: torch makes nobody wait who asks for --help

    from runners.diagnostics.model_summary import summarise, without_weights
    from runners.experiment import build
    from runners.parameter_groups import head_prefixes

    fields = declared(experiment)
    height, width = build("valid_transform", fields.valid_transform).size
    model = build("model", without_weights(fields.model), num_classes=classes)
    image = torch.zeros(1, height, width, 3, dtype=torch.uint8)
    found = summarise(model, image)

    console = make_console()
    console.print(plain(f"{experiment}: {type(model).__name__} of images {height}x{width}"))
    table = Table(box=None, pad_edge=False)
    table.add_column("block", overflow="fold")
    for heading in ("parameters", "trainable", "million MACs"):
        table.add_column(heading, justify="right", no_wrap=True)
    for block in found.blocks:
        table.add_row(*_cells(block))
    table.add_section()
    table.add_row(*_cells(found.total))
    console.print(table)
    console.print()
    lines = [
        f"input    1 image of {height}x{width}, as {tuple(image.shape)} of bytes",
        f"output   {found.output}",
        f"weights  {found.weight_bytes / 1e6:.1f} MB saved, batch norm's statistics included",
        "MACs     multiply-adds for one image: convolutions, matrix products, attention",
    ]
    if fields.freeze_epochs:
        head = sum(each.numel() for name, each in model.named_parameters() if name.startswith(head_prefixes(model)))
        lines.append(f"frozen   in the first {fields.freeze_epochs} epochs, all but {head:,} parameters of the head")
    for line in lines:
        console.print(plain(line), soft_wrap=True)


def _cells(block: "Block") -> tuple[str, ...]:
    return plain(block.name), f"{block.parameters:,}", f"{block.trainable:,}", f"{block.macs / 1e6:,.2f}"
