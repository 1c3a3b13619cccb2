
import pytest

from benchmarks.photos import write_photos
from data.metadata import ImageData
from data.reading import read_data


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> ImageData:
    """Six small people, each of another gender and age: 42 images of 18 classes."""
    return read_data(write_photos(tmp_path_factory.mktemp("photos"), 42, size=(64, 48)))
