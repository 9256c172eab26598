"""An archive that was changed in any way is refused in one sentence, or holds exactly what it held."""

import io
import json
import os
import random
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.lifecycle import archive, unpacking
from tenants.lifecycle.archive import LINE
from tenants.lifecycle.unpacking import NoArchive

TENANT = {
    "id": "0a0a0a0a-0000-4000-8000-00000000000b", "slug": "oncology", "name": "Oncology", "domain": None,
    "compliance_level": "standard", "is_active": True, "settings": {"limits": {"max_tools": 3}}, "metadata": {},
}  # fmt: skip
ROWS = ['{"id": 1, "name": "Ödem"}', '{"id": 2, "name": "b"}']
TOOLS, NOTES = "tables/public.tools.jsonl", "tables/public.notes.jsonl"


def members() -> dict[str, bytes]:
    """A small whole archive, member by member."""
    data = "".join(f"{row}\n" for row in ROWS).encode()
    table = {
        "key": ["id"], "columns": {"id": "bigint", "name": "text"}, "rows": 2, "fingerprint": "-17",
        "sha256": sha256(data).hexdigest(), "needs": {},
    }  # fmt: skip
    empty = {**table, "rows": 0, "fingerprint": "0", "sha256": sha256(b"").hexdigest()}
    manifest = {
        "tenant": TENANT, "database": "shop", "server": "18.1", "taken_at": "2026-01-02T03:04:05+00:00",
        "taken_by": "ada", "format": archive.FORMAT,
        "tables": [{"relation": "public.tools", **table}, {"relation": "public.notes", **empty}],
    }  # fmt: skip
    return {TOOLS: data, NOTES: b"", "manifest.json": json.dumps(manifest).encode()}


def packed(parts: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", how) as pack:
        for name, data in parts.items():
            pack.writestr(name, data)
    return target.getvalue()


def read(file: Path) -> list[str]:
    with unpacking.opened(file) as found:
        return [line for table in found.manifest.tables for line in found.lines(table)]


def refused(data: bytes, folder: Path) -> str:
    file = folder / "archive.zip"
    file.write_bytes(data)
    with pytest.raises(NoArchive) as caught:
        read(file)
    said = str(caught.value)
    assert said.isprintable(), "one line that every terminal shows"
    assert len(said) < 400 + len(str(file)), said
    return said


def read_or_refused(file: Path) -> list[str] | None:
    """Its lines, or None where it was refused in a line that every terminal shows."""
    try:
        return read(file)
    except NoArchive as refusal:
        return None if str(refusal).isprintable() else [str(refusal)]


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    parts = members()
    manifest = json.loads(parts["manifest.json"])
    change(manifest)
    return packed(parts | {"manifest.json": json.dumps(manifest).encode()})


def with_manifest(text: str | bytes) -> bytes:
    return packed(members() | {"manifest.json": text if isinstance(text, bytes) else text.encode()})


def test_a_whole_one_is_read_however_it_is_packed(tmp_path: Path) -> None:
    for how in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        (tmp_path / "a.zip").write_bytes(packed(members(), how))
        assert read(tmp_path / "a.zip") == [f"{row}\n" for row in ROWS]


def _set(value: Any, *path: Any) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        place: Any = manifest
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = value

    return change


WRONG = {
    "a further id that is none": (_set(["pharma"], "aliases"), "the manifest.aliases must be UUIDs, not pharma"),
    "another format": (_set("vital tenant 9", "format"), "this VITAL reads 'vital tenant 1'"),
    "no format": (lambda m: m.pop("format"), "its format is None"),
    "a missing key": (lambda m: m.pop("server"), "lacks server"),
    "a missing key of a table": (lambda m: m["tables"][0].pop("rows"), "tables[0] lacks rows"),
    "a missing key of the tenant": (lambda m: m["tenant"].pop("slug"), "tenant lacks slug"),
    "an unknown key": (_set(1, "extra"), "has extra, which is not known"),
    "rows as a text": (_set("2", "tables", 0, "rows"), "tables[0].rows must be a whole number"),
    "rows as a truth": (_set(True, "tables", 0, "rows"), "must be a whole number"),
    "rows below none": (_set(-1, "tables", 0, "rows"), "must be a whole number"),
    "rows beyond all counting": (_set(10**300, "tables", 0, "rows"), "must be a whole number"),
    "too few rows": (_set(1, "tables", 0, "rows"), "it was altered"),
    "too many rows": (_set(10**15, "tables", 0, "rows"), "it was altered"),
    "tables as an object": (_set({}, "tables"), "tables must be a list"),
    "a table as a text": (_set("x", "tables", 0), "tables[0] must be an object"),
    "columns as a list": (_set([], "tables", 0, "columns"), "columns must be an object"),
    "a column's type as a number": (_set(3, "tables", 0, "columns", "id"), "columns.id must be a text"),
    "needs of lists of numbers": (_set({"public.tools": [1]}, "tables", 0, "needs"), "must be a text"),
    "needs of a table that is not there": (_set({"public.x": ["1"]}, "tables", 0, "needs"), "is not in the archive"),
    "an empty key": (_set([], "tables", 0, "key"), "no key among its columns"),
    "a key of no column": (_set(["x"], "tables", 0, "key"), "no key among its columns"),
    "a fingerprint of words": (_set("x", "tables", 0, "fingerprint"), "no fingerprint"),
    "a digest of words": (_set("x", "tables", 0, "sha256"), "no SHA-256"),
    "a table named twice": (lambda m: m["tables"].append(m["tables"][0]), "names a table twice"),
    "a table without a schema": (_set("tools", "tables", 0, "relation"), "not a table with its schema"),
    "a table that is a path": (_set("../../etc/passwd", "tables", 0, "relation"), "not a table with its schema"),
    "a tenant that is a list": (_set([], "tenant"), "tenant must be an object"),
    "an id that is none": (_set("me", "tenant", "id"), "must be a UUID"),
    "an id with braces": (_set("{0a0a0a0a-0000-4000-8000-00000000000b}", "tenant", "id"), "must be a UUID"),
    "active as a number": (_set(1, "tenant", "is_active"), "must be true or false"),
    "settings as a text": (_set("x", "tenant", "settings"), "settings must be an object"),
    "a NUL in a setting": (_set({"a": ["\0"]}, "tenant", "settings"), "a sign that no text may have"),
    "half a pair in a name": (_set("\ud800", "tenant", "name"), "a sign that no text may have"),
    "a time that is none": (_set("yesterday", "taken_at"), "must be a time"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_manifest_that_does_not_hold_is_told_with_its_place(what: str, tmp_path: Path) -> None:
    change, words = WRONG[what]

    assert words in refused(changed(change), tmp_path)


NO_MANIFEST: dict[str, tuple[str | bytes, str]] = {
    "a list": ("[]", "must be an object"),
    "a number": ("1", "must be an object"),
    "no JSON": ("{", "not JSON at line 1"),
    "empty": ("", "not JSON"),
    "not UTF-8": (b"\xff\xfe{", "not UTF-8"),
    "nested without an end": ("[" * 200_000, "nested too deeply"),
    "a number of 10,000 digits": (f'{{"format": {"9" * 10_000}}}', "too long"),
    "no number": ('{"format": NaN}', "no number of JSON"),
    "a name twice": ('{"format": "a", "format": "b"}', "twice"),
    "longer than it may be": (" " * (unpacking.MANIFESTS + 1), "more than 16 MiB"),
}


@pytest.mark.parametrize("what", NO_MANIFEST)
def test_what_is_no_manifest_is_told(what: str, tmp_path: Path) -> None:
    text, words = NO_MANIFEST[what]

    assert words in refused(with_manifest(text), tmp_path)


def _twice() -> bytes:
    target = io.BytesIO(packed(members()))
    with zipfile.ZipFile(target, "a") as pack, pytest.warns(UserWarning, match="Duplicate"):
        pack.writestr(TOOLS, members()[TOOLS])
    return target.getvalue()


def _link() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as pack:
        for name, data in members().items():
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK if name == TOOLS else stat.S_IFREG | 0o600) << 16
            pack.writestr(info, data)
    return target.getvalue()


def _encrypted() -> bytes:
    data = bytearray(packed(members()))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


def _claims(size: int) -> bytes:
    """The first member claims to have so many bytes unpacked."""
    data = bytearray(packed(members()))
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, size)
    return bytes(data)


PACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a member twice": (_twice, "is there twice"),
    "a link": (_link, "is a link"),
    "an encrypted member": (_encrypted, "encrypted"),
    "another way of packing": (lambda: packed(members(), zipfile.ZIP_BZIP2), "packed in a way"),
    "a member too many": (lambda: packed(members() | {"x": b""}), "is not one of the manifest's tables"),
    "a way out of the folder": (lambda: packed(members() | {"../../x": b"x"}), "is not one of the manifest's tables"),
    "an absolute path": (lambda: packed(members() | {"/etc/x": b"x"}), "is not one of the manifest's tables"),
    "signs that terminals obey": (lambda: packed(members() | {"\x1b[2J\n": b""}), "is not one of"),
    "a member less": (lambda: packed({k: v for k, v in members().items() if k != NOTES}), "is missing"),
    "no manifest": (lambda: packed({TOOLS: b""}), "it has no manifest.json"),
    "no member": (lambda: packed({}), "it has no manifest.json"),
    "a size that is not so": (lambda: _claims(5), ""),
    "a list of members without an end": (
        lambda: packed(members())[:-22] + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, 2**31, 0, 0),
        "",
    ),
    "rows in another order": (
        lambda: packed(members() | {TOOLS: "".join(f"{row}\n" for row in reversed(ROWS)).encode()}),
        "altered",
    ),
    "nothing": (lambda: b"", "not a zip file"),
}


@pytest.mark.parametrize("what", PACKS)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_pack_that_no_export_writes_is_refused(what: str, tmp_path: Path) -> None:
    make, words = PACKS[what]

    said = refused(make(), tmp_path)

    assert words in said.replace("File is", ""), said


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "absent.zip", "."):
        with pytest.raises(NoArchive):
            read(tmp_path / name)


def test_a_bomb_is_put_down_before_it_is_in_memory(tmp_path: Path) -> None:
    """3 GB in one line are 3 MB packed; here it is 200 MB, which would be seen as well."""
    file, most = tmp_path / "bomb.zip", 200 << 20
    parts = members()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as pack:
        with pack.open(TOOLS, "w", force_zip64=True) as member:
            for _ in range(most >> 20):
                member.write(b" " * (1 << 20))
        for name in (NOTES, "manifest.json"):
            pack.writestr(name, parts[name])
    assert file.stat().st_size < most / 100

    tracemalloc.start()
    with pytest.raises(NoArchive, match="a row of tools has more than 64 MiB"):
        read(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 3 * LINE, f"{peak:,} bytes"


@given(data=st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_anyhow_it_is_refused_or_means_the_same(data: st.DataObject, tmp_path: Path) -> None:
    """Bytes flipped, cut off, put in, doubled, exchanged; in the pack or inside of a member."""
    dice = random.Random(data.draw(st.integers(0, 2**32), label="seed"))
    parts = members()
    inside = data.draw(st.sampled_from([None, *parts]), label="where")
    damage = data.draw(st.sampled_from([_flip, _cut, _insert, _double, _swap]), label="how")
    if inside:
        whole = packed(parts | {inside: damage(parts[inside], dice)})
    else:
        whole = damage(packed(parts, dice.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))), dice)
    file = tmp_path / "damaged.zip"
    file.write_bytes(whole)

    assert read_or_refused(file) in (None, [f"{row}\n" for row in ROWS])


def _flip(data: bytes, dice: random.Random) -> bytes:
    changed_ = bytearray(data)
    for _ in range(dice.randint(1, 8) if data else 0):
        changed_[dice.randrange(len(data))] = dice.randrange(256)
    return bytes(changed_)


def _cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randint(0, len(data))] if dice.random() < 0.7 else data[dice.randint(0, len(data)) :]


def _insert(data: bytes, dice: random.Random) -> bytes:
    at = dice.randint(0, len(data))
    return data[:at] + dice.randbytes(dice.randint(1, 64)) + data[at:]


def _double(data: bytes, dice: random.Random) -> bytes:
    return data + data[dice.randint(0, len(data)) :]


def _swap(data: bytes, dice: random.Random) -> bytes:
    one, other = sorted((dice.randint(0, len(data)), dice.randint(0, len(data))))
    return data[other:] + data[one:other] + data[:one]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
PLACES = [
    ("tenant",), ("tables",), ("format",), ("database",), ("taken_at",), ("tables", 0), ("tables", 0, "relation"),
    ("tables", 0, "key"), ("tables", 0, "columns"), ("tables", 0, "rows"), ("tables", 0, "needs"),
    ("tables", 0, "sha256"), ("tenant", "id"), ("tenant", "settings"), ("tenant", "domain"), ("tenant", "metadata"),
]  # fmt: skip


@pytest.mark.slow
@given(place=st.sampled_from(PLACES), value=ANY)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_anywhere_in_a_manifest_is_refused_or_read(
    place: tuple[Any, ...], value: Any, tmp_path: Path
) -> None:
    file = tmp_path / "manifest.zip"
    file.write_bytes(changed(_set(value, *place)))

    assert read_or_refused(file) in (None, [f"{row}\n" for row in ROWS])
