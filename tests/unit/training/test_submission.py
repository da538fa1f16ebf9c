"""A submission has the challenge's format, goes on where it was stopped, and never mixes two models."""

from pathlib import Path

import pytest

from training.submission import OtherSubmission, SubmissionFile

INDICES = [str(84916 + number) for number in range(10)]
ABOUT = {"package": "a" * 64, "catalogue": "c" * 64}


class PowerCut(Exception):
    """The job ends here."""


class Answers:
    """Code 10 times the position; stops before position ``until``."""

    def __init__(self, until: int = 100) -> None:
        self.asked: list[int] = []
        self._until = until

    def __call__(self, start: int, end: int) -> list[int]:
        if end > self._until:
            raise PowerCut
        self.asked += range(start, end)
        return [10 * position for position in range(start, end)]


def submission(folder: Path, **about: str) -> SubmissionFile:
    return SubmissionFile(folder / "out" / "submission.csv", ABOUT | about, INDICES)


def test_the_file_has_the_header_of_the_challenge_and_a_line_for_each_product_in_order(tmp_path: Path) -> None:
    file = submission(tmp_path)
    file.write(Answers(), batch=4)
    lines = file.path.read_bytes().decode().split("\n")
    assert lines[:3] == [",prdtypecode", "84916,0", "84917,10"]
    assert lines[-2:] == ["84925,90", ""]
    assert file.codes() == list(range(0, 100, 10))


def test_a_stopped_submission_goes_on_with_the_products_that_are_missing(tmp_path: Path) -> None:
    with pytest.raises(PowerCut):
        submission(tmp_path).write(Answers(until=8), batch=4)
    assert not submission(tmp_path).path.exists()
    again = Answers()
    submission(tmp_path).write(again, batch=4)
    assert again.asked == [8, 9]
    assert submission(tmp_path).codes() == list(range(0, 100, 10))


def test_a_line_that_was_cut_is_answered_again(tmp_path: Path) -> None:
    with pytest.raises(PowerCut):
        submission(tmp_path).write(Answers(until=8), batch=4)
    [partial] = (tmp_path / "out").glob("*.partial")
    partial.write_bytes(partial.read_bytes()[:-2])
    submission(tmp_path).write(Answers(), batch=4)
    assert submission(tmp_path).codes() == list(range(0, 100, 10))


def test_a_finished_submission_is_not_made_again(tmp_path: Path) -> None:
    submission(tmp_path).write(Answers(), batch=4)
    again = Answers()
    submission(tmp_path).write(again, batch=4)
    assert again.asked == []


def test_answers_of_two_models_are_never_mixed(tmp_path: Path) -> None:
    with pytest.raises(PowerCut):
        submission(tmp_path).write(Answers(until=8), batch=4)
    with pytest.raises(OtherSubmission):
        submission(tmp_path, package="b" * 64).write(Answers(), batch=4)


def test_a_file_that_was_not_made_here_is_left_alone(tmp_path: Path) -> None:
    file = submission(tmp_path)
    file.path.parent.mkdir()
    file.path.write_text("mine")
    with pytest.raises(OtherSubmission):
        file.write(Answers(), batch=4)
    assert file.path.read_text() == "mine"
