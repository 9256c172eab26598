"""Names that the admin shows; nothing of the database changes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_tenant_alias")]

    operations = [
        migrations.AlterModelOptions(
            name="tenant",
            options={"verbose_name": "host names", "verbose_name_plural": "host names"},
        ),
    ]
