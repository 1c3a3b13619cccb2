"""Rows of a loader's batches in one block, on their device.

Small tensors, one a batch, would lie between the large ones of two batches, and keep the allocator from using the place
of those again: a process that trains folds one after the other grew by gigabytes (docs/performance.md, Memory).
"""

import torch

_ROOM = 4096  # rows, before there is room for as many more


class Collected:
    """Rows (N, ...), given a batch at a time."""

    def __init__(self, rows: torch.Tensor | None = None) -> None:
        self.block = rows
        self.filled = 0 if rows is None else len(rows)

    def add(self, rows: torch.Tensor) -> None:
        """A batch's rows (B, ...), copied."""
        end = self.filled + len(rows)
        if self.block is None:
            self.block = rows.new_empty((max(_ROOM, end), *rows.shape[1:]))
        elif end > len(self.block):
            room = max(len(self.block), _ROOM, len(rows))
            self.block = torch.cat([self.block, self.block.new_empty((room, *rows.shape[1:]))])
        self.block[self.filled : end] = rows
        self.filled = end

    @property
    def rows(self) -> torch.Tensor:
        """All of them (N, ...), as long as none is added."""
        return torch.empty(0) if self.block is None else self.block[: self.filled]
