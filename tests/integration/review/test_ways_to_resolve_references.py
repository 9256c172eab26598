"""Each way to resolve a reference into another tenant does what its preview says, and says what stands in its way."""

from typing import Any

import psycopg
import pytest

from migrations_ops.engine import ledger
from migrations_ops.review.references import carry_out
from migrations_ops.review.references.carry_out import ChangedMeanwhile, NoSuchReferences, NotToResolve
from migrations_ops.review.references.outcome import MOST_ROWS, TooManyRows
from migrations_ops.review.references.undoing import NoSuchResolution, UndoLaterFirst
from tenants import audit
from tests.support.reference_database import NORTH, PLATFORM, SOUTH, TENANTS, ReferenceDatabase, key_of
from vital.db import sql
from vital.errors import ReasonRequired, UnknownTable

NOTES = ("notes", "source", "north", "south")  # notes of north refer to sources of south


@pytest.fixture
def database(reference_database: ReferenceDatabase) -> ReferenceDatabase:
    """Source 1 is south's and hangs on source 2, south's; notes 1 and 2 of north and 3 of west and 4 of south refer to
    it; place 1 of north hangs on note 1."""
    reference_database.forget()
    reference_database.add("sources", 2, "south")
    reference_database.add("sources", 1, "south", up=2)
    for number, tenant in enumerate(("north", "north", "west", "south"), start=1):
        reference_database.add("notes", number, tenant, source=1, label=f"label {number}")
    reference_database.add("places", 1, "north", note=1)
    reference_database.renumber()
    return reference_database


def tenant_of(database: ReferenceDatabase, table: str, number: int) -> str:
    owner = database.content()[table][key_of(table, number)]["tenant_id"]
    return {identity: slug for slug, identity in TENANTS.items()}[owner]


def test_groups_are_counted(database: ReferenceDatabase) -> None:
    assert database.groups() == [NOTES, ("notes", "source", "west", "south")]


def test_a_child_moves_with_what_hangs_on_it(database: ReferenceDatabase) -> None:
    shown = database.preview(*NOTES, way="move-child")
    assert [(one["table"], one["rows"]) for one in shown["moves"]] == [("notes", 2), ("places", 1)]

    database.resolve(*NOTES, way="move-child", seen=shown["token"])

    assert [tenant_of(database, "notes", number) for number in (1, 2, 3)] == ["south", "south", "west"]
    assert tenant_of(database, "places", 1) == "south"


def test_a_parent_moves_only_if_nothing_new_crosses(database: ReferenceDatabase) -> None:
    shown = database.preview(*NOTES, way="move-parent")
    assert [(one["table"], one["columns"], one["rows"]) for one in shown["would_cross"]] == [("sources", "up", 1)]
    assert [one["tenant"] for one in shown["still_cross"]] == ["west"]
    with pytest.raises(NotToResolve, match="would lead into another tenant"):
        database.resolve(*NOTES, way="move-parent")

    database.resolve(*NOTES, way="move-parent", follow=True)

    assert [tenant_of(database, "sources", number) for number in (1, 2)] == ["north", "north"]
    assert tenant_of(database, "notes", 4) == "north", "what hangs on it, of its owner's"
    assert database.groups() == [("notes", "source", "west", "north")]


def test_sharing_says_who_reads_it_and_takes_what_it_refers_to(database: ReferenceDatabase) -> None:
    assert database.preview(*NOTES, way="share")["refused"]

    shown = database.preview(*NOTES, way="share", follow=True)
    assert shown["exposes"] == [{"table": "sources", "of": "south", "to": "all 4 tenants", "rows": 2}]
    database.resolve(*NOTES, way="share", follow=True)

    assert [tenant_of(database, "sources", number) for number in (1, 2)] == ["home", "home"]
    assert database.groups() == []


def test_private_rows_are_not_shared(database: ReferenceDatabase) -> None:
    database.add("people", 1, "south")
    database.add("sources", 3, "north", author=1)
    group = ("sources", "author", "north", "south")

    with pytest.raises(NotToResolve, match="people is private"):
        database.resolve(*group, way="share")


def test_one_copy_serves_all_rows_of_a_tenant_and_later_ones_too(database: ReferenceDatabase) -> None:
    first = database.resolve(*NOTES, way="copy", keys=("1",))
    assert [(one["table"], one["of"], one["for"], one["rows"]) for one in first["copies"]] == [
        ("sources", "south", "north", 2)
    ]
    second = database.resolve(*NOTES, way="copy")
    assert (second["copies"], second["reused"]) == ([], 1)

    content = database.content()
    assert len(content["sources"]) == 4
    copy = content["sources"][content["notes"]["1"]["source"]]
    assert content["notes"]["2"]["source"] == copy["id"]
    assert (copy["name"], copy["tenant_id"]) == ("sources 1", NORTH)
    assert content["sources"][copy["up"]]["name"] == "sources 2"
    assert content["notes"]["3"]["source"] == key_of("sources", 1)

    with pytest.raises(UndoLaterFirst, match=str(second["number"])):
        database.undo(first["number"])
    database.undo(second["number"])
    assert database.undo(first["number"])["removed"] == {"sources": 2}


def test_what_only_one_row_may_have_is_left_out_of_a_copy_and_said(database: ReferenceDatabase) -> None:
    database.add("places", 2, "west", note=4)
    group = ("places", "note", "west", "south")

    shown = database.preview(*group, way="copy")
    assert shown["emptied"] == {"notes": ["label"]}
    database.resolve(*group, way="copy")

    note = str(database.content()["places"][key_of("places", 2)]["note"])
    assert database.content()["notes"][note]["label"] is None
    assert database.content()["notes"]["4"]["label"] == "label 4"


def test_a_key_that_nothing_can_be_made_of_refuses_the_copy(database: ReferenceDatabase) -> None:
    database.add("codes", 1, "south")
    database.add("uses", 1, "north", code=1)

    with pytest.raises(NotToResolve, match="two codes may not have the same code"):
        database.resolve("uses", "code", "north", "south", way="copy")


def test_accepted_ones_are_no_findings_until_something_changes(database: ReferenceDatabase) -> None:
    assert database.check() == 3
    done = database.resolve(*NOTES, way="accept")
    assert database.check() == 1

    database.session.execute("UPDATE public.notes SET tenant_id = %(west)s WHERE id = 2", {"west": TENANTS["west"]})
    assert database.check() == 2
    database.session.execute("UPDATE public.notes SET tenant_id = %(north)s WHERE id = 2", {"north": NORTH})
    assert database.check() == 1

    database.undo(done["number"])
    assert database.check() == 3


def test_findings_that_are_resolved_are_decided(database: ReferenceDatabase) -> None:
    database.check()
    done = database.resolve(*NOTES, way="copy")
    settled = "SELECT count(*) FROM vital.finding WHERE settled_by = %(number)s"
    assert database.session.value(settled, {"number": done["number"]}) == 2
    database.undo(done["number"])
    assert database.session.value(settled, {"number": done["number"]}) == 0


def test_decisions_keep_what_was_moved_and_copied(database: ReferenceDatabase) -> None:
    database.resolve(*NOTES, way="copy")
    database.resolve("notes", "source", "west", "south", way="move-child")

    decided = database.session.execute("SELECT relation, key, tenant_id::text, decided_by FROM vital.override")
    assert ("public.notes", "3", SOUTH, "ada") in decided
    assert sum(relation == "public.sources" and tenant == NORTH for relation, _, tenant, _ in decided) == 2


# --- what somebody else does ---


@pytest.mark.parametrize("way", ["move-child", "copy", "accept"])
def test_what_changed_since_it_was_shown_is_refused(database: ReferenceDatabase, way: str) -> None:
    shown = database.preview(*NOTES, way=way)
    database.session.execute("UPDATE public.notes SET name = 'another' WHERE id = 1")
    before = database.content(), database.memory()

    with pytest.raises(ChangedMeanwhile, match="references: another session has written to some of the 2"):
        database.resolve(*NOTES, way=way, seen=shown["token"])
    assert (database.content(), database.memory()) == before


def test_one_more_reference_than_shown_is_refused(database: ReferenceDatabase) -> None:
    shown = database.preview(*NOTES, way="accept")
    database.add("notes", 9, "north", source=1)

    with pytest.raises(ChangedMeanwhile, match="references: 2 then, 3 now"):
        database.resolve(*NOTES, way="accept", seen=shown["token"])


def test_a_failure_in_its_midst_leaves_nothing(database: ReferenceDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("killed")

    before = database.content(), database.memory()
    with monkeypatch.context() as patched:
        patched.setattr(audit, "note", fails)
        with pytest.raises(RuntimeError, match="killed"):
            database.resolve(*NOTES, way="copy")
    assert (database.content(), database.memory()) == before
    database.resolve(*NOTES, way="copy")


def test_an_undo_keeps_what_was_changed_since_and_says_so(database: ReferenceDatabase) -> None:
    done = database.resolve(*NOTES, way="copy")
    copy = database.content()["notes"]["1"]["source"]
    database.session.execute("UPDATE public.sources SET name = 'of north' WHERE id = %(copy)s", {"copy": copy})

    undone = database.undo(done["number"])

    above = database.content()["sources"][copy]["up"]
    assert {one["key"] for one in undone["kept"]} == {copy, above}
    assert database.content()["notes"]["1"]["source"] == key_of("sources", 1)


@pytest.mark.parametrize("column", ["source", "second"])
def test_a_copy_that_others_refer_to_by_now_stays(database: ReferenceDatabase, column: str) -> None:
    done = database.resolve(*NOTES, way="copy")
    copy = database.content()["notes"]["1"]["source"]
    database.session.execute(
        sql.compose("UPDATE public.notes SET {c} = %(copy)s WHERE id = 4", c=sql.ident(column)), {"copy": copy}
    )

    undone = database.undo(done["number"])

    assert copy in {one["key"] for one in undone["kept"]}
    assert database.content()["notes"]["4"][column] == copy, "no foreign key took anything along"


def test_an_undo_that_is_interrupted_goes_on(database: ReferenceDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    before = database.content(), database.memory()
    done = database.resolve(*NOTES, way="copy")
    at_once = ledger.standing_entries

    def few(*asked: Any) -> list[tuple[Any, ...]]:
        monkeypatch.setattr(ledger, "standing_entries", fails)
        return at_once(*asked)[:1]

    def fails(*_: Any) -> list[tuple[Any, ...]]:
        raise RuntimeError("killed")

    monkeypatch.setattr(ledger, "standing_entries", few)
    with pytest.raises(RuntimeError, match="killed"):
        database.undo(done["number"])
    monkeypatch.setattr(ledger, "standing_entries", at_once)
    assert database.content() != before[0]

    database.undo(done["number"])
    assert (database.content(), database.memory()) == before


def test_later_changes_are_undone_first(database: ReferenceDatabase) -> None:
    first = database.resolve(*NOTES, way="move-child", keys=("1",))
    second = database.resolve("notes", "source", "west", "south", way="move-parent", follow=True)

    with pytest.raises(UndoLaterFirst, match=f"run {second['number']}"):
        database.undo(first["number"])
    database.undo(second["number"])
    database.undo(first["number"])
    with pytest.raises(NoSuchResolution):
        database.undo(first["number"])


def test_an_overruled_decision_stands_again(database: ReferenceDatabase) -> None:
    database.session.execute(
        "INSERT INTO vital.override (relation, key, tenant_id, reason, decided_by)"
        " VALUES ('public.notes', '1', %(north)s, 'contract 1', 'bob')",
        {"north": NORTH},
    )
    before = database.memory()
    done = database.resolve(*NOTES, way="move-child")
    assert done["overruled"] == 1

    database.undo(done["number"])
    assert database.memory() == before


# --- what cannot be asked ---


@pytest.mark.parametrize(
    ("group", "way", "error", "words"),
    [
        (("nothing", "source", "north", "south"), "copy", UnknownTable, "no table nothing"),
        (("notes", "sourc", "north", "south"), "copy", NoSuchReferences, "Did you mean 'source'"),
        (("notes", "source", "nord", "south"), "copy", NoSuchReferences, "Did you mean 'north'"),
        (("notes", "source", "south", "north"), "copy", NoSuchReferences, "No row of notes in south"),
        (NOTES, "delete", NoSuchReferences, "no way 'delete'"),
    ],
)
def test_what_is_not_there(
    database: ReferenceDatabase, group: tuple[str, ...], way: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        database.preview(*group, way=way)


def test_a_reason_is_needed(database: ReferenceDatabase) -> None:
    with pytest.raises(ReasonRequired):
        carry_out.resolve(
            database.session, database.plan, carry_out.Wanted(*NOTES, "accept"), "ada", " ", seen="",
            waiting=lambda why: None, say=lambda what: None,
        )  # fmt: skip


def test_more_rows_than_one_transaction_takes_are_refused(
    database: ReferenceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MOST_ROWS == 20_000
    monkeypatch.setattr("migrations_ops.review.references.moving.MOST_ROWS", 2)
    with pytest.raises(TooManyRows):
        database.resolve(*NOTES, way="move-child")


def test_a_key_that_the_copy_cannot_have_twice_is_said(database: ReferenceDatabase) -> None:
    database.session.execute("CREATE UNIQUE INDEX of_name ON public.sources (tenant_id, name)")
    try:
        database.add("sources", 8, "north", name="sources 1")
        before = database.content()
        with pytest.raises(NotToResolve, match="unique key that is taken"):
            database.resolve(*NOTES, way="copy")
        assert database.content() == before
    finally:
        database.session.execute("DROP INDEX public.of_name")


def test_the_platforms_rows_may_be_referred_to(database: ReferenceDatabase) -> None:
    database.session.execute("UPDATE public.sources SET tenant_id = %(home)s", {"home": PLATFORM})
    assert database.groups() == []


def test_a_locked_row_is_waited_for(database: ReferenceDatabase) -> None:
    waits = list[str]()
    with psycopg.connect(database.scratch.owner_url) as other:
        other.execute("SELECT FROM public.notes WHERE id = 1 FOR UPDATE")

        def waiting(why: str) -> None:
            waits.append(why)
            other.rollback()

        carry_out.resolve(
            database.session, database.plan, carry_out.Wanted(*NOTES, "copy"), "ada", "x", seen="", waiting=waiting,
            say=lambda what: None,
        )  # fmt: skip
    assert waits
    assert "public.notes" in waits[0]
