"""A product's marks, which of them are near, and how many copies a catalogue holds."""

from collections.abc import Sequence

from core.domain.clusters import Signature, group_copies
from core.domain.splits import Split
from core.store.rows import TrainingRow
from preprocessing.ingest.copies import Copies, count_copies
from preprocessing.ingest.fingerprints import Marks, find_near, marks_of

PHOTO = Signature("photo-1", (1, 2), b"photo")
LONG = "Lampe bureau pliable chargeur induction tactile"


def kinds(marks: Marks) -> list[str]:
    return [mark[:2] for mark in marks.fingerprints]


def test_a_product_is_known_by_its_words_its_title_and_its_photo() -> None:
    marks = marks_of("1", LONG, "Neuve.", "ab" * 32, PHOTO)
    assert kinds(marks) == ["t:", "v:", "i:"]
    assert [mark[:2] for mark in marks.signatures] == ["v:", "i:"]


def test_a_short_title_and_a_photo_that_shows_nothing_are_only_equal_or_not() -> None:
    marks = marks_of("1", "Objet 1", None, "ab" * 32, None)
    assert (kinds(marks), marks.signatures) == (["t:", "i:"], {})


def test_a_product_without_words_and_photo_is_a_copy_of_nothing() -> None:
    one, other = marks_of("1", "!", "", "", None), marks_of("2", "!", "", "", None)
    assert kinds(one) == kinds(other) == ["p:"]
    assert one.fingerprints != other.fingerprints


def test_titles_in_another_colour_share_a_fingerprint_whatever_their_descriptions_say() -> None:
    one, other = (
        marks_of("1", f"{LONG} noire", "Garantie", "", None),
        marks_of("2", f"{LONG} rouge 2 m", None, "", None),
    )
    assert {*one.fingerprints} & {*other.fingerprints} == {one.fingerprints[1]}


def test_near_titles_are_found_among_many_each_pair_once() -> None:
    titles = [LONG, f"{LONG} neuve", *(f"autre produit numero{chr(97 + n)} long titre quelconque" for n in range(20))]
    signatures = {
        mark: one
        for number, title in enumerate(titles)
        for mark, one in marks_of(str(number), title, None, "", None).signatures.items()
    }
    (first,), (second,) = (marks_of("", title, None, "", None).signatures for title in titles[:2])
    lamps = {first, second}
    assert [{*pair} for pair in find_near(signatures) if lamps & {*pair}] == [lamps]


def test_signatures_of_two_rules_never_meet_in_an_index() -> None:
    title = marks_of("1", LONG, None, "", None).signatures
    assert find_near({**title, "i:1": PHOTO}) == []


def row(number: int, cluster: str, code: int) -> TrainingRow:
    return TrainingRow(str(number), "", "", "", code, "", "base", Split.TRAIN.value, cluster, "", "", "")


def counted(marks: Sequence[Marks], near: Sequence[tuple[str, str]], codes: Sequence[int]) -> Copies:
    clusters = group_copies([one.fingerprints for one in marks], near)
    return count_copies([row(*values) for values in zip(range(len(marks)), clusters, codes, strict=True)], marks, near)


def test_copies_are_counted_by_what_shows_them() -> None:
    marks = [
        Marks(("t:1", "v:1", "i:1")),
        Marks(("t:1", "v:1", "i:2")),  # the same words
        Marks(("t:3", "v:1", "i:3")),  # the same title in another colour
        Marks(("t:4", "i:4")),  # a near photo of the first
        Marks(("t:5", "v:5", "i:5")),  # a near title of the first, of another code
        Marks(("p:6",)),
    ]
    copies = counted(marks, [("i:1", "i:4"), ("v:1", "v:5")], [10, 10, 10, 10, 40, 10])
    assert copies == Copies(
        4, same=1, near_title=2, near_photo=1, clusters=2, largest_cluster=5, conflicting_clusters=1
    )


def test_an_empty_catalogue_has_no_copies() -> None:
    assert counted([], [], []) == Copies(0, 0, 0, 0, 0, 0, 0)
