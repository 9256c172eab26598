"""Words that the admin shows over its columns and fields; nothing of the database changes."""

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("migrations_ops", "0014_run_reason"),
    ]

    operations = [
        migrations.AlterField(
            model_name="auditevent",
            name="at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="time"),
        ),
        migrations.AlterField(
            model_name="auditevent",
            name="facts",
            field=models.JSONField(default=dict, verbose_name="details"),
        ),
        migrations.AlterField(
            model_name="finding",
            name="check_name",
            field=models.CharField(max_length=200, verbose_name="check"),
        ),
        migrations.AlterField(
            model_name="finding",
            name="found_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="found"),
        ),
        migrations.AlterField(
            model_name="finding",
            name="key",
            field=models.TextField(blank=True, verbose_name="row"),
        ),
        migrations.AlterField(
            model_name="finding",
            name="message",
            field=models.TextField(verbose_name="finding"),
        ),
        migrations.AlterField(
            model_name="finding",
            name="relation",
            field=models.CharField(max_length=130, verbose_name="table"),
        ),
        migrations.AlterField(
            model_name="finding",
            name="run_id",
            field=models.BigIntegerField(verbose_name="run"),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="conflicts",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(),
                help_text="rows that were changed since",
                null=True,
                size=None,
                verbose_name="kept by the undo",
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="keys",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(), size=None, verbose_name="which rows"
            ),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="relation",
            field=models.CharField(max_length=130, verbose_name="table"),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="run_id",
            field=models.BigIntegerField(null=True, verbose_name="run"),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="undone_at",
            field=models.DateTimeField(null=True, verbose_name="undone"),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="written_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="written"),
        ),
        migrations.AlterField(
            model_name="override",
            name="decided_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="decided"),
        ),
        migrations.AlterField(
            model_name="override",
            name="key",
            field=models.TextField(verbose_name="row"),
        ),
        migrations.AlterField(
            model_name="override",
            name="relation",
            field=models.CharField(max_length=130, verbose_name="table"),
        ),
        migrations.AlterField(
            model_name="override",
            name="tenant_id",
            field=models.UUIDField(verbose_name="tenant"),
        ),
        migrations.AlterField(
            model_name="run",
            name="started_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="started"),
        ),
    ]
