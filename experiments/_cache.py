"""python -m experiments cache: what is kept of decoded images, and its removal."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from runners.display import make_console, plain

cache = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Folder = Annotated[Path, typer.Option("--cache", help="Folder that keeps decoded images.")]
CACHE = Path("cache")


@cache.callback(invoke_without_command=True)
def show(context: typer.Context, folder: Folder = CACHE) -> None:
    """List the caches of decoded images: how large they are and when they were last used."""
    if context.invoked_subcommand is not None:
        return
    from data.cache_list import list_caches

    console, caches = make_console(), list_caches(folder)
    if not caches:
        console.print(plain(f"No images are cached in {folder}."))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("cache", "images", "size", "MiB", "last used"):
        table.add_column(column, justify="left" if column == "cache" else "right", overflow="fold")
    for one in caches:
        size = f"{one.size[0]}x{one.size[1]}" if one.size else "damaged"
        used = datetime.fromtimestamp(one.used).strftime("%Y-%m-%d %H:%M")
        table.add_row(plain(one.folder.name), f"{one.images:,}", size, f"{one.bytes / 2**20:,.0f}", used)
    console.print(table)
    console.print(plain(f"{sum(one.bytes for one in caches) / 2**20:,.0f} MiB in {folder}"), soft_wrap=True)


@cache.command()
def clear(folder: Folder = CACHE) -> None:
    """Remove all caches; the next run decodes its images again."""
    from data.cache_list import list_caches, remove_caches

    freed = sum(one.bytes for one in list_caches(folder))
    remove_caches(folder)
    make_console().print(f"{freed / 2**20:,.0f} MiB freed in {folder}", markup=False, soft_wrap=True)
