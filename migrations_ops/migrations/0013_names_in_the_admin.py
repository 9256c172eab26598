"""Names that the admin shows; nothing of the database changes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("migrations_ops", "0012_names_of_checks")]

    operations = [
        migrations.AlterModelOptions(
            name="auditevent",
            options={"verbose_name": "audit entry", "verbose_name_plural": "audit"},
        ),
        migrations.AlterModelOptions(
            name="override",
            options={"verbose_name": "decision"},
        ),
    ]
