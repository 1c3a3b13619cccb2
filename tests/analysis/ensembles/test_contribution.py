"""A member that adds less than the noise is dropped, one at a time; what helps stays."""

import numpy as np
import pytest

from analysis.comparison.bootstrap import bootstrap_f1, jackknife_deviation, leave_one_out_f1
from analysis.ensembles.contribution import RESAMPLES, keep_members
from analysis.ensembles.cross_fit import person_groups
from analysis.ensembles.members import Members
from analysis.ensembles.recipe import Method
from callbacks.metrics import confusion_matrix, macro_f1


def kept(members: Members, method: Method = Method.MEAN):  # type: ignore[no-untyped-def]
    return keep_members(members, method, person_groups(members))


@pytest.mark.parametrize("method", list(Method))
def test_of_twins_one_stays_and_a_guesser_goes(members: Members, make_members, method: Method) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(1)
    guesses = rng.dirichlet(np.full(18, 0.05), len(members.targets)).astype(np.float32)[None]
    found = kept(make_members(np.concatenate([members.oof[:2], members.oof[:1], guesses]), members.targets), method)
    dropped = {each.name for each in found.dropped}
    assert "run_3" in dropped and len(dropped & {"run_0", "run_2"}) == 1
    assert len(found.rows) + len(found.dropped) == 4
    assert all(each.gain > each.noise for each in found.stayed)
    assert all(each.gain <= each.noise for each in found.dropped)


def test_gain_and_noise_are_of_the_paired_bootstrap(members: Members) -> None:
    found = kept(members)
    assert found.stayed and len(found.rows) == len(found.stayed) > 1
    left = members.take(found.rows)
    mean = left.oof.mean(0).argmax(1)
    for row, each in enumerate(found.stayed):
        without = np.delete(left.oof, row, axis=0).mean(0).argmax(1)
        scores = [macro_f1(confusion_matrix(members.targets, labels, 18)) for labels in (mean, without)]
        draws = bootstrap_f1(members.targets, members.persons, np.stack([mean, without]), 18, resamples=RESAMPLES)
        assert each.gain == pytest.approx(scores[0] - scores[1], abs=0.01)
        without_each = leave_one_out_f1(members.targets, members.persons, np.stack([mean, without]), 18)
        jackknife = jackknife_deviation(without_each[:, 0] - without_each[:, 1])
        assert each.noise == pytest.approx(max((draws[:, 0] - draws[:, 1]).std(), jackknife), rel=0.1)


def test_the_last_member_stays(make_members) -> None:  # type: ignore[no-untyped-def]
    targets = np.tile(np.arange(3), 70)
    perfect = np.tile(np.eye(3, dtype=np.float32)[targets], (2, 1, 1))
    found = kept(make_members(perfect, targets))
    assert len(found.rows) == 1 and found.stayed == () and found.dropped[0].gain == 0
