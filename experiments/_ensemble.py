"""python -m experiments ensemble: blends finished runs, scores the blend honestly, and writes its submission."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from runners.display import make_console, plain

if TYPE_CHECKING:
    from analysis.ensembles.ensemble import Ensemble, ScoredChoice

MethodName = Literal["greedy", "mean", "geometric", "rank", "vote", "weights", "stacking"]


def ensemble(
    runs_to_blend: Annotated[
        list[str],
        typer.Argument(metavar="RUN", help="Experiments (their latest finished runs), or runs' folders."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The submission; its record goes beside it, as .json.")],
    method: Annotated[MethodName, typer.Option(help="How to blend; all are scored, this one answers.")] = "greedy",
    bias: Annotated[bool, typer.Option("--bias", help="Tune a bias of each class for macro F1.")] = False,
    prior: Annotated[bool, typer.Option("--prior", help="Correct to the estimated classes of the test set.")] = False,
    keep_all: Annotated[bool, typer.Option("--keep-all", help="Keep members that add less than the noise.")] = False,
    runs: Annotated[Path, typer.Option(help="Folder that keeps the runs.")] = Path("runs"),
) -> None:
    """Blend finished runs into a submission, and say what the blend is worth.

    Weights are learnt on out-of-fold predictions and scored on other persons. Explained in docs/ensembles.md.
    """
    # Imported here: numpy and scipy make nobody wait who asks for --help.
    from analysis.ensembles.ensemble import build_ensemble
    from analysis.ensembles.members import read_members
    from analysis.ensembles.recipe import Choice, Method
    from analysis.ensembles.record import write_ensemble
    from analysis.leaderboard.registration import find_run
    from analysis.sealed_run import check_results
    from analysis.submissions.form import form_of_run
    from analysis.submissions.recorded import check_writable, record_path

    check_writable(out)
    choice = Choice(Method(method), bias, prior)
    members = read_members([check_results(find_run(runs, name)) for name in runs_to_blend])
    form = form_of_run(members.runs[0])
    built = build_ensemble(members, choice, keep_all)
    digest = write_ensemble(out, form, built)

    console = make_console()
    elsewhere = "" if runs == Path("runs") else f" --runs {runs}"
    persons = len(set(members.persons.tolist()))
    console.print(
        f"{len(members.names)} members, {len(members.targets)} images of {persons} persons, "
        f"{len(members.class_names)} classes; {len(members.test_ids)} test images\n",
        markup=False,
    )
    for title, table, legend in (
        ("Macro F1 of the out-of-fold images", _scores(built), _legend(built)),
        (f"Members of {built.choice.method}", _kept(built), ""),
        ("Agreement: share of out-of-fold images answered alike", _agreement(built), ""),
    ):
        console.print(plain(title), style="italic")
        console.print(table)
        console.print(plain(legend))
    for line in (
        *_advice(built),
        f"submission  {out}: {len(built.test_answers)} rows, sha256 {digest[:10]}",
        f"record      {record_path(out)}",
        f"next        python -m experiments check-submission {out}{elsewhere}",
    ):
        console.print(plain(line), soft_wrap=True)


def _scores(built: "Ensemble") -> Table:
    """Every member and method, the chosen one below with the members that stayed."""
    shown = Table(box=None, pad_edge=False)
    shown.add_column("", overflow="fold")
    for heading in ("in-sample", "cross-fit", "at prior", "gain", "95 %"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for each in built.singles:
        _add_scores(shown, each.name, each)
    shown.add_row()
    for each in built.methods:
        _add_scores(shown, each.name, each)
    shown.add_row()
    _add_scores(shown, f"{built.final.name} of {built.final.members}", built.final)
    return shown


def _add_scores(table: Table, name: str, scored: "ScoredChoice") -> None:
    table.add_row(
        plain(name),
        f"{scored.in_sample:.4f}",
        f"{scored.cross_fitted:.4f}",
        f"{scored.at_prior:.4f}",
        f"{scored.gain:+.3f}",
        f"{scored.low:+.3f}..{scored.high:+.3f}",
    )


def _legend(built: "Ensemble") -> str:
    return (
        "\nin-sample: learnt on the images it is scored on, which flatters\n"
        f"cross-fit: learnt on other persons ({built.groups} groups, each scored by the others)\n"
        "at prior:  cross-fit, images weighted to the test set's estimated classes\n"
        "gain:      cross-fit, less the best single member; 95 %: persons drawn again\n"
    )


def _kept(built: "Ensemble") -> Table:
    """What each member adds, and its weight."""
    shown = Table(box=None, pad_edge=False)
    shown.add_column("", overflow="fold")
    for heading in ("weight", "adds", "noise"):
        shown.add_column(heading, justify="right", no_wrap=True)
    shown.add_column("", overflow="fold")
    added = {each.name: each for each in built.kept.stayed}
    for row, weight in zip(built.kept.rows, built.recipe.weights, strict=True):
        name = built.members.names[row]
        numbers = (f"{added[name].gain:+.4f}", f"{added[name].noise:.4f}") if name in added else ("", "")
        shown.add_row(plain(name), "" if built.recipe.stacking else f"{weight:.2f}", *numbers, "kept")
    for each in built.kept.dropped:
        shown.add_row(plain(each.name), "", f"{each.gain:+.4f}", f"{each.noise:.4f}", "dropped: below the noise")
    return shown


def _agreement(built: "Ensemble") -> Table:
    """Share of images that members answer alike, below the diagonal."""
    shown = Table(box=None, pad_edge=False)
    shown.add_column("", overflow="fold")
    for number in range(1, len(built.members.names)):
        shown.add_column(str(number), justify="right", no_wrap=True)
    for row, name in enumerate(built.members.names):
        shares = [f"{share:.2f}" for share in built.agreement[row, :row]]
        shown.add_row(plain(f"{row + 1} {name}"), *shares)
    return shown


def _advice(built: "Ensemble") -> list[str]:
    final, simpler = built.final, built.simpler
    lines = list(built.left_out)
    if final.members == 1:
        lines.append(
            f"One member is left: the others add less to {built.members.names[built.kept.rows[0]]} than the "
            "noise, and the submission is its own" + (", corrected." if built.recipe.offsets is not None else ".")
        )
    if simpler is not None:
        where = "at the test prior" if built.choice.prior else "cross-fitted"
        lines.append(
            f"{simpler.name} of all members learns nothing and scores {built.judged(simpler):.4f} {where}, "
            f"{built.choice.name} {built.judged(final):.4f}: the simpler one is the safer one "
            f"(--method {simpler.name} --keep-all)."
        )
    return [*lines, ""] if lines else []
