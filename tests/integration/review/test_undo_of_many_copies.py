"""To remove many copies reads the rows that may refer to them a few times, not once for each of them."""

from tests.support.queries import scalar
from tests.support.reference_database import NORTH, SOUTH, ReferenceDatabase

COPIES, OTHERS = 100, 2_000
FILL = (
    f"""INSERT INTO public.sources (id, name, tenant_id)
        SELECT gen_random_uuid(), 'source ' || n, '{SOUTH}' FROM generate_series(1, {COPIES}) AS n""",
    f"""INSERT INTO public.notes (name, source, tenant_id)
        SELECT 'note', id, '{NORTH}' FROM public.sources""",
    f"""INSERT INTO public.notes (name, source, tenant_id)
        SELECT 'note', (SELECT id FROM public.sources LIMIT 1), '{SOUTH}' FROM generate_series(1, {OTHERS}) AS n""",
)
READ = "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relid = 'public.notes'::regclass"
LEFT = "SELECT count(*) FROM pg_class WHERE starts_with(relname, 'vital_undo_')"


def test_time_grows_with_the_rows(reference_database: ReferenceDatabase) -> None:
    database = reference_database
    database.forget()
    for statement in FILL:
        database.session.execute(statement)
    before = database.content()
    done = database.resolve("notes", "source", "north", "south", way="copy")
    assert [one["rows"] for one in done["copies"]] == [COPIES]
    read = rows_read(database)

    undone = database.undo(done["number"])

    assert undone["kept"] == []
    assert database.content() == before
    assert rows_read(database) - read < 20 * (COPIES + OTHERS), "each copy is looked for in an index"
    assert scalar(database.scratch, LEFT) == 0


def rows_read(database: ReferenceDatabase) -> int:
    database.session.execute("SELECT pg_stat_force_next_flush()")
    return int(scalar(database.scratch, READ))
