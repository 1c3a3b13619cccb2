"""pytorch-ignite as its guide shows it: a supervised trainer and evaluator with metrics attached to them."""

import torch
from ignite.engine import Engine, Events, create_supervised_evaluator, create_supervised_trainer
from ignite.metrics import Average, Fbeta
from torch import nn
from torch.optim import AdamW

from benchmarks.peers.image_files import loaders
from benchmarks.rounds import clock
from benchmarks.workload import Epoch, Workload, optimizer_settings

Output = tuple[torch.Tensor, torch.Tensor, float]  # logits (B, C), labels (B,), loss


def train(work: Workload, workers: int, epochs: int) -> list[Epoch]:
    """Train and validate."""
    train_loader, valid_loader = loaders(work, workers)
    model = work.make_network()
    optimizer = AdamW(model.parameters(), **optimizer_settings())
    trainer = create_supervised_trainer(model, optimizer, nn.CrossEntropyLoss(), output_transform=_output)
    Fbeta(1, output_transform=_logits_and_labels).attach(trainer, "f1")
    Average(output_transform=_loss).attach(trainer, "loss")
    evaluator = create_supervised_evaluator(model, metrics={"f1": Fbeta(1)})
    done, began = list[Epoch](), clock()

    @trainer.on(Events.EPOCH_COMPLETED)
    def validate(engine: Engine) -> None:
        nonlocal began
        cost = clock() - began
        metrics = engine.state.metrics
        done.append(Epoch(cost, metrics["loss"], metrics["f1"], evaluator.run(valid_loader).metrics["f1"]))
        began = clock()

    trainer.run(train_loader, max_epochs=epochs)
    return done


def _output(x: torch.Tensor, y: torch.Tensor, logits: torch.Tensor, loss: torch.Tensor) -> Output:
    return logits, y, loss.item()


def _logits_and_labels(output: Output) -> tuple[torch.Tensor, torch.Tensor]:
    return output[:2]


def _loss(output: Output) -> float:
    return output[2]
