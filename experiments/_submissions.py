"""python -m experiments vote, check-submission: blends submission files, and tells whether one will be accepted."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from data.errors import DataError
from runners.display import make_console, plain

if TYPE_CHECKING:
    from analysis.submissions.check import CheckedFile
    from analysis.submissions.vote import Ballot, Outcome
    from data.submission import SubmissionForm
    from runners.run_folder import RunFolder

RUNS = Path("runs")


def vote(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Submissions, the best one first.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The submission; its record goes beside it, as .json.")],
    scores: Annotated[str, typer.Option(help="Score of each file, such as .78,.76,.71: its weight.")] = "",
    like: Annotated[Path | None, typer.Option(help="A file with the test set's ids in its order.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder that keeps the runs, to know ids and answers by.")] = RUNS,
) -> None:
    """Blend submission files by vote, each answer weighing its file's score.

    Rows are joined by id. Ties go to the better file: the higher score, without scores the one named first.
    """
    # Imported here: numpy and scipy make nobody wait who asks for --help.
    from analysis.leaderboard.registration import parse_score
    from analysis.submissions.recorded import check_writable, record_path, write_recorded
    from analysis.submissions.vote import count_votes, read_ballot
    from runners.state import file_digest

    check_writable(out)
    given = [parse_score(text.strip(), "a score") for text in scores.split(",")] if scores else None
    ballot = read_ballot(files, runs, like)
    outcome = count_votes(ballot.labels, given)
    digest = write_recorded(
        out,
        ballot.form,
        ballot.form.ids,
        outcome.labels,
        {
            "made_by": "python -m experiments vote",
            "files": [
                {"file": str(path), "sha256": file_digest(path), "weight": weight}
                for path, weight in zip(files, outcome.weights, strict=True)
            ],
            "ties": outcome.ties,
        },
    )

    console = make_console()
    console.print(_votes(ballot, outcome))
    rows = len(ballot.form.ids)
    order = f"run {ballot.run.root}" if ballot.run else str(like or f"{files[0]}, as no run here has these ids")
    for line in (
        "",
        f"{rows} rows; all files agree on {outcome.unanimous}, ties in {outcome.ties} went to the better "
        f"file ({'highest score, then ' * bool(given)}named first)",
        f"order of the rows: {order}",
        *_idle(ballot, outcome),
        f"submission  {out}, sha256 {digest[:10]}",
        f"record      {record_path(out)}",
    ):
        console.print(plain(line), soft_wrap=True)


def check_submission(
    file: Annotated[Path, typer.Argument(help="The file that is to be handed in.")],
    data: Annotated[Path | None, typer.Option(help="Go by a data set: its folder or CSV.")] = None,
    like: Annotated[Path | None, typer.Option(help="Go by a file that was accepted.")] = None,
    classes: Annotated[int | None, typer.Option(min=2, help="With --like: answers are 0 to this less 1.")] = None,
    fix: Annotated[Path | None, typer.Option(help="Repair what is safe, into this new file.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder that keeps the runs, to go by otherwise.")] = RUNS,
) -> None:
    """Tell whether a submission will be accepted: every problem with its line and reason.

    Also warns where its classes are predicted in unusual shares. Without --data and --like it goes by the finished run
    whose test images are most like the file's.
    """
    from analysis.submissions.check import check_file
    from analysis.submissions.repair import repair

    form, run, source = _form(file, data, like, classes, runs)
    checked, console = check_file(file, form), make_console()
    console.print(plain(f"{file}: {checked.rows} rows, checked against {source}"), soft_wrap=True)
    answers = form.answers_in_words if form.answers else "not known (--classes says how many), any text is taken"
    wanted = f"{form.id_column},{form.answer_column}, {len(form.ids)} ids in the test set's order"
    console.print(plain(f"expected: {wanted}, answers {answers}\n"))
    if checked.problems:
        console.print(_problems(checked))
    for remark in checked.remarks:
        console.print(plain(f"look at: {remark}"), soft_wrap=True)
    if fix is not None:
        for repaired in repair(file, checked, form, fix):
            console.print(plain(f"repaired: {repaired}"), soft_wrap=True)
        console.print()
        console.print(plain(f"accepted: {fix} passes the check"), soft_wrap=True)
        _print_drift(fix, form, runs, run)
    elif checked.problems:
        console.print(plain(_refusal(checked)), soft_wrap=True)
        raise typer.Exit(1)
    else:
        console.print(plain("accepted: nothing is wrong with it"))
        _print_drift(file, form, runs, run)


def _form(
    file: Path, data: Path | None, like: Path | None, classes: int | None, runs: Path
) -> "tuple[SubmissionForm, RunFolder | None, str]":
    """The form to check against, a run on the same test images, and where the form is known from, in words."""
    from analysis.submissions.form import find_form, form_of_file
    from analysis.submissions.sheet import read_sheet
    from data.reading import read_data
    from data.submission import submission_form

    if data is not None and like is not None:
        raise DataError("--data and --like both say what the file must look like; give one of them.")
    if classes is not None and like is None:
        raise DataError("--classes says what --like does not; a data set or a run knows its classes.")
    if data is not None:
        form = submission_form(read_data(data))
        if not form.ids:
            raise DataError(f"{data} has no test set, so there is nothing to hand in.")
        return form, _run_on(runs, form), f"the data in {data}"
    if like is not None:
        form = form_of_file(like, classes)
        return form, _run_on(runs, form), f"{like}"
    cells = {cell.strip() for _, row in read_sheet(file).rows for cell in row}
    form, run = find_form(runs, cells)
    return form, run, f"run {run.root}"


def _run_on(runs: Path, form: "SubmissionForm") -> "RunFolder | None":
    """The latest finished run on the form's test images, to compare classes with; None where there is none."""
    from analysis.submissions.form import find_form

    try:
        found, run = find_form(runs, form.ids)
    except DataError:
        return None
    return run if set(found.ids) == set(form.ids) else None


def _problems(checked: "CheckedFile") -> Table:
    """Each kind with its first places."""
    from analysis.submissions.problems import by_kind

    shown = Table(box=None, pad_edge=False)
    shown.add_column("line", justify="right", no_wrap=True)
    shown.add_column("problem", overflow="fold")
    for kind in by_kind(checked.problems):
        mark = "  (--fix repairs it)" if kind.repairable else ""
        shown.add_row("", f"{plain(kind.name)}{mark}")
        for problem in kind.first:
            shown.add_row(str(problem.line or ""), plain(problem.text))
        if kind.count > len(kind.first):
            shown.add_row("", f"and {kind.count - len(kind.first)} more")
    return shown


def _refusal(checked: "CheckedFile") -> str:
    kinds = len({problem.kind for problem in checked.problems})
    found = f"\nrefused: {kinds} kind{'s' * (kinds != 1)} of problem, {len(checked.problems)} places"
    if checked.repairable:
        return f"{found}; --fix NEW_FILE repairs all of it"
    return f"{found}; not all of it can be repaired safely, make the file again"


def _print_drift(file: Path, form: "SubmissionForm", runs: Path, run: "RunFolder | None") -> None:
    """Class shares beside those of earlier submissions and of the estimated prior, and a warning where unusual."""
    from analysis.submissions.drift import file_drift
    from analysis.submissions.form import MASK_COLUMNS
    from data.labels import CLASS_NAMES
    from data.submission import read_answers
    from runners.state import file_digest

    if not form.answers:
        return
    found = file_drift(runs, read_answers(file, form), form, file_digest(file), run)
    console = make_console()
    if found is None:
        console.print(plain(f"class shares: no run in {runs} predicted these images to compare with"))
        return
    names = CLASS_NAMES if (form.id_column, form.answer_column) == MASK_COLUMNS else form.answers
    for number, line in enumerate(found.drift.lines(names)):
        console.print(plain(f"{'' if number else 'class shares':12}  {line}"))
    for warning in found.warnings():
        console.print(plain(f"warning: {warning}"), soft_wrap=True)


def _votes(ballot: "Ballot", outcome: "Outcome") -> Table:
    """Each file's weight and how many of its answers won, and how often it agrees with the files before it."""
    shown = Table(box=None, pad_edge=False)
    shown.add_column("file", overflow="fold")
    for heading in ("weight", "won", *map(str, range(1, len(ballot.files)))):
        shown.add_column(heading, justify="right", no_wrap=True)
    unique = len({path.name for path in ballot.files}) == len(ballot.files)
    names = [path.name if unique else str(path) for path in ballot.files]
    for number, (name, weight) in enumerate(zip(names, outcome.weights, strict=True)):
        labels = ballot.labels[number]
        alike = [f"{(labels == other).mean():.2f}" for other in ballot.labels[:number]]
        shown.add_row(plain(f"{number + 1} {name}"), f"{weight:g}", f"{(labels == outcome.labels).mean():.1%}", *alike)
    return shown


def _idle(ballot: "Ballot", outcome: "Outcome") -> list[str]:
    """A sentence where the vote changed nothing."""
    return [
        f"warning: the result is {path} unchanged, the others never outvote it"
        for path, labels in zip(ballot.files, ballot.labels, strict=True)
        if (labels == outcome.labels).all()
    ][:1]
