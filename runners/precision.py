"""The numbers that a network computes with: float32, or half as wide where that is enough."""

from typing import Literal

from data.errors import DataError

Precision = Literal["no", "bf16", "fp16"]


def check_precision(precision: str, device: str) -> None:
    """DataError for a precision that the device does not train in."""
    if precision == "fp16" and device == "cpu":
        raise DataError(
            'precision is "fp16" and the device is the CPU, which has no gradient scaler for it: precision="bf16", or '
            "--device cuda, would be right."
        )
