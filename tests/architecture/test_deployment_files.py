"""What is deployed is this project: its settings, its commands, its addresses; nobody is root, everything is pinned."""

import configparser
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.test_settings_are_documented import OF_MAKE, SECRETS_IN_FILES
from tests.support.paths import ROOT
from vital.env import DECLARED

DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
ON_CITUS: dict[str, Any] = yaml.safe_load((DEPLOY / "citus" / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = [*COMPOSE["services"].items(), *ON_CITUS["services"].items()]
MANIFESTS: list[dict[str, Any]] = list(
    yaml.safe_load_all((DEPLOY / "kubernetes/vital.yaml").read_text(encoding="utf-8"))
)
DOCKERFILES = [ROOT / "Dockerfile", DEPLOY / "pgbouncer" / "Dockerfile"]
OF_POSTGRES = {"POSTGRES_DB", "POSTGRES_PASSWORD", "PGPASSWORD", "VITAL_OWNER_PASSWORD", "VITAL_SERVICE_PASSWORD"}
COMMANDS = {file.stem for file in ROOT.glob("*/management/commands/*.py")} | {"migrate", "createsuperuser"}


def pods() -> list[dict[str, Any]]:
    return [one["spec"]["template"]["spec"] for one in MANIFESTS if "template" in one.get("spec", {})]


def test_every_setting_is_one_of_ours() -> None:
    named = {name for _, service in SERVICES for name in service.get("environment", {})}
    named |= {name for one in MANIFESTS if one["kind"] == "ConfigMap" for name in one["data"]}
    example = (DEPLOY / "env.example").read_text(encoding="utf-8")
    named |= set(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE))

    make = dict(OF_MAKE.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    assert named - DECLARED.keys() - SECRETS_IN_FILES - make.keys() - OF_POSTGRES == set()


def test_the_service_never_has_the_owners_url() -> None:
    assert "vital_owner" not in str(COMPOSE["services"]["web"])
    web = next(one for one in MANIFESTS if one["metadata"]["name"] == "vital-web" and one["kind"] == "Deployment")
    assert "vital-owner" not in str(web)
    assert "MIGRATIONS" not in (DEPLOY / "systemd" / "vital-web.service").read_text(encoding="utf-8")


def test_every_word_that_a_container_is_given_is_a_command() -> None:
    words = [service["command"][0] for service in COMPOSE["services"].values() if "command" in service]
    words += [container["args"][0] for pod in pods() for container in pod["containers"]]

    assert {*words} <= COMMANDS | {"web"}
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for unit in (DEPLOY / "systemd").glob("*.service"):
        parsed = configparser.ConfigParser(strict=False, interpolation=None)
        parsed.optionxform = str  # type: ignore[assignment,method-assign]
        parsed.read(unit)
        assert parsed["Service"]["ExecStart"].split()[1] in targets, unit.name
        assert parsed["Service"]["User"] == "vital"


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.parent.name)
def test_an_image_is_pinned_and_not_roots(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
        assert re.search(r":[\w.-]*(\d|bookworm)", image), image
        assert not image.endswith(":latest")
    users = re.findall(r"^USER (\w+)", text, re.MULTILINE)
    assert users
    assert "root" not in users


def test_images_of_others_are_pinned() -> None:
    for name, service in SERVICES:
        assert re.search(r":(local|[\d.]+(-|$))", service["image"]), name


def test_what_is_mounted_is_there() -> None:
    mounted = [volume.split(":")[0] for _, service in SERVICES for volume in service.get("volumes", [])]
    for source in mounted:
        assert source in COMPOSE["volumes"] | ON_CITUS["volumes"] or (ROOT / source).is_file(), source


def test_nodes_are_those_of_compose_and_let_in_from_their_own_network_alone() -> None:
    network = ON_CITUS["networks"]["nodes"]
    lines = (DEPLOY / "citus" / "pg_hba.conf").read_text(encoding="utf-8").splitlines()
    rules = [line.split() for line in lines if not line.startswith("#")]

    assert network["internal"]
    assert [rule[3] for rule in rules if rule[0] == "host" and rule[-1] == "trust"] == [
        network["ipam"]["config"][0]["subnet"]
    ]
    on_it = {name for name, service in ON_CITUS["services"].items() if "nodes" in service.get("networks", [])}
    named = set(re.findall(r"_node\('([^']+)'", (DEPLOY / "citus" / "nodes.sql").read_text(encoding="utf-8")))
    assert on_it == named | {"db"}
    assert ON_CITUS["services"]["db"]["networks"]["nodes"] == {"aliases": ["coordinator"]}


def test_what_the_image_copies_is_there_and_let_through() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    let_through = re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)

    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
            assert source.split("/")[0] in let_through, source


def test_pods_are_not_root_and_are_asked_under_a_name_that_the_service_answers_to() -> None:
    allowed = next(one for one in MANIFESTS if one["kind"] == "ConfigMap")["data"]["VITAL_ALLOWED_HOSTS"].split(",")
    for pod in pods():
        for container in pod["containers"]:
            assert container["securityContext"]["runAsNonRoot"], container["name"]
            for probe in ("livenessProbe", "readinessProbe"):
                if probe in container:
                    asked = container[probe]["httpGet"]
                    assert asked["httpHeaders"][0]["value"] in allowed
                    assert asked["path"] in ("/health/live", "/health/ready")


@pytest.mark.parametrize("script", sorted(DEPLOY.rglob("*.sh")), ids=lambda script: script.name)
def test_a_script_can_be_read_by_a_plain_shell(script: Path) -> None:
    assert script.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n", str(script)], capture_output=True).returncode == 0
