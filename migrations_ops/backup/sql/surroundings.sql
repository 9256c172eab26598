-- name: surrounding_extensions
-- What the database's extensions are made by, each where it is.
SELECT format('CREATE EXTENSION IF NOT EXISTS %%I SCHEMA %%I', e.extname, n.nspname), n.nspname::text
FROM pg_extension AS e
JOIN pg_namespace AS n ON n.oid = e.extnamespace
WHERE e.extname <> 'plpgsql'
ORDER BY e.oid

-- name: extensions_to_spare
-- Extensions that nothing leans on but what is in the schemas left out, and extensions themselves, with the rules of their views.
SELECT e.extname::text
FROM pg_extension AS e
WHERE NOT EXISTS (
    SELECT
    FROM pg_depend AS member
    JOIN pg_depend AS d ON (d.refclassid, d.refobjid) = (member.classid, member.objid) AND d.deptype IN ('n', 'a')
    CROSS JOIN LATERAL pg_identify_object_as_address(d.classid, d.objid, d.objsubid) AS leaning
    WHERE (member.refclassid, member.refobjid, member.deptype) = ('pg_extension'::regclass, e.oid, 'e')
      AND d.classid NOT IN ('pg_amop'::regclass, 'pg_amproc'::regclass)
      AND leaning.object_names[1] <> ALL(%(left)s::text[])
      AND NOT EXISTS (SELECT FROM pg_depend AS x WHERE (x.classid, x.objid, x.deptype) = (d.classid, d.objid, 'e'))
      AND NOT EXISTS (
          SELECT
          FROM pg_rewrite AS r
          JOIN pg_depend AS x ON (x.classid, x.objid, x.deptype) = ('pg_class'::regclass, r.ev_class, 'e')
          WHERE (d.classid, d.objid) = ('pg_rewrite'::regclass, r.oid)
      )
)
ORDER BY 1

-- name: surrounding_things
-- What a backup may lean on in the schemas that are left out of it: types, tables without their rules, what foreign keys
-- refer to, functions and views, in an order in which they can be made. Nobody calls them; they are there to be named.
SELECT statement
FROM (
    SELECT 1 AS step, t.oid,
           format('CREATE TYPE %%I.%%I AS ENUM (%%s)', n.nspname, t.typname,
                  (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
    FROM pg_type AS t
    JOIN pg_namespace AS n ON n.oid = t.typnamespace
    WHERE n.nspname = ANY(%(left)s::text[])
      AND t.typtype = 'e'
    UNION ALL
    SELECT 1, t.oid, format('CREATE DOMAIN %%I.%%I AS %%s', n.nspname, t.typname, format_type(t.typbasetype, t.typtypmod))
    FROM pg_type AS t
    JOIN pg_namespace AS n ON n.oid = t.typnamespace
    WHERE n.nspname = ANY(%(left)s::text[])
      AND t.typtype = 'd'
    UNION ALL
    SELECT 2, c.oid,
           format('CREATE TABLE %%I.%%I (%%s)', n.nspname, c.relname,
                  (SELECT string_agg(format('%%I %%s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum)
                   FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped))
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%(left)s::text[])
      AND c.relkind IN ('r', 'p', 'f')
    UNION ALL
    SELECT 3, k.oid, format('ALTER TABLE %%s ADD %%s', format('%%I.%%I', n.nspname, c.relname), pg_get_constraintdef(k.oid))
    FROM pg_constraint AS k
    JOIN pg_class AS c ON c.oid = k.conrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%(left)s::text[])
      AND k.contype IN ('p', 'u')
    UNION ALL
    SELECT 4, p.oid, pg_get_functiondef(p.oid)
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_language AS l ON l.oid = p.prolang
    WHERE n.nspname = ANY(%(left)s::text[])
      AND p.prokind IN ('f', 'p')
      AND l.lanname IN ('sql', 'plpgsql')
    UNION ALL
    SELECT 5, c.oid, format('CREATE VIEW %%I.%%I AS %%s', n.nspname, c.relname, pg_get_viewdef(c.oid))
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(%(left)s::text[])
      AND c.relkind = 'v'
) AS thing (step, oid, statement)
WHERE NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = thing.oid AND d.deptype = 'e')
ORDER BY step, oid

-- name: surrounding_keys
-- What foreign keys of a backup refer to outside of it: the keys of a parent, each once, from the parent where this role
-- may read it, else from a child.
SELECT DISTINCT ON (f.confrelid)
       format('%%I.%%I', m.nspname, p.relname), key.of_parent,
       CASE WHEN key.readable THEN format('%%I.%%I', m.nspname, p.relname) ELSE format('%%I.%%I', n.nspname, c.relname) END,
       CASE WHEN key.readable THEN key.of_parent ELSE key.of_child END
FROM pg_constraint AS f
JOIN pg_class AS c ON c.oid = f.conrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_class AS p ON p.oid = f.confrelid
JOIN pg_namespace AS m ON m.oid = p.relnamespace
CROSS JOIN LATERAL (
    SELECT array_agg(parents.attname::text ORDER BY k.place) AS of_parent, array_agg(children.attname::text ORDER BY k.place) AS of_child,
           bool_and(has_column_privilege(p.oid, parents.attnum, 'SELECT')) AND has_schema_privilege(m.oid, 'USAGE') AS readable
    FROM unnest(f.conkey, f.confkey) WITH ORDINALITY AS k (child, parent, place)
    JOIN pg_attribute AS children ON children.attrelid = f.conrelid AND children.attnum = k.child
    JOIN pg_attribute AS parents ON parents.attrelid = f.confrelid AND parents.attnum = k.parent
) AS key
WHERE f.contype = 'f'
  AND f.conparentid = 0
  AND m.nspname = ANY(%(left)s::text[])
  AND n.nspname <> ALL(%(left)s::text[])
ORDER BY f.confrelid, f.conindid = (SELECT indexrelid FROM pg_index WHERE indrelid = p.oid AND indisprimary) DESC

-- name: surrounding_triggers
-- Triggers on what is left out that call functions of the backup: they make a restore keep such a function where it is.
SELECT pg_get_triggerdef(g.oid)
FROM pg_trigger AS g
JOIN pg_class AS c ON c.oid = g.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_proc AS p ON p.oid = g.tgfoid
JOIN pg_namespace AS m ON m.oid = p.pronamespace
WHERE n.nspname = ANY(%(left)s::text[])
  AND m.nspname <> ALL(%(left)s::text[])
  AND NOT g.tgisinternal

-- name: read_keys
-- The keys of the rows that a backup's may refer to.
COPY (SELECT DISTINCT {columns} FROM {table}) TO STDOUT

-- name: write_keys
-- The same rows, as far as they are referred to.
COPY {table} ({columns}) FROM STDIN
