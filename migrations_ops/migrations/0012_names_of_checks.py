"""Checks are named after what they find. What an earlier version has found is found again under the new names."""

from django.db import migrations
from django.db.migrations.state import StateApps
from django.db.models import Value
from django.db.models.functions import Replace

# Where a check is about one table, its name begins with the table's.
NAMES = (
    ("the server's version", "server version"),
    ("settings of the database and the role", "settings that stand in the way"),
    ("every table can have a tenant column", "tables that cannot have a tenant column"),
    ("tenants that are there are the plan's", "existing tenants that the plan does not name"),
    ("no table of another origin in the way", "tables of another origin under VITAL's names"),
    ("the role owns the tables", "tables that the role does not own"),
    ("the role's privileges", "privileges that the role lacks"),
    ("values of the plan that no row can have", "values in the plan that no row can have"),
    ("enough free disk", "free disk space"),
    ("the signs of strain can be seen", "load signals that cannot be read"),
    ("every table of the plan is there", "tables that are missing"),
    ("every column that the plan needs, in a type it can read", "columns that are missing or of another type"),
    ("row level security hides nothing from the role", "policies that hide rows from the role"),
    ("no policy of others would hide rows behind row level security", "policies of others that would hide rows"),
    ("the tenants' slugs and domains are free", "slugs and domains that are taken"),
    ("tenants that keep their id", "existing tenants renamed, ids kept"),
    ("the plan's rules fit the database", "rules that do not fit the database"),
    ("the tables' rows can be changed", "tables whose rows cannot be changed"),
    ("the names that VITAL needs are free", "names that are taken"),
    ("sequences have values for the rows that VITAL adds", "sequences that run out"),
    ("every row keeps the checks of its table", "rows that break a check of their table"),
    ("triggers that 001 has to make anew can be made", "triggers that cannot be created again"),
    ("nothing is generated from the tenant", "what is generated from the tenant"),
    ("the roles of [[bind]] can be bound", "roles of [[bind]] that cannot be bound"),
    ("no event trigger forbids what VITAL has to do", "event triggers that forbid a change of the schema"),
    ("every tenant of the plan is there", "tenants of the plan without a row"),
    ("every tenant of the plan is active", "tenants that are not active"),
    ("every tenant is in the registry", "tenants that are not in the registry"),
    ("no row without a tenant", "rows without a tenant"),
    ("every row took its tenant", "rows that refused their tenant"),
    ("every tenant exists", "rows of tenants that do not exist"),
    ("the Platform has its share", "no rows of the Platform"),
    ("nobody moved an assigned row", "assigned rows that were moved"),
    ("every tenant is explained", "assigned rows without an explanation"),
    ("no invalid index", "invalid indexes"),
    ("an index by tenant", "no index by tenant"),
    ("late rows get their tenant", "no trigger for new rows"),
    ("every tenant owns rows", "tenants without rows"),
    ("no reference into another tenant", "references into another tenant"),
    ("rows are as many as before", "tables with more or fewer rows than before"),
    ("nothing but the tenant has changed", "tables in which more than the tenant has changed"),
    ("what others wrote meanwhile", "rows that others wrote meanwhile"),
    ("roles that the fence does not bind", "roles that bypass row level security"),
    ("functions that see past the fence", "functions that bypass row level security"),
    ("views that see past the fence", "views that bypass row level security"),
    ("what keeps tenants apart is as it was made", "isolation that is not as it was made"),
    ("what else is not as the plan wants it", "other differences from the plan"),
    ("isolation is enforced for every role that a service puts on", "roles that isolation does not bind"),
    ("VITAL's roles may do nothing by themselves", "rights that VITAL's roles should not have"),
    ("nothing is left that a run may not repair", "differences that a run may not repair"),
    ("tenants reach only what the plan allows", "tables that tenants reach beyond the plan"),
    (
        "every tenant sees its own rows, the Platform's shared ones, and no others",
        "tenants that see more or less than their rows",
    ),
    ("that no rule knows", "that match no rule"),
)


def rename(apps: StateApps, names: tuple[tuple[str, str], ...]) -> None:
    found = apps.get_model("migrations_ops", "Finding").objects
    for old, new in names:
        found.filter(check_name__endswith=old).update(check_name=Replace("check_name", Value(old), Value(new)))


class Migration(migrations.Migration):
    dependencies = [("migrations_ops", "0011_touch_updated_at")]
    operations = [
        migrations.RunPython(
            lambda apps, _: rename(apps, NAMES),
            lambda apps, _: rename(apps, tuple((new, old) for old, new in NAMES)),
        )
    ]
