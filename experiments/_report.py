"""python -m experiments report: finished runs as one page that opens from disk."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from data.errors import DataError
from runners.display import make_console


def report(
    run: Annotated[
        list[str] | None, typer.Argument(help="Experiments or runs' folders; none: the latest run of each experiment.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="The page to write.")] = Path("report.html"),
    runs: Annotated[Path, typer.Option(help="Folder that keeps the runs.")] = Path("runs"),
    data: Annotated[Path | None, typer.Option(help="Data the runs were made on, for --thumbnails.")] = None,
    thumbnails: Annotated[
        bool, typer.Option(help="Put small pictures of the images into the page: faces are personal data.")
    ] = False,
) -> None:
    """Write the runs' ledger, curves, comparison, confusion and mistakes as one HTML file.

    The page needs no network and no server. It names images and persons; pictures are left out unless asked for.
    """
    # Imported here: numpy and scipy make nobody wait who asks for --help.
    from analysis.report.report import write_report

    if thumbnails and data is None:
        raise DataError("--thumbnails needs the images: give --data, the data the runs were made on.")
    written = write_report(out, runs, run or [], datetime.now().astimezone(), data if thumbnails else None)
    images = (
        f"{written.images:,} images"
        if written.listed == written.images
        else (
            f"{written.images:,} images, {written.listed:,} of them listed: those of the persons with the most mistakes"
        )
    )
    lines = [
        *written.remarks,
        f"report    {written.path} ({written.size / 1e6:.1f} MB)",
        f"runs      {', '.join(written.runs)}",
        f"images    {images}",
        f"pictures  {written.pictures:,}" if thumbnails else "pictures  none; --thumbnails --data PATH puts them in",
    ]
    for line in lines:
        readable = line.encode("utf-8", "backslashreplace").decode()  # a folder's name need not be text
        make_console().print(readable, markup=False, soft_wrap=True)
