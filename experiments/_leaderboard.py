"""python -m experiments leaderboard: registers submissions, keeps their scores, plays and explains the leaderboard."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from data.errors import DataError
from runners.display import make_console, plain

if TYPE_CHECKING:
    from analysis.leaderboard.leaderboard_table import Line
    from analysis.leaderboard.ledger import Submission
    from analysis.leaderboard.registration import Entered

leaderboard = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

Runs = Annotated[Path, typer.Option(help="Folder that keeps the runs, and the ledger.")]
Run = Annotated[str, typer.Argument(help="An experiment (its latest finished run), or a run's folder.")]
RUNS = Path("runs")
MARKS = {"match": "", "split": "s", "table": "t"}   # what an expected score rests on


@leaderboard.callback(invoke_without_command=True)
def table(
    context: typer.Context,
    runs: Runs = RUNS,
    matched: Annotated[Path, typer.Option(help="Record of the match to expect by.")] = Path("splits/matched.json"),
) -> None:
    """Show the registered submissions: out-of-fold, expected and leaderboard scores."""
    if context.invoked_subcommand is not None:
        _refuse_before(context, context.invoked_subcommand)
        return
    from analysis.leaderboard.leaderboard_table import leaderboard_lines
    from analysis.leaderboard.ledger import read_ledger

    rows, console = read_ledger(runs), make_console()
    if not rows:
        console.print(f"No submission is registered in {runs}; `python -m experiments leaderboard submit <experiment>` "
                      "registers one.", markup=False)
        return
    lines, problems = leaderboard_lines(runs, rows, matched)
    console.print(_table(lines))
    console.print(plain(_legend(lines, matched)))
    for remark in [f"{row.short_name}: {row.note}" for row in rows if row.note] + problems:
        console.print(plain(remark))


@leaderboard.command()
def submit(run: Run, runs: Runs = RUNS) -> None:
    """Register a run's submission, and print the file to upload."""
    from analysis.leaderboard.kaggle import suggested_description
    from analysis.leaderboard.registration import find_run, prepare, register
    from runners.state import read_json

    folder = find_run(runs, run)
    row, drift = prepare(runs, folder, _now())
    register(runs, row)
    class_names = read_json(folder.scores)["classes"]
    _say(f"registered   {folder.submission}",
         f"sha256       {row.sha256}",
         *(f"{'' if number else 'prior drift':11}  {line}" for number, line in enumerate(drift.lines(class_names))),
         f"upload       {runs / row.upload}",
         f"description  {suggested_description(row)}",
         f"then         python -m experiments leaderboard add {row.experiment} SCORE")


@leaderboard.command()
def add(
    run: Run,
    score: Annotated[str, typer.Argument(help="Public macro F1, such as 0.7612.")],
    private: Annotated[str | None, typer.Option(help="Private macro F1, once it is known.")] = None,
    note: Annotated[str, typer.Option(help="Free text to keep with it.")] = "",
    runs: Runs = RUNS,
) -> None:
    """Enter a submission's score; registers it if it is not yet."""
    from analysis.leaderboard.registration import enter_score, find_run_to_score, parse_score

    public = parse_score(score, "the public score")
    hidden = None if private is None else parse_score(private, "the private score")
    _say(*_told(enter_score(runs, find_run_to_score(runs, run), public, hidden, note, _now())))


@leaderboard.command("import")
def import_(
    csv_file: Annotated[Path, typer.Argument(help="Output of: kaggle competitions submissions NAME --csv -q")],
    runs: Runs = RUNS,
) -> None:
    """Enter scores from the Kaggle client's list of submissions."""
    from analysis.leaderboard.kaggle import import_scores

    imported = import_scores(runs, csv_file, _now())
    for entered in imported.entered:
        _say(*_told(entered))
    for reason in imported.skipped:
        make_console().print(f"skipped: {reason}", markup=False)
    _say(f"{len(imported.entered)} scores entered, {len(imported.skipped)} rows skipped")


@leaderboard.command()
def score(
    file: Annotated[Path, typer.Argument(help="A submission: a run's submission.csv, or a file to upload.")],
    data: Annotated[Path, typer.Option(help="Data with a sealed solution.csv.")] = Path("input/sample"),
    final: Annotated[bool, typer.Option("--final", help="Open the private half too.")] = False,
    runs: Runs = RUNS,
) -> None:
    """Play the leaderboard by a sealed solution.csv.

    The public half is told now, the private half with --final; ten files a day.
    """
    from analysis.leaderboard.played_leaderboard import A_DAY, play
    from analysis.leaderboard.registration import enter_played
    from data.reading import read_data

    runs.mkdir(parents=True, exist_ok=True)
    played = play(runs, read_data(data), file, final, _now())
    _say(f"public   {played.public:.4f}")
    if played.private is not None:
        _say(f"private  {played.private:.4f}")
    if played.late:
        _say("late     the private half was opened before this file was first scored")
    _say(f"left     {played.left_today} of {A_DAY} files today"
         + ("" if played.counted else "; this one was scored before and cost none"))
    entered = enter_played(runs, file, played.public, played.private, _now())
    _say(*(["entered  nowhere: the file is of no finished run here"] if entered is None else _told(entered)))


@leaderboard.command()
def gap(
    run: Annotated[str | None, typer.Argument(help="One experiment or run; without it, all scored ones.")] = None,
    data: Annotated[Path | None, typer.Option(help="The images, to look for near-duplicates across folds.")] = None,
    runs: Runs = RUNS,
) -> None:
    """Explain the gap between public and out-of-fold score.

    In parts: leak, label shift, sampling noise, the rest; as text, and as a picture beside the ledger.
    """
    from analysis.leaderboard.gap_plot import write_gap_plot
    from analysis.leaderboard.ledger import read_ledger
    from analysis.leaderboard.registration import find_run
    from analysis.leaderboard.submission_gap import explain_gaps

    rows = read_ledger(runs)
    explained, left_out = explain_gaps(runs, rows, data)
    if run is not None:
        wanted = find_run(runs, run).root.relative_to(runs).as_posix()
        explained = [each for each in explained if each.submission.run == wanted]
        names = {f"{row.short_name} " for row in rows if row.run == wanted}
        left_out = [sentence for sentence in left_out if sentence.startswith(tuple(names))]
        if not explained and not left_out:
            raise DataError(f"{wanted} is not registered; `python -m experiments leaderboard add` enters its score.")
    if not explained:
        raise DataError(left_out[0] if left_out else f"No submission is registered in {runs}; nothing to explain.")
    console = make_console()
    for each in explained:
        console.print(plain(f"{each.submission.short_name}: {each.text}\n"))
    for sentence in left_out:
        console.print(plain(sentence))
    write_gap_plot(runs / "leaderboard_gap.png", explained)
    _say(f"picture  {runs / 'leaderboard_gap.png'}")


def _refuse_before(context: typer.Context, command: str) -> None:
    """A usage error for options of the table in front of a command, which would not hear of them."""
    for name in ("runs", "matched"):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(f"it belongs to the table; a command takes its options after its name: "
                                     f"leaderboard {command} ...", param_hint=f"--{name}")


def _table(lines: "list[Line]") -> Table:
    shown = Table(box=None, pad_edge=False)
    shown.add_column("run", overflow="fold")
    for heading in ("OOF F1", "expected", "public", "private", "gap", "noise band"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        row = line.submission
        band = "" if line.band is None else f"{line.band[0]:.3f}-{line.band[1]:.3f}{'*' if line.outside else ' '}"
        expected = "" if line.expected is None else f"{line.expected:.4f}{MARKS[line.how]:1}"
        gap = "" if line.gap is None else f"{line.gap:+.4f}"
        scores = (_four(line.oof), expected, _four(row.public), _four(row.private), gap)
        shown.add_row(plain(row.short_name), *scores, band)
    return shown


def _legend(lines: "list[Line]", matched: Path) -> str:
    notes = {
        "match": f"expected: as {matched} says",
        "split": "s: score on the matched persons, later than the match",
        "table": "t: whole out-of-fold table, no match on this data",
    }
    used = [text for how, text in notes.items() if any(line.how == how for line in lines)]
    used.append("gap: public less OOF; noise band: 95 % of public scores, were the expected one true")
    used += ["*: public score outside its band"] * any(line.outside for line in lines)
    return "\n" + "\n".join(used)


def _four(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _told(entered: "Entered") -> list[str]:
    row: Submission = entered.submission
    registered = ["registered now: the submission was not yet"] * entered.newly_registered
    private = "" if row.private is None else f", private {row.private:.4f}"
    replaced = f" (in place of {entered.replaced})" if entered.replaced else ""
    return [*registered, f"entered  {row.run}: public {row.public:.4f}{private}{replaced}"]


def _say(*lines: str) -> None:
    for line in lines:
        make_console().print(plain(line), soft_wrap=True)


def _now() -> datetime:
    return datetime.now().astimezone()
