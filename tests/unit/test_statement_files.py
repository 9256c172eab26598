"""Files of statements as editors, psql and drivers write them: cut where the server would, with its parameters."""

import codecs
from pathlib import Path

import pytest

from migrations_ops.impact.sources import text_of
from migrations_ops.impact.splitting import pieces

FORMS = {
    "a mark alone": ("SELECT a FROM t WHERE a = ? AND b=?", ["SELECT a FROM t WHERE a = $1 AND b=$2"]),
    "marks in lists": ("SELECT 1 WHERE a IN (?, ?) LIMIT ?", ["SELECT 1 WHERE a IN ($1, $2) LIMIT $3"]),
    "a mark beside an operator": ("SELECT doc ? ? WHERE b LIKE ?||'%'", ["SELECT doc ? $1 WHERE b LIKE $2||'%'"]),
    "operators": (
        "SELECT doc ? 'x', \"d\" ? 'y', f(doc) ?| a, doc @? '$.a' FROM t",
        ["SELECT doc ? 'x', \"d\" ? 'y', f(doc) ?| a, doc @? '$.a' FROM t"],
    ),
    "variables of psql": ("SELECT a FROM t WHERE a = :'one' AND b = :two", ["SELECT a FROM t WHERE a = $1 AND b = $2"]),
    "psql sends": ("TABLE a \\gset\nTABLE b \\gx\nTABLE c \\; TABLE d;", ["TABLE a", "TABLE b", "TABLE c", "TABLE d"]),
    "psql does": ("\\if :x\nSELECT 1\n\\echo it's\n, 2;\n\\endif\nSELECT 3", ["SELECT 1 , 2", "SELECT 3"]),
    "not over": ("SELECT 1; SELECT 'two; SELECT 3", ["SELECT 1", "SELECT 'two", "SELECT 3"]),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_cut_into_what_the_server_would_get(form: str) -> None:
    text, wanted = FORMS[form]

    assert [" ".join(one.text.split()) for one in pieces(text)] == wanted


@pytest.mark.parametrize(
    "encoded",
    [
        codecs.BOM_UTF8 + "SELECT 'Größe';\r\nSELECT 2".encode(),
        "SELECT 'Größe';\r\nSELECT 2".encode("utf-16"),
        codecs.BOM_UTF16_BE + "SELECT 'Größe';\r\nSELECT 2".encode("utf-16-be"),
    ],
)
def test_marks_of_an_encoding_are_no_part_of_a_statement(encoded: bytes, tmp_path: Path) -> None:
    file = tmp_path / "app.sql"
    file.write_bytes(encoded)

    found = list(pieces(text_of(file)))

    assert [(one.text, one.line) for one in found] == [("SELECT 'Größe'", 1), ("SELECT 2", 2)]
