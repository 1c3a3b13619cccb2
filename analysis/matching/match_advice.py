"""What a match is worth, in sentences: whether the evidence suffices, and which score to expect by."""

import pandas as pd

FEWEST_SCORES = 5           # 10 meaningless splits hold one that ranks 4 runs rightly in 1 case of 3, 5 runs in 1 of 12
FLATTERED = 0.05            # a luck above it is worth a sentence


def thin_reasons(split_error: float, whole_error: float, scores: int) -> list[str]:
    """Why the evidence is too thin to trust the matched split, as sentences; none if it is not."""
    reasons = []
    if scores < FEWEST_SCORES:
        reasons.append(f"Only {scores} public score{'s' * (scores != 1)}: a split needs at least {FEWEST_SCORES}.")
    if not split_error < whole_error:
        reasons.append(
            f"On submissions it was not chosen by, the matched split is off by {split_error:.4f}, no better than the "
            f"whole out-of-fold table ({whole_error:.4f})."
        )
    return reasons


def advice(table: pd.DataFrame, reasons: list[str], noise: float, split_size: int, person_count: int) -> str:
    """A paragraph on the table of a match: the split, its worth, what to expect by, the noise, what was left out."""
    chosen = table.index[table["chosen"]][0]
    recommended = table.index[table["recommended"]][0]
    split, trusted = table.loc[chosen], table.loc[recommended]
    matched = f'{split_size} of {person_count} persons, from the family "{chosen}"'
    errors = f"off by {split['error']:.4f} (95 %: {split['low']:.4f} to {split['high']:.4f})"
    if reasons:
        sentences = [
            "The evidence is too thin to prefer a matched split.", *reasons,
            f"Go by the {recommended} instead (off by {trusted['error']:.4f}; no reference does "
            f"better by more than noise). The matched split, {matched}, is given all the same.",
        ]
    else:
        sentences = [
            f"The matched split is {matched}: {errors} on submissions it was not chosen by, the whole out-of-fold "
            f"table by {table['error'].iloc[0]:.4f}.",
            f'Scores to expect are read from the "{recommended}" (off by {trusted["error"]:.4f}).',
        ]
    if split["luck"] > FLATTERED:
        sentences.append(
            f"Its order of the runs proves little: with probability {split['luck']:.2f} one of {split['candidates']} "
            f"meaningless splits orders them as well."
        )
    sentences.append(f"A public score itself strays by +-{1.96 * noise:.3f} (95 %) with the persons it is measured on.")
    sentences += [f"Left out: {what}." for what in table.attrs["left_out"]]
    return " ".join(sentences)
