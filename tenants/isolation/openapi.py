"""What an OpenAPI document says of an API: its operations, and what a request to each needs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

METHODS = ("get", "head", "post", "put", "patch", "delete")
SAFE = {"GET", "HEAD"}
SAMPLES = {"integer": "1", "number": "1", "boolean": "true", "array": "", "string": "probe"}


class NotOpenApi(ValueError):
    """The document is none of OpenAPI; the message says why."""


@dataclass(frozen=True)
class Operation:
    """A method on a path. `needed` are the query parameters that a request must have, with a value for each; `free`
    the others' names."""

    method: str
    path: str
    in_path: tuple[str, ...]
    needed: tuple[tuple[str, str], ...]
    free: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def collection(self) -> str:
        """The path before its last parameter: where the ids for it are listed."""
        return self.path[: self.path.rindex("{")].rstrip("/") if self.in_path else self.path

    def address(self, values: Mapping[str, str], **query: str) -> str:
        path = self.path
        for name, value in values.items():
            path = path.replace("{" + name + "}", quote(value, safe=""))
        asked = dict(self.needed) | query
        return path + (f"?{urlencode(asked)}" if asked else "")


def read(text: str) -> dict[str, Any]:
    """The document, in JSON or YAML. Raises NotOpenApi."""
    import yaml  # slow to import

    try:
        document = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise NotOpenApi("it is neither JSON nor YAML") from error
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise NotOpenApi("it has no paths")
    return document


def base_of(document: Mapping[str, Any], url: str) -> str:
    """Where the API is: as the document says, seen from its own address."""
    servers = document.get("servers") or [{}]
    if "swagger" in document:
        parts = urlsplit(url)
        host = document.get("host") or parts.netloc
        return f"{parts.scheme}://{host}{document.get('basePath') or ''}".rstrip("/")
    root = urljoin(url, "/")
    return urljoin(url, str(servers[0].get("url") or root)).rstrip("/")


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Every operation of the document."""
    for path, item in document["paths"].items():
        whole = _resolved(document, item)
        for method in METHODS:
            if method not in whole:
                continue
            given = [*whole.get("parameters", []), *whole[method].get("parameters", [])]
            parameters = {(one["in"], one["name"]): one for one in (_resolved(document, one) for one in given)}
            in_query = [one for (where, _), one in parameters.items() if where == "query"]
            yield Operation(
                method.upper(),
                path,
                tuple(name for where, name in parameters if where == "path"),
                tuple((one["name"], _sample(document, one)) for one in in_query if one.get("required")),
                tuple(one["name"] for one in in_query if not one.get("required")),
            )


def _sample(document: Mapping[str, Any], parameter: Mapping[str, Any]) -> str:
    schema = _resolved(document, parameter.get("schema") or parameter)
    for value in (parameter.get("example"), schema.get("example"), schema.get("default"), *schema.get("enum", [])[:1]):
        if value is not None:
            return str(value)
    return SAMPLES.get(str(schema.get("type")), "probe")


def _resolved(document: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part, or what it refers to within the document."""
    for _ in range(10):
        reference = part.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return part
        found: Any = document
        for step in reference[2:].split("/"):
            found = found.get(step.replace("~1", "/").replace("~0", "~"), {})
        part = found
    return part
