import torch

from data.held_images import HeldImages


def test_positions_go_round_and_every_tensor_follows() -> None:
    batch = {
        "features": torch.arange(3)[:, None, None, None].expand(3, 2, 2, 3),
        "targets": torch.tensor([7, 8, 9]),
        "years": torch.tensor([20.0, 30.0, 60.0]),
        "index": torch.tensor([40, 41, 42]),  # of another table
    }
    held = HeldImages(batch, ["a", "b", "c"])
    taken = held.__getitems__([(1, 2), (1, 3), (5, 7)])
    assert len(held) == 3 and held.image_ids == ["a", "b", "c"]
    assert taken["index"].tolist() == [2, 0, 1]
    assert taken["targets"].tolist() == [9, 7, 8] and taken["years"].tolist() == [60.0, 20.0, 30.0]
    assert taken["features"][:, 0, 0, 0].tolist() == [2, 0, 1]
