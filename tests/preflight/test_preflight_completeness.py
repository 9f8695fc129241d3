"""Half a SavedModel is not listed, and an export is known by its fingerprint."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler import preflight
from reconciler.preflight import FileFact
from reconciler.state.look import VersionFiles

WHOLE = {
    "saved_model.pb": 900,
    "fingerprint.pb": 50,
    "assets/vocabulary.txt": 40,
    "variables/variables.index": 200,
    "variables/variables.data-00000-of-00001": 3 << 30,
}


def judged(sizes: dict[str, int], digests: dict[str, str] | None = None) -> VersionFiles:
    files = [FileFact(path, size) for path, size in sizes.items()]
    wanted = preflight.wanted_digests(files)
    return preflight.version_files(3, files, dict.fromkeys(wanted, "d") | (digests or {}))


def without(*paths: str) -> dict[str, int]:
    return {path: size for path, size in WHOLE.items() if path not in paths}


def test_whole_export_is_complete_with_size_and_fingerprint() -> None:
    found = judged(WHOLE)
    assert (found.complete, found.size) == (True, sum(WHOLE.values()))
    assert found.fingerprint.startswith("sha256:")


def test_each_missing_part_is_named_and_there_is_no_fingerprint() -> None:
    for path in ("saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"):
        found = judged(without(path))
        assert (found.lacks, found.fingerprint) == ((path,), "")


def test_directory_without_variables_is_incomplete_though_the_server_would_load_it() -> None:
    assert len(judged({"saved_model.pb": 900}).lacks) == 2


def test_empty_file_counts_as_missing_and_says_so() -> None:
    assert judged(WHOLE | {"saved_model.pb": 0}).lacks == ("saved_model.pb (it is empty)",)


def test_missing_shards_of_a_set_are_named() -> None:
    sizes = without("variables/variables.data-00000-of-00001") | {"variables/variables.data-00001-of-00003": 5}
    assert judged(sizes).lacks == (
        "variables/variables.data-00000-of-00003",
        "variables/variables.data-00002-of-00003",
    )


def test_stale_shard_of_another_set_does_no_harm() -> None:
    assert judged(WHOLE | {"variables/variables.data-00001-of-00002": 5}).complete


def test_many_missing_shards_are_counted_instead_of_listed() -> None:
    sizes = without("variables/variables.data-00000-of-00001") | {"variables/variables.data-00000-of-00064": 5}
    lacks = judged(sizes).lacks
    assert len(lacks) == preflight.MAX_LACKS + 1
    assert lacks[-1] == "55 more files"


def test_absurd_number_of_shards_is_no_work() -> None:
    sizes = without("variables/variables.data-00000-of-00001") | {"variables/variables.data-00000-of-999999999": 5}
    assert judged(sizes).lacks == ("a believable number of variables.data shards",)


def test_shards_are_never_read_and_small_assets_are() -> None:
    files = [FileFact(path, size) for path, size in (WHOLE | {"assets/big.bin": 5 << 20}).items()]
    assert preflight.wanted_digests(files) == (
        "assets/vocabulary.txt",
        "fingerprint.pb",
        "saved_model.pb",
        "variables/variables.index",
    )


def test_nothing_is_read_of_an_incomplete_directory() -> None:
    assert preflight.wanted_digests([FileFact("saved_model.pb", 9)]) == ()


def test_other_content_is_another_export() -> None:
    assert judged(WHOLE).fingerprint != judged(WHOLE, {"variables/variables.index": "e"}).fingerprint


@given(st.permutations(list(WHOLE.items())))
def test_order_of_listing_changes_nothing(items: list[tuple[str, int]]) -> None:
    assert judged(dict(items)) == judged(WHOLE)
