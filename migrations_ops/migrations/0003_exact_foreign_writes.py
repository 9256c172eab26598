"""What tells our own row versions from those of others exactly: an undo's transaction, and those seen at the baseline."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("migrations_ops", "0002_tracking")]
    operations = [
        migrations.AddField(
            "ledgerentry",
            "undone_in",
            models.BigIntegerField(null=True, help_text="the undo's transaction id, for the same reason"),
        ),
        migrations.AddField(
            "baseline",
            "seen",
            ArrayField(
                models.BigIntegerField(),
                default=list,
                help_text="the latest that were, by the rows they wrote: exact for savepoints",
            ),
        ),
    ]
