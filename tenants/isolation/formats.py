"""What was found, as other programs read it: JUnit for test reports, SARIF for code scanning."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
BESIDE = ("hidden", "open", "reachable", "difference")
UNPRINTABLE = dict.fromkeys(i for i in range(32) if i not in (9, 10, 13))  # what XML has no place for


@dataclass(frozen=True)
class Finding:
    """`rule` is the same for findings of a kind; `where` names the table, endpoint or object; what is in a file
    has that and its line."""

    rule: str
    where: str
    message: str
    level: str = "error"  # or warning, note
    file: str = ""
    line: int = 0


def findings(document: Mapping[str, Any]) -> list[Finding]:
    """Those of an attack run."""
    found = [
        Finding(
            f"leak/{one['verb']}", one["what"], f"{one['attacker']} reached {one['victim']}. {one['detail']}".strip()
        )
        for one in document["matrix"]
        if one["outcome"] == "LEAK"
    ]
    found += [Finding("hidden", one["what"], f"{one['attacker']} {one['detail']}") for one in document["hidden"]]
    found += [Finding("open", relation, "its isolation is not whole") for relation in document["open"]]
    found += [
        Finding(f"reachable/{one['kind']}", one["name"], f"{one['how']}. Close it: {one['closing']}")
        for one in document["reachable"]
    ]
    found += [
        Finding(
            f"difference/{one['severity']}",
            one["object"],
            f"{one['found']}; wanted: {one['wanted']}. {one['fix']}",
            "error" if one["severity"] == "dangerous" else "warning",
        )
        for one in document["differences"]
    ]
    return found + [Finding("not-tried", one["what"], one["why"], "note") for one in document["not_tried"]]


def sarif(found: Iterable[Finding]) -> dict[str, Any]:
    """One run of SARIF 2.1.0. What was found in a database or a service has a name, and no file."""
    listed = list(found)
    rules = sorted({one.rule for one in listed})
    results = [
        {
            "ruleId": one.rule,
            "level": one.level,
            "message": {"text": f"{one.where}: {one.message}"},
            "locations": [_location(one)],
        }
        for one in listed
    ]
    driver = {"name": "vital", "rules": [{"id": rule} for rule in rules]}
    return {"$schema": SARIF, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _location(one: Finding) -> dict[str, Any]:
    if not one.file:
        return {"logicalLocations": [{"fullyQualifiedName": one.where}]}
    place = {"artifactLocation": {"uri": quote(one.file)}, "region": {"startLine": max(one.line, 1)}}
    return {"physicalLocation": place}


def junit(document: Mapping[str, Any]) -> str:
    """A suite for each table and endpoint, with a case for each attack and whom it aimed at."""
    suites = ElementTree.Element("testsuites", name="prove_isolation")
    by_place: dict[str, list[Mapping[str, Any]]] = {}
    for attempt in document["matrix"]:
        by_place.setdefault(attempt["what"], []).append(attempt)
    for place, attempts in by_place.items():
        _suite(suites, place, [_case(one) for one in attempts])
    others = [one for one in findings(document) if one.rule.partition("/")[0] in BESIDE and one.level == "error"]
    _suite(suites, "beside the attacks", [_failed(one) for one in others])
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True)


def _suite(suites: ElementTree.Element, name: str, cases: Sequence[ElementTree.Element]) -> None:
    counts = {kind: str(sum(case.find(kind) is not None for case in cases)) for kind in ("failure", "skipped")}
    attributes = {"name": name, "tests": str(len(cases)), "failures": counts["failure"], "skipped": counts["skipped"]}
    ElementTree.SubElement(suites, "testsuite", attributes).extend(cases)


def _case(attempt: Mapping[str, Any]) -> ElementTree.Element:
    name = _clean(f"{attempt['verb']}: {attempt['attacker']} → {attempt['victim']}")
    case = ElementTree.Element("testcase", classname=attempt["what"], name=name)
    if attempt["outcome"] == "LEAK":
        ElementTree.SubElement(case, "failure", message=_clean(attempt["detail"] or "it reached the row"))
    elif attempt["outcome"] != "held":
        ElementTree.SubElement(case, "skipped", message=_clean(attempt["detail"]))
    return case


def _failed(one: Finding) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=one.rule, name=_clean(one.where))
    ElementTree.SubElement(case, "failure", message=_clean(one.message))
    return case


def _clean(text: str) -> str:
    return text.translate(UNPRINTABLE)
