"""python -m experiments mistakes: where a run fails, out of fold, and which labels may be to blame."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from data.errors import DataError
from runners.display import make_console, plain

if TYPE_CHECKING:
    from rich.console import Console

    from analysis.mistakes.judged_images import JudgedImages
    from analysis.mistakes.suspects import Suspects
    from runners.run_folder import RunFolder

SUGGESTIONS = (
    "Suggestions, not findings: what the networks find hard looks like a wrong label. Look at the images before you "
    "believe one."
)


def mistakes(
    run: Annotated[str, typer.Argument(help="An experiment (its latest finished run), or a run's folder.")],
    runs: Annotated[Path, typer.Option(help="Folder that keeps the runs.")] = Path("runs"),
    data: Annotated[
        Path | None, typer.Option(help="The images, where they are no longer where the run found them.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write pictures below this folder.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows of each table, persons on the sheets.")] = 10,
    corrections: Annotated[
        Path | None, typer.Option(help="New CSV to write the suspected labels into, to look through and apply.")
    ] = None,
) -> None:
    """Show where a run fails: worst mistakes, confused classes, what each class costs, suspected wrong labels.

    Everything is told from out-of-fold predictions: each image by networks that never saw its person.
    """
    # Imported here: numpy and scikit-learn make nobody wait who asks for --help.
    from analysis.leaderboard.registration import find_run
    from analysis.mistakes.judged_images import read_judged_images
    from analysis.mistakes.suspects import find_suspects
    from analysis.sealed_run import check_results

    folder, console = check_results(find_run(runs, run)), make_console()
    if corrections:
        _check_new_file(corrections)
    judged = read_judged_images(folder)
    root = _data_root(folder, data)
    _print_scores(console, folder, judged)
    _print_classes(console, judged, top)
    _print_worst(console, judged, top)
    suspects = None
    try:
        suspects = find_suspects(judged)
    except DataError as missing:  # cleanlab is an extra: all the rest is told without it
        if corrections:
            raise
        console.print()
        console.print(plain(str(missing)), soft_wrap=True)
    if suspects:
        _print_suspects(console, judged, suspects, top)
    if out:
        _draw(console, out / folder.root.parent.name / folder.root.name, judged, suspects, root, top)
    if suspects and corrections:
        _write_corrections(console, corrections, folder, judged, suspects, root)


def _data_root(run: "RunFolder", data: Path | None) -> Path | None:
    """The folder that image paths start from: of --data, or where the run had its data; None where nothing says."""
    from runners.state import read_json

    if data is not None:
        if not data.exists():
            raise DataError(f"{data} does not exist; --data takes the folder, or the CSV, that the run was made on.")
        return data.parent if data.is_file() else data
    noted = read_json(run.environment).get("data") if run.environment.exists() else None
    return Path(noted) if noted else None


def _print_scores(console: "Console", run: "RunFolder", judged: "JudgedImages") -> None:
    """Score of the classes and of each factor, and the calibration."""
    from analysis.mistakes.calibration import calibration
    from analysis.mistakes.confusion import confusions, wrong_in

    matrices, combined = confusions(judged), wrong_in(judged)
    persons = len(set(judged.persons.tolist()))
    head = f"{run.root.parent.name} {run.root.name}: {len(judged.targets):,} images of {persons:,} persons, out of fold"
    console.print(plain(head), soft_wrap=True)
    shown = _table("What is asked", "", "macro F1", "accuracy", "images wrong", "in nothing else")
    for matrix in matrices:
        wrong = int(matrix.counts.sum() - matrix.counts.trace())
        alone = combined.get((matrix.name,))
        cells = (
            f"{matrix.macro_f1:.4f}",
            f"{matrix.accuracy:.4f}",
            f"{wrong:,}",
            "" if alone is None else f"{alone:,}",
        )
        shown.add_row(plain(matrix.name), *cells)
    _show(console, shown)
    found = calibration(judged)
    console.print(
        f"\nCalibration: expected error {found.expected_error:.4f} ({found.by_chance:.4f} would be chance), confidence "
        f"{found.mean_confidence:.4f}, accuracy {found.mean_accuracy:.4f}: the networks are {found.tendency}.",
        markup=False,
    )


def _print_classes(console: "Console", judged: "JudgedImages", top: int) -> None:
    """What each class costs, and which are confused."""
    from analysis.mistakes.class_costs import class_costs
    from analysis.mistakes.confusion import confused_pairs

    costs = class_costs(judged)
    title = "What each class costs: macro F1 if it were perfect, and if it were lost"
    shown = _table(title, "class", "images", "F1", "perfect", "gain", "lost", "loss")
    for cost in costs:
        counts = (f"{cost.images:,}", f"{cost.f1:.3f}", f"{cost.if_perfect:.3f}", f"{cost.gain:+.3f}")
        shown.add_row(plain(cost.name), *counts, f"{cost.if_lost:.3f}", f"{0 - cost.loss:+.3f}")
    _show(console, shown)
    pairs = confused_pairs(judged)
    names = judged.class_names
    shown = _table(_of("Most confused", len(pairs), top), "truth", "taken for", "images", "persons", "share", "back")
    shown.columns[1].justify = "left"
    for pair in pairs[:top]:
        counts = (f"{pair.images:,}", f"{pair.persons:,}", f"{pair.share:.0%}", f"{pair.back:,}")
        shown.add_row(plain(names[pair.target]), plain(names[pair.predicted]), *counts)
    _show(console, shown)


def _print_worst(console: "Console", judged: "JudgedImages", top: int) -> None:
    """The worst mistakes, and the persons who are wrong in every image."""
    from analysis.mistakes.worst_mistakes import persons_wrong_throughout, worst_mistakes

    names, found = judged.class_names, worst_mistakes(judged)
    shown = _table(_of("Worst mistakes", len(found), top), "image", "truth", "taken for", "prob.", "loss")
    for column in shown.columns[1:3]:
        column.justify, column.no_wrap, column.overflow = "left", False, "fold"
    for each in found[:top]:
        words = (each.image_id, names[each.target], names[each.predicted])
        shown.add_row(*map(plain, words), f"{each.probability:.2f}", f"{each.loss:.2f}")
    _show(console, shown)
    persons = persons_wrong_throughout(judged)
    title = _of("Persons wrong in every image", len(persons), top)
    shown = _table(title, "person", "images", "mean loss", "wrong in each")
    for person in persons[:top]:
        shown.add_row(plain(person.person), str(person.images), f"{person.loss:.2f}", ", ".join(person.throughout))
    _show(console, shown)


def _print_suspects(console: "Console", judged: "JudgedImages", suspects: "Suspects", top: int) -> None:
    """Suspected wrong labels, a table for each factor."""
    from analysis.mistakes.suspects import OF_AN_IMAGE

    if not suspects.found:
        console.print("\nSuspected wrong labels: none.")
    order = sorted(suspects.agreement, key=lambda name: -suspects.agreement[name])
    for name in order:
        found = [suspect for suspect in suspects.found if suspect.factor == name]
        if not found:
            continue
        title = _of(f"Suspected wrong labels: {name}", len(found), top)
        shown = _table(title, "person or image", "label", "judged", "prob.", "context")
        for column in (shown.columns[1], shown.columns[2], shown.columns[4]):
            column.justify, column.no_wrap, column.overflow = "left", False, "fold"
        for suspect in found[:top]:
            where = str(judged.image_ids[suspect.rows[0]]) if name in OF_AN_IMAGE else suspect.person
            words = (where, suspect.given, suspect.suggested)
            shown.add_row(*map(plain, words), f"{suspect.probability:.2f}", plain(suspect.context))
        _show(console, shown)
    shares = [
        f"{name} {suspects.agreement[name]:.1%} of the {'images' if name in OF_AN_IMAGE else 'persons'}"
        for name in order
    ]
    console.print(f"\nJudged as labelled: {', '.join(shares)}.")
    undecided = sum(suspects.undecided.values())
    if undecided:
        console.print(f"Not listed: {undecided} persons more, whose images do not all say the same.")
    if suspects.found:
        console.print(SUGGESTIONS)


def _write_corrections(
    console: "Console", path: Path, run: "RunFolder", judged: "JudgedImages", suspects: "Suspects", root: Path | None
) -> None:
    from analysis.mistakes.suspect_corrections import write_corrections
    from data.reading import read_data

    if root is None:
        raise DataError(f"{run.root} does not say where its data is: --data PATH does; corrections need its ids.")
    earlier = run.corrections if run.corrections.exists() else None
    original = read_data(root)
    corrected = read_data(root, earlier) if earlier else original
    written = write_corrections(path, judged, suspects.found, original, corrected, earlier)
    console.print()
    for sentence in written.left_out:
        console.print(plain(sentence))
    if not written.suspects:
        console.print(plain(f"corrections  none: {path} is not written"), soft_wrap=True)
        return
    more = f", and the {written.earlier} that the run was made with" if written.earlier else ""
    console.print(plain(f"corrections  {path}: {written.suspects} suspected labels{more}"), soft_wrap=True)
    console.print("             strike the rows you do not believe; then name it in an experiment: corrections=...")


def _check_new_file(path: Path) -> None:
    """Before minutes are spent: a file that is there is not replaced, and one needs a folder."""
    if path.exists():
        raise DataError(f"{path} is there already; name a new file, corrections that were looked through are precious.")
    if not path.absolute().parent.is_dir():
        raise DataError(f"{path} can't be written: {path.absolute().parent} is no folder.")


def _draw(
    console: "Console", folder: Path, judged: "JudgedImages", suspects: "Suspects | None", root: Path | None, top: int
) -> None:
    from analysis.mistakes.pictures import write_pictures

    written = write_pictures(folder, judged, suspects, root, top)
    console.print()
    for path in written.paths:
        console.print(plain(f"picture  {path}"), soft_wrap=True)
    if written.lacking:
        console.print(plain(written.lacking), soft_wrap=True)


def _show(console: "Console", table: Table) -> None:
    console.print()
    console.print(table)


def _of(title: str, there_are: int, shown: int) -> str:
    """A title that says how many rows are left out."""
    return title if there_are <= shown else f"{title} (first {shown} of {there_are:,})"


def _table(title: str, first: str, *others: str) -> Table:
    shown = Table(title=title, title_justify="left", box=None, pad_edge=False)
    shown.add_column(first, overflow="fold")
    for heading in others:
        shown.add_column(heading, justify="right", no_wrap=True)
    return shown
