"""Submissions and their leaderboard scores: registered by what the file is, so that a score stays with its run."""

import math
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from analysis.leaderboard.ledger import LEDGER, Submission, open_ledger, read_ledger, row_number, safe_text
from analysis.leaderboard.prior_drift import PriorDrift, prior_drift
from data.errors import DataError, quote
from data.findings import some_names
from runners.run_folder import RunFolder, latest_finished, list_runs
from runners.state import file_digest, read_json, write_bytes

UPLOADS = "uploads"         # in the runs folder: copies of submissions, each under a name of its own


@dataclass(frozen=True)
class Entered:
    """What entering a score did."""

    submission: Submission
    newly_registered: bool
    replaced: str           # "public 0.75 and private 0.74", the scores there were before and differ; empty for none


def find_run(runs: Path, name: str) -> RunFolder:
    """A finished run by its experiment's name (the latest one) or by its folder; DataError says what there is."""
    if name.isidentifier():
        run = latest_finished(runs, name)
        if run is not None:
            return run
        if list_runs(runs, name):
            raise DataError(f"No run of {name} in {runs} is finished; `python -m experiments.{name}` continues it.")
    folder = Path(name)
    if not folder.is_dir():
        known = sorted({run.root.parent.name for run in list_runs(runs) if run.finished})
        there = f"with a finished run: {some_names(known)}" if known else "no experiment has one yet"
        raise DataError(f"{quote(name)} is neither an experiment with a run in {runs} nor a run's folder; {there}.")
    inside = folder.resolve()
    if inside.parent.parent != runs.resolve():
        raise DataError(f"{folder} is not a run's folder in {runs}; expected {runs}/<experiment>/<date>-<identity>.")
    run = RunFolder(runs / inside.parent.name / inside.name)
    if not run.finished:
        raise DataError(f"{folder} is not finished (it has no MANIFEST.json); only a finished run can be handed in.")
    return run


def find_run_to_score(runs: Path, name: str) -> RunFolder:
    """As :func:`find_run`; DataError where an experiment's name could mean two runs.

    That is so where an older run was handed in and waits for its score, and the latest was not handed in.
    """
    run = find_run(runs, name)
    of_experiment = [row for row in read_ledger(runs) if name.isidentifier() and row.experiment == name]
    waiting = [row for row in of_experiment if row.public is None]
    if waiting and all(row.folder(runs) != run for row in of_experiment):
        raise DataError(f"{name} could be {waiting[-1].folder(runs).root}, registered and without a score, or the "
                        f"later run {run.root}; name the folder of the one that was handed in.")
    return run


def prepare(runs: Path, run: RunFolder, now: datetime) -> tuple[Submission, PriorDrift]:
    """The row a finished run's submission would get, and its drift; nothing is written.

    Raises DataError where there is no submission, or it is not the one the run wrote.
    """
    digest = _digest(run)
    written = read_json(run.manifest).get(run.submission.name)
    if digest != written:
        raise DataError(f"{run.submission} is not the file its run wrote (sha256 {digest[:10]}, {str(written)[:10]} in "
                        f"{run.manifest.name}); restore it, or hand in a run that is whole.")
    name = run.root.relative_to(runs).as_posix()
    drift = prior_drift(run, [row.folder(runs) for row in read_ledger(runs) if row.run != name])
    row = Submission(
        run=name, sha256=digest, registered=now.isoformat(timespec="seconds"), upload="",
        drift=drift.from_estimate, drift_earlier=drift.from_earlier,
    )
    return replace(row, upload=f"{UPLOADS}/{row.experiment}-{row.tag}.csv"), drift


def register(runs: Path, row: Submission) -> Submission:
    """Enter a prepared row and copy its file to where it is uploaded from; DataError where the file is known."""
    with open_ledger(runs) as rows:
        number = row_number(rows, row.sha256)
        if number is not None:
            earlier = rows[number - 2]
            by = "" if earlier.run == row.run else f" by another run, {earlier.run}"
            raise DataError(f"{runs / row.run}/submission.csv is registered already{by}: row {number} of "
                            f"{runs / LEDGER}, on {earlier.registered[:10]}; upload {runs / earlier.upload}.")
        _append(runs, rows, row)
    return row


def enter_score(
    runs: Path, run: RunFolder, public: float, private: float | None, note: str, now: datetime
) -> Entered:
    """Enter the scores (0..1) of a run's submission; it is registered if it is not yet.

    A private score of None and an empty note leave what is there. Raises DataError where the file changed since it was
    registered.
    """
    name, digest = run.root.relative_to(runs).as_posix(), _digest(run)
    rows = read_ledger(runs)
    _check_unchanged(rows, runs, run, name, digest)
    row = None if row_number(rows, digest) else prepare(runs, run, now)[0]
    with open_ledger(runs) as rows:
        _check_unchanged(rows, runs, run, name, digest)
        newly_registered = row is not None and row_number(rows, digest) is None
        if row is not None and newly_registered:
            _append(runs, rows, row)
        return replace(set_score(rows, digest, public, private, note, now), newly_registered=newly_registered)


def enter_played(
    runs: Path, file: Path, public: float, private: float | None, now: datetime
) -> Entered | None:
    """Enter the scores of a file that was scored here, if it is a registered or a finished run's; None if neither."""
    number = row_number(read_ledger(runs), file_digest(file))
    if number is not None:
        with open_ledger(runs) as rows:
            return set_score(rows, file_digest(file), public, private, "", now)
    folder = file.resolve().parent
    if file.name != "submission.csv" or folder.parent.parent != runs.resolve():
        return None
    return enter_score(runs, find_run(runs, str(folder)), public, private, "", now)


def set_score(
    rows: list[Submission], sha256: str, public: float, private: float | None, note: str, now: datetime
) -> Entered:
    """Change the scores of a registered file's row, in place."""
    index = next(index for index, row in enumerate(rows) if row.sha256 == sha256)
    before = rows[index]
    rows[index] = replace(
        before, public=public, private=before.private if private is None else private,
        scored=now.isoformat(timespec="seconds"), note=safe_text(note) or before.note,
    )
    scores = (("public", before.public, public), ("private", before.private, private))
    replaced = [f"{half} {old:g}" for half, old, new in scores if None not in (old, new) and old != new]
    if not replaced and (before.public, before.private) == (rows[index].public, rows[index].private):
        rows[index] = replace(rows[index], scored=before.scored)       # the same scores again: nothing new was learnt
    return Entered(rows[index], newly_registered=False, replaced=" and ".join(replaced))


def parse_score(text: str, what: str) -> float:
    """A macro F1 in 0..1 from text; DataError asks for 0.7612 where it says 76.12 or 0,7612."""
    try:
        score = float(text)
    except ValueError:
        comma = text.replace(",", ".", 1)
        hint = f"write {comma}" if comma != text and _is_number(comma) else "expected one from 0 to 1, such as 0.7612"
        raise DataError(f"{what} is {quote(text)}, which is no number; {hint}.") from None
    if 1 < score <= 100:
        raise DataError(f"{what} is {text}; scores here are fractions of 1: write {score / 100:.6g}.")
    if not 0 <= score <= 1:
        raise DataError(f"{what} is {text}; a macro F1 lies between 0 and 1, such as 0.7612.")
    return score


def _digest(run: RunFolder) -> str:
    if not run.submission.exists():
        raise DataError(f"{run.root} has no submission.csv: the data it was made on has no test images.")
    return file_digest(run.submission)


def _check_unchanged(rows: list[Submission], runs: Path, run: RunFolder, name: str, digest: str) -> None:
    """DataError where this run was registered, but with another file, or this file for another run."""
    of_run = [row for row in rows if row.run == name]
    if any(row.sha256 == digest for row in of_run):
        return
    if of_run:
        row = of_run[-1]
        raise DataError(f"{run.submission} changed since it was registered on {row.registered[:10]} (sha256 {row.tag}, "
                        f"now {digest[:10]}); scores belong to the file as it was, {runs / row.upload}: put it back.")
    number = row_number(rows, digest)
    if number is not None:
        raise DataError(f"{run.submission} is the same file as that of {rows[number - 2].run}, row {number} of "
                        f"{runs / LEDGER}; enter its score there.")


def _append(runs: Path, rows: list[Submission], row: Submission) -> None:
    upload = runs / row.upload
    if not upload.exists() or file_digest(upload) != row.sha256:
        try:
            write_bytes(upload, (runs / row.run / "submission.csv").read_bytes())
        except OSError as error:
            raise DataError(f"{upload} can't be written: {error.strerror}; nothing was registered.") from error
        if file_digest(upload) != row.sha256:
            raise DataError(f"{runs / row.run}/submission.csv changed while it was read; nothing was registered.")
    rows.append(row)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
