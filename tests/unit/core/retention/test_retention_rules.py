"""What may go, decided on made-up stores: the rules one by one, then anything that hypothesis can think of."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.retention.rules import (
    CacheFile,
    Compiled,
    Epoch,
    Kept,
    Packaged,
    Registered,
    Tuned,
    keep_packages,
    kept_epochs,
    name_releases,
    over_budget,
    recent_features,
    stale_compiled,
    stale_features,
    stale_tuned,
    stale_versions,
)

NOW, OLD = 1000.0, 10.0
SINCE = 900.0


def model(sha: str, *encoders: str, **facts: object) -> Packaged:
    needed = frozenset(encoders)
    return Packaged(sha, True, 1, **{"touched_at": OLD, "encoders": needed, "features": needed | {"code"}, **facts})


def encoder(sha: str, **facts: object) -> Packaged:
    return Packaged(sha, False, 1, **{"touched_at": OLD, **facts})


def ledger(*fusions: str) -> list[Epoch]:
    return [Epoch(number, {"fusion": sha}, float(number)) for number, sha in enumerate(fusions, start=1)]


def kept_of(found: list[Packaged], epochs: list[Epoch], count: int = 2) -> set[str]:
    named = name_releases(epochs, kept_epochs(epochs, count=count, since=SINCE))
    return set(keep_packages(found, named, since=SINCE))


def test_the_newest_epochs_stay_with_their_encoders() -> None:
    found = [model("a", "text1"), model("b", "text1"), model("c", "text2"), encoder("text1"), encoder("text2")]
    assert kept_of(found, ledger("a", "b", "c")) == {"b", "c", "text1", "text2"}
    assert kept_of(found, ledger("a", "b", "c", "c")) == {"c", "text2"}


@pytest.mark.parametrize("count", [0, 1, 2])
def test_what_a_rollback_goes_back_to_always_stays(count: int) -> None:
    assert kept_of([model("a"), model("b"), model("c")], ledger("a", "b", "c"), count) == {"b", "c"}


def test_an_epoch_that_was_left_lately_stays_however_many_came_since() -> None:
    epochs = [Epoch(1, {"fusion": "a"}, 1.0), *(Epoch(n, {"fusion": "b"}, SINCE + n) for n in range(2, 9))]
    assert {one.number for one in kept_epochs(epochs, count=2, since=SINCE)} == set(range(1, 9))
    assert {one.number for one in kept_epochs(epochs, count=2, since=NOW)} == {7, 8}


def test_companions_stay_with_the_epochs_that_serve_them() -> None:
    epochs = [Epoch(1, {"fusion": "a"}, 1.0), Epoch(2, {"fusion": "a", "bert": "b"}, 2.0)]
    assert kept_of([model("a"), model("b"), model("c")], epochs) == {"a", "b"}


def test_what_was_made_or_asked_for_lately_stays_whoever_names_it() -> None:
    young = replace(model("new", "text"), touched_at=SINCE)
    assert kept_of([young, encoder("text"), model("old")], []) == {"new", "text"}


def test_a_kept_model_can_be_trained_again_and_a_tuned_encoder_knows_its_origin() -> None:
    found = [model("b", "tuned", warm_start="a"), model("a", "text"), model("x")]
    found += [encoder("tuned", tuned_from="middle"), encoder("middle", tuned_from="text"), encoder("text")]
    assert kept_of(found, ledger("b", "b")) == {"a", "b", "tuned", "middle", "text"}


def test_what_cannot_be_read_stays_and_while_it_may_need_them_every_encoder_does() -> None:
    broken = Packaged("broken", True, 1, OLD, is_readable=False)
    assert kept_of([broken, encoder("text"), model("x")], []) == {"broken", "text"}


def test_features_stay_for_what_is_served_or_recent_and_not_for_every_kept_epoch() -> None:
    found = [model(name, f"text-{name}") for name in "abcd"] + [encoder(f"text-{name}") for name in "abcd"]
    epochs = ledger("a", "b", "c", "d")
    named = name_releases(epochs, kept_epochs(epochs, count=4, since=SINCE))
    kept = keep_packages(found, named, since=SINCE)
    assert set(kept) == {one.sha for one in found}
    assert recent_features(found, kept) == {"text-c", "text-d", "code"}


def test_the_cache_keeps_what_the_newest_snapshot_would_read() -> None:
    files = [
        CacheFile("text", "1.aaa.npy", OLD),
        CacheFile("text", "1.bbb.npy", OLD),
        CacheFile("text", "1.aaa.part-000.npy", OLD),
        CacheFile("gone", "1.aaa.npy", OLD),
        CacheFile("gone", "2.aaa.npy", NOW),
    ]
    stale = [file for file, _ in stale_features(files, encoders={"text"}, names={"1.aaa.npy"}, since=SINCE)]
    assert stale == files[1:4]
    unknown = [file for file, _ in stale_features(files, encoders={"text"}, names=None, since=SINCE)]
    assert unknown == files[2:4]


def test_tuned_weights_and_compiled_graphs_go_with_the_package_made_of_them() -> None:
    found = [encoder("kept", weights=frozenset({"w1"}), files=frozenset({"g1"})), encoder("gone")]
    folders = [
        Tuned("one", OLD, frozenset({"w1"})),
        Tuned("two", OLD, frozenset({"w2"})),
        Tuned("new", NOW, frozenset()),
    ]
    assert [one.name for one in stale_tuned(folders, found, {"kept"}, since=SINCE)] == ["two"]
    entries = [
        Compiled("one", OLD, frozenset({"g1", "g2"})),
        Compiled("two", OLD, frozenset()),
        Compiled("new", NOW, frozenset()),
    ]
    assert [one.name for one in stale_compiled(entries, found, {"kept"}, since=SINCE)] == ["two"]


def test_the_registry_loses_only_versions_of_packages_dropped_here_that_no_alias_names() -> None:
    going = Registered("fusion", "1", "a", has_alias=False, made_at=OLD)
    others = [
        replace(going, has_alias=True),
        replace(going, package=None),
        replace(going, package="another installation's"),
        replace(going, made_at=NOW),
    ]
    assert list(stale_versions([*others, going], {"a"}, since=SINCE)) == [going]


def test_a_folder_over_its_budget_is_told_with_both_figures() -> None:
    held = {"features": 11, "packages": 10}
    assert over_budget(held, {"features": 10, "packages": 10, "nowhere": 1}) == {
        "features": {"bytes": 11, "budget": 10}
    }


shas = st.sampled_from([f"{kind}{number}" for kind in "me" for number in range(6)])
maybe = st.none() | shas


@st.composite
def stores(draw: st.DrawFn) -> list[Packaged]:
    """Packages that need, started from and were tuned from one another in any way, circles included."""
    return [
        Packaged(
            sha,
            sha.startswith("m"),
            1,
            draw(st.sampled_from([OLD, NOW])),
            encoders=draw(st.frozensets(shas.filter(lambda one: one.startswith("e")))),
            warm_start=draw(maybe) if sha.startswith("m") else None,
            tuned_from=draw(maybe) if sha.startswith("e") else None,
            is_readable=draw(st.integers(0, 9)) > 0,
        )
        for sha in sorted(draw(st.sets(shas)))
    ]


ledgers = st.lists(st.dictionaries(st.sampled_from(["fusion", "bert"]), shas, min_size=1), max_size=8).map(
    lambda models: [Epoch(number, one, float(number * 150)) for number, one in enumerate(models, start=1)]
)


@given(stores(), ledgers, st.integers(0, 9), st.dictionaries(shas, st.just(Kept("waits", True))))
def test_nothing_goes_that_a_kept_epoch_a_young_or_a_named_package_reaches(
    found: list[Packaged], epochs: list[Epoch], count: int, waiting: dict[str, Kept]
) -> None:
    by_sha = {one.sha: one for one in found}
    named = {**waiting, **name_releases(epochs, kept_epochs(epochs, count=count, since=SINCE))}
    kept = keep_packages(found, named, since=SINCE)
    assert set(kept) <= set(by_sha)
    roots = {sha for epoch in epochs[-max(2, count) :] for sha in epoch.models.values()} | set(waiting)
    roots |= {one.sha for one in found if one.touched_at >= SINCE}
    roots |= {by_sha[sha].warm_start for sha in roots & set(by_sha)}
    reached = {sha for sha in roots if sha in by_sha}
    reached |= {one for sha in reached for one in by_sha[sha].encoders if one in by_sha}
    assert reached <= set(kept)
    if any(not one.is_readable for one in found):
        assert {one.sha for one in found if not one.is_model} <= set(kept)


@given(stores(), ledgers, st.integers(0, 9))
def test_what_goes_is_old_readable_and_named_by_no_kept_epoch(
    found: list[Packaged], epochs: list[Epoch], count: int
) -> None:
    stays = kept_epochs(epochs, count=count, since=SINCE)
    kept = keep_packages(found, name_releases(epochs, stays), since=SINCE)
    for one in found:
        if one.sha not in kept:
            assert one.touched_at < SINCE
            assert one.is_readable
            assert all(one.sha not in epoch.models.values() for epoch in stays)
