"""Requests by hour and tenant. What may write it is granted with the service's other tables, after `migrate`."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_names")]

    operations = [
        migrations.CreateModel(
            name="Traffic",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "hour", "tenant_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("tenant_id", models.UUIDField()),
                ("requests", models.BigIntegerField()),
                ("refused", models.BigIntegerField(help_text="4xx")),
                ("failed", models.BigIntegerField(help_text="5xx")),
            ],
            options={"verbose_name_plural": "traffic", "db_table": "traffic"},
        ),
    ]
