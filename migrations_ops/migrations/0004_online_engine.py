"""Shares of a table for several workers, limits, canaries, rehearsals and the audit, which is append-only."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# An operator may add to the audit; nobody changes it. TRUNCATE is for whoever drops the whole schema.
APPEND_ONLY = """
CREATE FUNCTION vital.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $refuse$
BEGIN
    RAISE EXCEPTION 'vital.audit is append-only' USING ERRCODE = 'insufficient_privilege';
END
$refuse$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON vital.audit
FOR EACH STATEMENT EXECUTE FUNCTION vital.refuse_change()
"""
ANY_CHANGE = """
DROP TRIGGER IF EXISTS append_only ON vital.audit;
DROP FUNCTION IF EXISTS vital.refuse_change()
"""

# The guide's query names the migration; a canary is a part of it and must not pass for the whole.
VIEW = """
DO $tracking$
BEGIN
    IF obj_description(to_regclass('public.migration_tracking'), 'pg_class') = 'VITAL: progress of the migration' THEN
        CREATE OR REPLACE VIEW public.migration_tracking AS
        SELECT p.id, {name} AS migration_name, p.phase, p.status, p.started_at, p.completed_at,
               p.metrics, p.error ->> 'message' AS error_message, p.run_id
        FROM vital.phase_run AS p
        JOIN vital.run AS r ON r.id = p.run_id;
    END IF;
END
$tracking$
"""
WITH_SCOPE = VIEW.replace("{name}", "'multi_tenant_migration' || CASE r.scope WHEN '' THEN '' ELSE ', ' || r.scope END")
WITHOUT_SCOPE = VIEW.replace("{name}", "'multi_tenant_migration'::text")


class Migration(migrations.Migration):
    dependencies = [
        ("migrations_ops", "0003_exact_foreign_writes"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("who", models.CharField(max_length=200)),
                ("action", models.CharField(max_length=40)),
                ("reason", models.TextField(blank=True, default="")),
                ("facts", models.JSONField(default=dict)),
            ],
            options={
                "db_table": "audit",
            },
        ),
        migrations.CreateModel(
            name="Rehearsal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("held_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("held_by", models.CharField(max_length=200)),
                ("plan_digest", models.CharField(max_length=64)),
                (
                    "exact",
                    models.BooleanField(
                        help_text="whether the undo left the copy as it was, and the second run was as the first"
                    ),
                ),
                ("forecast", models.JSONField(help_text="phase and table: rows, seconds, WAL, disk, longest lock")),
            ],
            options={
                "db_table": "rehearsal",
            },
        ),
        migrations.CreateModel(
            name="Tuning",
            fields=[
                ("name", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("value", models.TextField()),
                ("set_by", models.CharField(max_length=200)),
                ("set_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "tuning",
            },
        ),
        migrations.AddField(
            model_name="run",
            name="progress",
            field=models.JSONField(help_text="where it is, how fast, and what it waits for", null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="scope",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="a canary's: tenant:SLUG or table:NAME; empty: everything",
                max_length=200,
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="seen_at",
            field=models.DateTimeField(help_text="when the progress was written", null=True),
        ),
        migrations.AddField(
            model_name="steprun",
            name="longest_lock",
            field=models.FloatField(db_default=0, help_text="seconds that one change of the schema held its locks"),
        ),
        migrations.AddField(
            model_name="steprun",
            name="wal_bytes",
            field=models.BigIntegerField(db_default=0, help_text="what the server wrote meanwhile, others included"),
        ),
        migrations.RemoveField(model_name="steprun", name="cursor"),
        migrations.AddField(
            model_name="steprun",
            name="begun",
            field=models.BooleanField(db_default=False, help_text="whether its shares are cut"),
        ),
        migrations.CreateModel(
            name="Share",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("relation", models.CharField(help_text="the table that really holds the rows", max_length=130)),
                ("first", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
                ("at", models.BigIntegerField()),
                (
                    "step_run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="shares", to="migrations_ops.steprun"
                    ),
                ),
            ],
            options={
                "db_table": "share",
                "constraints": [models.UniqueConstraint(fields=("step_run", "relation", "first"), name="one_share")],
            },
        ),
        migrations.RunSQL(APPEND_ONLY, ANY_CHANGE),
        migrations.RunSQL(WITH_SCOPE, WITHOUT_SCOPE),
    ]
