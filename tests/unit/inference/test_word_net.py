import numpy as np

from inference.word_net import WordNetHead, WordRule

RULE = WordRule(words=8, bits=12)


class CountingGraph:
    """Answers with how many words a row has, and remembers the batches."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def run(self, *, ids: np.ndarray) -> np.ndarray:
        self.batches.append(len(ids))
        return (ids > 0).sum(axis=1, keepdims=True).astype(np.float32)


def test_a_word_has_the_same_id_on_every_machine() -> None:
    assert RULE.ids(["chaussures bleu", ""]).tolist() == [[108, 3463, 0, 0, 0, 0, 0, 0], [0] * 8]


def test_case_accents_and_punctuation_do_not_change_a_word() -> None:
    np.testing.assert_array_equal(RULE.ids(["L'Été, BLEU !"]), RULE.ids(["l ete bleu"]))


def test_padding_is_no_words_id() -> None:
    ids = WordRule(words=1, bits=8).ids([f"mot{number}" for number in range(5000)])
    assert (ids.min(), ids.max()) == (1, 255)


def test_a_long_text_keeps_its_head_and_its_tail() -> None:
    words = [f"mot{number}" for number in range(30)]
    np.testing.assert_array_equal(RULE.ids([" ".join(words)]), RULE.ids([" ".join(words[:6] + words[-2:])]))


def test_many_texts_are_answered_in_their_order_and_in_batches() -> None:
    graph = CountingGraph()
    head = WordNetHead("conv1d", RULE, {}, graph)
    logits = head.logits(["mot " * (row % 8) for row in range(150)])
    assert graph.batches == [64, 64, 22]
    assert logits.dtype == np.float64
    assert logits[:, 0].tolist() == [row % 8 for row in range(150)]


def test_what_a_package_says_of_a_network_names_its_graph() -> None:
    head = WordNetHead("bigru", RULE, {}, CountingGraph())
    assert head.to_spec() == {"name": "bigru", "words": 8, "bits": 12}
    assert head.file == "openvino/bigru.xml"
