"""A folder of the same name is not yet the same folder: what a node sees is compared with what the command sees."""

from dataclasses import replace

import pytest

from data.cache import INDEX
from runners.cluster.storage import marked, unseen


@pytest.mark.parametrize("cached", ["", "test"])
@pytest.mark.parametrize("change", ["longer", "gone"])
def test_a_node_with_other_files_of_the_same_names_does_not_see_the_data(make_fold, cached: str, change: str) -> None:
    fold = make_fold(cached)
    assert len(fold.caches) == bool(cached)
    with marked(fold) as mark:
        assert unseen(fold, mark) == ""
        image = fold.data.root / fold.data.train["path"].iloc[5]
        image.write_bytes(image.read_bytes() + b"\0") if change == "longer" else image.unlink()
        assert unseen(fold, mark).endswith(f"does not see the files that the command sees in {fold.data.root}")


def test_where_caches_hold_every_image_no_file_of_the_data_is_needed(make_fold, tmp_path) -> None:
    fold = make_fold("all")
    with marked(fold) as mark:
        elsewhere = replace(fold, data=replace(fold.data, root=tmp_path / "nowhere"))
        assert unseen(elsewhere, mark) == ""
        (fold.caches[0].folder / INDEX).unlink()
        assert unseen(fold, mark).endswith(f"does not see the cache {fold.caches[0].folder}")
    assert "does not see the run's folder" in unseen(fold, mark), "the mark is gone"
