"""An ensemble's submission with the record from which it can be made again."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analysis.ensembles.cross_fit import SEED
from analysis.ensembles.ensemble import Ensemble
from analysis.submissions.recorded import write_recorded
from data.submission import SubmissionForm
from runners.run_folder import RunFolder
from runners.state import file_digest


def write_ensemble(path: Path, form: SubmissionForm, ensemble: Ensemble) -> str:
    """Write the submission in a form, such as a member's, and its record beside it; returns the file's sha256.

    DataError where the form is of other ids, or `path` is a file that was not written here.
    """
    return write_recorded(path, form, ensemble.members.test_ids.tolist(), ensemble.test_answers, _record(ensemble))


def _record(ensemble: Ensemble) -> Mapping[str, Any]:
    """Plain values: members with identities and weights, what was learnt, scores."""
    members, recipe = ensemble.members, ensemble.recipe
    kept = [_member(members.runs[row]) for row in ensemble.kept.rows]
    stacking = recipe.stacking
    return {
        "made_by": "python -m experiments ensemble",
        "method": recipe.choice.method.value,
        "bias": recipe.choice.bias,
        "prior": recipe.choice.prior,
        "members": [
            {**member, "weight": None if stacking else float(weight)}
            for member, weight in zip(kept, recipe.weights, strict=True)
        ],
        "dropped": [
            {**_member(members.runs[members.names.index(each.name)]), "gain": each.gain, "noise": each.noise}
            for each in ensemble.kept.dropped
        ],
        "classes": list(members.class_names),
        "offsets": None if recipe.offsets is None else recipe.offsets.tolist(),
        "stacking": stacking
        and {"coefficients": stacking.coefficients.tolist(), "intercepts": stacking.intercepts.tolist()},
        "estimated_test_prior": ensemble.prior.tolist(),
        "scores": {
            "images": len(members.targets),
            "groups_of_persons": ensemble.groups,
            "seed": SEED,
            "final": asdict(ensemble.final),
            "all_members": [asdict(each) for each in ensemble.methods],
            "single_members": [asdict(each) for each in ensemble.singles],
        },
    }


def _member(run: RunFolder) -> dict[str, str]:
    """Which run, and which predictions."""
    return {
        "run": f"{run.root.parent.name}/{run.root.name}",
        "identity": run.root.name.rpartition("-")[2],
        "oof_sha256": file_digest(run.oof),
        "test_sha256": file_digest(run.test),
    }
