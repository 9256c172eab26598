"""Why a run was started, beside who started it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("migrations_ops", "0013_names_in_the_admin")]

    operations = [
        migrations.AddField(
            model_name="run",
            name="reason",
            field=models.TextField(blank=True, db_default="", default="", help_text="why it was started"),
        ),
    ]
