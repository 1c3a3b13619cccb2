from pathlib import Path

from typer.testing import CliRunner

from data.cache_build import CacheSettings, open_cache
from data.reading import read_data
from experiments._cache import cache


def test_caches_are_shown_and_cleared(competition: Path, tmp_path: Path) -> None:
    folder, data = tmp_path / "cache", read_data(competition)
    words, runner = ["--cache", str(folder)], CliRunner()
    assert "No images are cached" in runner.invoke(cache, words).stdout
    open_cache(CacheSettings(folder, 2**30, 1), data.root, list(data.train["path"]), (32, 24), print)
    shown = runner.invoke(cache, words).stdout
    assert "84" in shown and "32x24" in shown and "0 MiB in" in shown
    assert "MiB freed" in runner.invoke(cache, ["clear", *words]).stdout
    assert not folder.exists() and "No images are cached" in runner.invoke(cache, words).stdout
