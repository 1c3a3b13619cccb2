from analysis.matching.match_advice import thin_reasons


def test_five_scores_and_a_smaller_error_are_enough() -> None:
    assert thin_reasons(0.012, 0.030, scores=5) == []


def test_each_reason_is_a_sentence() -> None:
    assert thin_reasons(0.012, 0.030, scores=1) == ["Only 1 public score: a split needs at least 5."]
    assert thin_reasons(0.0301, 0.03, scores=9) == [
        "On submissions it was not chosen by, the matched split is off by 0.0301, no better than the whole out-of-fold "
        "table (0.0300)."
    ]
    assert len(thin_reasons(0.03, 0.03, scores=4)) == 2
