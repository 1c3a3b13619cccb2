import pytest
from typer.testing import CliRunner

from experiments.__main__ import app


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["smoke", "smoke"], 2, "smoke is named twice"),
        (["smoke", "smok"], 1, "There is no experiment 'smok'"),
        (["smoke", "--address", "10.0.0.1:6379"], 2, "--executor ray would be right"),
        (["smoke", "--executor", "serial", "--jobs", "2"], 2, "makes one fold at a time"),
        (["smoke", "--data", "nowhere"], 1, "1 of 1 experiments failed: smoke."),
    ],
)
def test_a_users_mistake_is_one_sentence_and_a_code(tmp_path, arguments: list[str], code: int, sentence: str) -> None:
    answer = CliRunner().invoke(app, ["run", *arguments, "--runs", str(tmp_path)])
    assert answer.exit_code == code, answer.output
    assert sentence in " ".join(answer.output.replace("│", " ").split()) and "Traceback" not in answer.output
