from hypothesis import given
from hypothesis import strategies as st

from services.session_bridge.domain.verdict import Finding, Kept, judge

WANTED = tuple("abcdef")
foreign = st.lists(st.sampled_from("xyz"))


@st.composite
def among_others(draw: st.DrawFn, ours: tuple[str, ...]) -> tuple[str, ...]:
    """Put ours, in that order, among what others said."""
    return tuple(part for one in ours for part in (*draw(foreign), one))


some = st.sets(st.sampled_from(WANTED), min_size=1)


@given(among_others(WANTED), st.booleans())
def test_all_of_it_once_in_order_is_well_whoever_else_speaks(seen: tuple[str, ...], is_synced: bool) -> None:
    findings = set(judge(Kept(WANTED, seen), is_synced=is_synced))
    assert findings == (set() if is_synced else {Finding.NOT_WRITTEN_YET})


@given(some, st.booleans())
def test_what_is_missing_is_lost_only_if_it_counts_as_written(missing: set[str], is_synced: bool) -> None:
    kept = Kept(WANTED, tuple(one for one in WANTED if one not in missing))
    verdict = judge(kept, is_synced=is_synced)
    assert verdict == (
        {Finding.LOST: f"{len(missing)} of 6"}
        if is_synced
        else {Finding.NOT_WRITTEN_YET: f"{6 - len(missing)} of 6 there"}
    )


@given(some)
def test_what_the_agent_does_not_see_is_lost(aside: set[str]) -> None:
    kept = Kept(WANTED, tuple(one for one in WANTED if one not in aside), tuple(aside))
    verdict = judge(kept, is_synced=True)
    assert set(verdict) == {Finding.LOST}
    assert f"{len(aside)} of them beside the conversation's path" in verdict[Finding.LOST]


@given(some, st.booleans(), st.booleans())
def test_what_stands_twice_is_doubled_wherever_the_second_stands(
    twice: set[str], is_seen: bool, is_synced: bool
) -> None:
    more = tuple(one for one in WANTED if one in twice)
    kept = Kept(WANTED, WANTED + more) if is_seen else Kept(WANTED, WANTED, more)
    verdict = judge(kept, is_synced=is_synced)
    assert verdict[Finding.DOUBLED] == f"{len(twice)} of 6"
    assert Finding.OUT_OF_ORDER not in verdict


@given(st.permutations(WANTED))
def test_any_other_order_is_out_of_order(seen: list[str]) -> None:
    findings = set(judge(Kept(WANTED, tuple(seen)), is_synced=True))
    assert findings == (set() if seen == list(WANTED) else {Finding.OUT_OF_ORDER})


def test_what_was_removed_with_its_conversation_is_not_lost_but_told() -> None:
    kept = Kept(WANTED, removed="the OpenClaw session was deleted")
    assert judge(kept, is_synced=True) == {Finding.REMOVED: "the OpenClaw session was deleted"}
