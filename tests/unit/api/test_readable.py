"""What shops send as HTML is shown as text, line by line."""

import pytest

from api.web.readable import is_marked_up, readable


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("Un livre", "Un livre"),
        ("Two\nlines", "Two\nlines"),
        ("one<br />two<BR>three", "one\ntwo\nthree"),
        ("<p>First.</p><p class='x'>Second.</p>", "First.\nSecond."),
        ("<ul><li>rouge</li><li>bleu</li></ul>fin", "• rouge\n• bleu\nfin"),
        ("&Eacute;diteur : <b>Seuil</b>", "Éditeur : Seuil"),
        ("&amp;lt;b&amp;gt;twice&amp;lt;/b&amp;gt;", "twice"),
        ("3 < 5 and 7 > 2", "3 < 5 and 7 > 2"),
        ("<script>run()</script>", "run()"),
        ("<ul><li></li></ul>", ""),
    ],
)
def test_a_description_reads_as_on_the_shop_s_page(sent: str, shown: str) -> None:
    assert readable(sent) == shown


@pytest.mark.parametrize(
    ("sent", "marked_up"), [("Un  livre\n bleu", False), ("<b>Un</b> livre", True), ("a &amp; b", True)]
)
def test_only_mark_up_makes_a_text_worth_showing_as_it_was_sent(sent: str, marked_up: bool) -> None:
    assert is_marked_up(sent) is marked_up
