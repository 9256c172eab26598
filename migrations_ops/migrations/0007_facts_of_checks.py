"""What a check's answer was read from is kept with the run: the report shows fingerprints before and after."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("migrations_ops", "0006_background_runs")]
    operations = [
        migrations.AddField(
            "steprun",
            "facts",
            models.JSONField(null=True, help_text="what a check's answer was read from, for the report"),
        ),
    ]
