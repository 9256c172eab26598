"""Doctor, monitor and the proof know of approximate indexes: not measured, too little, not finished, missing."""

import json
from typing import Any

from tests.support.command_results import Manage, document, said
from tests.support.databases import Scratch, rows

MEASURE, MEND = "./manage.py migrate_tenants vectors", "./manage.py migrate_tenants vectors --yes"


def of_doctor(manage: Manage, searched: Scratch) -> list[tuple[str, str, str]]:
    signs = json.loads(manage(searched, "doctor", "--json").stdout)["signs"]
    return [(one["state"], one["seen"], one["fix"]) for one in signs if one["name"] == "vectors"]


def of_monitor(manage: Manage, searched: Scratch) -> tuple[float | None, list[str]]:
    found = document(manage(searched, "monitor", "--once", "--json"))
    return found["recall"], [worry for worry in found["worries"] if worry.startswith("vectors: ")]


def measure(manage: Manage, searched: Scratch, *options: str) -> dict[str, Any]:
    return document(manage(searched, "migrate_tenants", "vectors", "--sample", "5", "--json", *options))


def test_an_index_that_was_never_measured_is_a_warning_that_says_how(searched: Scratch, manage: Manage) -> None:
    seen = "nobody has measured what passages_nearest on passages gives each tenant of its nearest rows"

    assert of_doctor(manage, searched) == [("warn", seen, MEASURE)]
    assert of_monitor(manage, searched) == (None, [f"vectors: {seen}: {MEASURE}"])


def test_what_was_measured_is_known_until_it_is_measured_again(searched: Scratch, manage: Manage) -> None:
    below = measure(manage, searched)["below"]

    ((state, seen, fix),) = of_doctor(manage, searched)
    recall, worries = of_monitor(manage, searched)
    assert (state, fix) == ("warn", MEND)
    assert seen.startswith(f"passages_nearest on passages gives {below} of 10 tenants less than 0.95 of their nearest")
    assert recall is not None
    assert recall < 0.5
    assert worries == [f"vectors: {seen}: {MEND}"]
    shown = manage(searched, "monitor", "--once").stdout
    assert f"recall@10 of the worst tenant {recall:.2f} when last measured" in " ".join(shown.split()), shown

    measure(manage, searched, "--yes")

    recall, worries = of_monitor(manage, searched)
    assert (recall is not None and recall >= 0.95, worries) == (True, [])
    seen = f"when last measured, the worst recall@10 of a tenant was {recall:.2f}"
    assert of_doctor(manage, searched) == [("ok", seen, "")]


def test_an_index_that_is_not_finished_and_one_that_is_missing(searched: Scratch, manage: Manage) -> None:
    rows(searched.admin_url, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'passages_nearest'::regclass")
    ((state, seen, fix),) = of_doctor(manage, searched)
    assert (state, seen) == ("warn", "passages_nearest on passages is not valid: it answers nobody")
    assert fix == 'Drop "public"."passages_nearest" CONCURRENTLY, and build it again.'

    rows(searched.admin_url, "UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'passages_nearest'::regclass")
    rows(searched.admin_url, "DROP INDEX passages_nearest")
    assert of_doctor(manage, searched) == [], "so few vectors are compared one by one in no time"
    rows(searched.admin_url, "UPDATE pg_class SET reltuples = 60000 WHERE oid = 'passages'::regclass")
    ((state, seen, _),) = of_doctor(manage, searched)
    assert (state, seen) == ("warn", "passages.embedding has about 60,000 vectors and no approximate index")


def test_before_isolation_there_is_nothing_to_say(searched: Scratch, manage: Manage) -> None:
    done = manage(searched, "migrate_tenants", "undo", "--phase", "006", "--yes")
    assert done.returncode == 0, said(done)

    assert of_doctor(manage, searched) == []


def test_the_proof_says_what_distances_and_counts_give_away(
    searched: Scratch, migrated_template: Scratch, manage: Manage
) -> None:
    def notes(of: Scratch) -> list[str]:
        found: list[str] = document(manage(of, "prove_isolation", "--json"))["notes"]
        return found

    (before,) = notes(searched)
    assert before.startswith("passages_nearest on passages: where a question for the ten nearest rows is given fewer")
    measure(manage, searched, "--yes")
    (after,) = notes(searched)
    assert "how long a question takes" in after
    printed = manage(searched, "prove_isolation")
    assert printed.returncode == 0, said(printed)
    assert "note      passages_nearest on passages" in printed.stdout
    assert notes(migrated_template) == []
