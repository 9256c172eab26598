"""What an uninstall removes and leaves, in words for people."""

from typing import Any

from rich.console import Console

LOST = {"audit": "lines of the audit", "users": "logins of the admin", "api_keys": "API keys"}


def show_removal(console: Console, document: dict[str, Any]) -> None:
    removed = document["status"] == "removed"
    if document["status"] == "nothing_to_do":
        console.print("Nothing of VITAL's own is in this database.")
    else:
        console.print(
            "Removed:" if removed else "This would be removed:", *document["goes"], sep="\n  ", highlight=False
        )
    for kept in document["stays"]:
        console.print(f"[yellow]{kept['what']} stays: {kept['why']}[/]", highlight=False)
    lost = [f"{document['lost'][name]:,} {words}" for name, words in LOST.items() if document["lost"][name]]
    if document["status"] == "shown":
        if lost:
            console.print(
                f"With it go {', '.join(lost)}. A backup keeps them: ./manage.py backup FILE", highlight=False
            )
        console.print("Nothing was changed. Remove it: ./manage.py migrate_tenants uninstall --yes", highlight=False)
