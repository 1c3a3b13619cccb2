import io

from rich.console import Console

from runners.display import PIPE_COLUMNS, Display, make_console, plain, print_error


def test_lines_are_text_and_never_markup() -> None:
    console = Console(file=io.StringIO(), width=80)
    Display(console).line("fold 1/5  [red]a.jpg[/red] \x1b[31m")
    assert "[red]a.jpg[/red]" in console.file.getvalue()


def test_the_bar_counts_every_batch_however_seldom_it_is_drawn() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    with Display(console, 10) as display:
        for _ in range(9):
            display.advance(1, "fold 1/1")
        display._shown_at = 0.0
        display.advance(1, "fold 1/1")
        assert display._bar is not None and display._bar.tasks[0].completed == 10
    assert "10/10" in console.file.getvalue()


def test_a_pipe_has_100_columns_and_errors_go_to_standard_error(capsys) -> None:
    assert make_console().width == PIPE_COLUMNS == 100
    print_error("a [bold] folder")
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == "error: a [bold] folder\n"


def test_plain_text_holds_no_markup_and_no_control_characters() -> None:
    console = Console(file=io.StringIO(), width=80)
    console.print(plain("[bold]a[/bold]\x1b[2Jb\u202ec\nnext"))
    assert console.file.getvalue() == "[bold]a[/bold] [2Jb c\nnext\n"


def test_a_name_between_colons_is_no_picture(capsys) -> None:
    make_console().print(plain(":warning: :smile:"))
    assert capsys.readouterr().out == ":warning: :smile:\n"
