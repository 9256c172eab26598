"""People who carry out decisions are known by a run of a kind of its own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("migrations_ops", "0004_online_engine"),
    ]

    operations = [
        migrations.AlterField(
            model_name="run",
            name="kind",
            field=models.CharField(choices=[("run", "Run"), ("undo", "Undo"), ("decide", "Decide")], max_length=10),
        ),
    ]
