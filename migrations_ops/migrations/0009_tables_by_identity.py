"""Which table it is, whatever it is called since, and the files of its rows: what others do to whole tables is told."""

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models

from migrations_ops.models import TableField

# The tables of baselines from before are those that have the name now.
KNOWN = "UPDATE vital.baseline SET relid = to_regclass(relation)"


class Migration(migrations.Migration):
    dependencies = [("migrations_ops", "0008_ledger_by_row")]
    operations = [
        migrations.AddField(
            "appliedstatement",
            "relation",
            models.CharField(max_length=130, blank=True, default="", help_text="the table that it is about, if one"),
        ),
        migrations.AddField(
            "appliedstatement",
            "relid",
            TableField(null=True, help_text="the same, whatever it is called since"),
        ),
        migrations.AddField(
            "baseline",
            "relid",
            TableField(null=True, help_text="the table itself, whatever it is called since"),
        ),
        migrations.AddField(
            "baseline",
            "files",
            ArrayField(
                models.BigIntegerField(),
                default=list,
                help_text="the files of its rows: others after TRUNCATE, CLUSTER and the like",
            ),
        ),
        migrations.RunSQL(KNOWN, migrations.RunSQL.noop),
    ]
