"""Names that the admin shows; nothing of the database changes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [
        migrations.AlterModelOptions(
            name="platformuser",
            options={
                "managed": False,
                "verbose_name": "user of the platform",
                "verbose_name_plural": "users of the platform",
            },
        ),
    ]
