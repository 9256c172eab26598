"""What the ledger's index by row is built from: four bytes for each key of an entry. Its cost tells the planner that
asking it of every entry means unpacking all of them."""

from django.db import migrations

CREATE = """
CREATE FUNCTION vital.key_hashes(keys text[]) RETURNS integer[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000
AS 'SELECT array_agg(hashtext(key)) FROM unnest(keys) AS key'
"""
DROP = "DROP FUNCTION vital.key_hashes(text[]) CASCADE"


class Migration(migrations.Migration):
    dependencies = [("migrations_ops", "0007_facts_of_checks")]
    operations = [migrations.RunSQL(CREATE, DROP)]
