"""Words that the admin shows over its columns and fields; nothing of the database changes."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0006_traffic"),
    ]

    operations = [
        migrations.AlterField(
            model_name="apikey",
            name="created_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="created"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="expires_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="expires"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="last_used_at",
            field=models.DateTimeField(blank=True, help_text="to the minute", null=True, verbose_name="last used"),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="prefix",
            field=models.CharField(
                help_text="how the key begins, to tell it from others",
                max_length=12,
                unique=True,
                verbose_name="begins with",
            ),
        ),
        migrations.AlterField(
            model_name="apikey",
            name="revoked_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="revoked"),
        ),
        migrations.AlterField(
            model_name="membership",
            name="tenant_id",
            field=models.UUIDField(verbose_name="tenant"),
        ),
        migrations.AlterField(
            model_name="tenant",
            name="record",
            field=models.OneToOneField(
                db_column="id",
                db_constraint=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                primary_key=True,
                related_name="tenant",
                serialize=False,
                to="tenants.tenantrecord",
                verbose_name="tenant",
            ),
        ),
    ]
