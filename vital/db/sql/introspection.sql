-- name: table_columns
-- Fragment: every column of every table, in its order. (PostgreSQL's hash of an array does not know the dimensions, so
-- arrays count as types that it cannot hash. From 18 on, a NOT NULL may stand that old rows were never checked for.)
SELECT a.attrelid AS relation, a.attnum AS place, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS kind,
       EXISTS (
           SELECT
           FROM pg_opclass AS c
           JOIN pg_am AS m ON m.oid = c.opcmethod AND m.amname = 'hash'
           WHERE c.opcdefault
             AND c.opcintype IN (
                 base.oid,
                 CASE WHEN base.typtype = 'e' THEN 'anyenum'::regtype END,
                 CASE WHEN base.typname = 'varchar' THEN 'text'::regtype END
             )
       ) AS hashable,
       t.typname::text AS type_name, t.typcategory::text AS category, format_type(base.oid, NULL) AS base,
       ARRAY(SELECT e.enumlabel::text FROM pg_enum AS e WHERE e.enumtypid = base.oid ORDER BY e.enumsortorder) AS labels,
       a.attnotnull AS not_null,
       a.attnotnull AND NOT EXISTS (
           SELECT FROM pg_constraint AS n WHERE n.conrelid = a.attrelid AND n.contype = 'n' AND NOT n.convalidated AND n.conkey = ARRAY[a.attnum]
       ) AS never_null,
       a.attgenerated <> '' AS is_generated, a.attidentity::text AS identity, a.atthasdef AS has_default
FROM pg_attribute AS a
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS base ON base.oid = COALESCE(NULLIF(t.typbasetype, 0), t.oid)
WHERE a.attnum > 0
  AND NOT a.attisdropped

-- name: foreign_keys
-- Fragment: every foreign key, the columns on both sides in the same order. A partition has those of its table; what
-- the server makes of one for each partition of the table referred to is left out. It binds no row of a table that inherits.
SELECT f.conname::text AS name,
       f.conrelid AS child, quote_ident(cn.nspname) || '.' || quote_ident(cc.relname) AS child_name, key.own,
       f.confrelid AS parent, quote_ident(pn.nspname) || '.' || quote_ident(pc.relname) AS parent_name, key.of_parent, key.kinds,
       CASE f.confdeltype
           WHEN 'r' THEN 'RESTRICT' WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' ELSE 'NO ACTION'
       END AS on_delete,
       f.convalidated AS is_validated, f.condeferrable AS is_deferrable, pc.relkind = 'p' AS parent_is_partitioned,
       f.conparentid <> 0 AS is_inherited,
       cc.relkind = 'p' OR NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhparent = f.conrelid) AS binds_every_row
FROM pg_constraint AS f
JOIN pg_class AS cc ON cc.oid = f.conrelid
JOIN pg_namespace AS cn ON cn.oid = cc.relnamespace
JOIN pg_class AS pc ON pc.oid = f.confrelid
JOIN pg_namespace AS pn ON pn.oid = pc.relnamespace
CROSS JOIN LATERAL (
    SELECT array_agg(c.attname::text ORDER BY part.place) AS own,
           array_agg(p.attname::text ORDER BY part.place) AS of_parent,
           array_agg(format_type(p.atttypid, p.atttypmod) ORDER BY part.place) AS kinds
    FROM unnest(f.conkey, f.confkey) WITH ORDINALITY AS part (child, parent, place)
    JOIN pg_attribute AS c ON c.attrelid = f.conrelid AND c.attnum = part.child
    JOIN pg_attribute AS p ON p.attrelid = f.confrelid AND p.attnum = part.parent
) AS key
WHERE f.contype = 'f'
  AND (
      f.conparentid = 0
      OR NOT EXISTS (
          WITH RECURSIVE above AS (
              SELECT p.conparentid, p.confrelid FROM pg_constraint AS p WHERE p.oid = f.conparentid
              UNION ALL
              SELECT p.conparentid, p.confrelid FROM pg_constraint AS p JOIN above ON p.oid = above.conparentid
          )
          SELECT FROM above WHERE above.confrelid <> f.confrelid
      )
  )

-- name: unique_keys
-- Fragment: every unique index, a table's primary key among them, with the columns that it is made of in their order;
-- where it has expressions, they are not among these. NULLS NOT DISTINCT is known from 15 on.
SELECT i.indrelid AS relation, i.indexrelid AS index,
       ARRAY(
           SELECT a.attname::text
           FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS part (attnum, place)
           JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.attnum
           WHERE part.place <= i.indnkeyatts
           ORDER BY part.place
       ) AS columns,
       i.indisprimary AS is_primary, i.indisvalid AS is_valid, i.indpred IS NOT NULL AS is_partial,
       i.indexprs IS NOT NULL AS has_expressions, i.indnatts > i.indnkeyatts AS includes_others, NOT i.indimmediate AS is_deferrable,
       COALESCE((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_are_equal
FROM pg_index AS i
WHERE i.indisunique

-- name: columns_of_tables
-- The columns of these tables.
SELECT wanted.relation, c.name, c.kind, c.hashable, c.type_name, c.category, c.base, c.not_null, c.never_null,
       c.is_generated, c.identity, c.has_default, c.labels
FROM unnest(%(relations)s::text[]) AS wanted (relation)
JOIN ({columns}) AS c ON c.relation = to_regclass(wanted.relation)
ORDER BY wanted.relation, c.place

-- name: foreign_keys_of_tables
-- The foreign keys of these tables to those; of all, and to all, where none are named. A partition may have a key that its
-- table has not, and so may a table that inherits: it is the named table's then, once, and binds not every row of it.
WITH RECURSIVE named AS (
    SELECT DISTINCT c.oid, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
           c.oid = ANY(ARRAY(SELECT to_regclass(t)::oid FROM unnest(%(children)s::text[]) AS t)) AS refers,
           c.oid = ANY(ARRAY(SELECT to_regclass(t)::oid FROM unnest(%(parents)s::text[]) AS t)) AS is_referred_to
    FROM unnest(%(children)s::text[] || %(parents)s::text[]) AS t
    JOIN pg_class AS c ON c.oid = to_regclass(t)
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
), members AS (
    SELECT oid AS root, oid AS relation FROM named
    UNION
    SELECT m.root, i.inhrelid
    FROM members AS m
    JOIN pg_inherits AS i ON i.inhparent = m.relation
    WHERE i.inhrelid NOT IN (SELECT oid FROM named)
), ends AS (
    SELECT m.relation, m.relation = m.root AS is_direct, named.name, named.refers, named.is_referred_to
    FROM members AS m
    JOIN named ON named.oid = m.root
), found AS (
    SELECT COALESCE(child.name, f.child_name) AS child_name, f.own, COALESCE(parent.name, f.parent_name) AS parent_name, f.of_parent,
           f.name, f.kinds, f.on_delete, f.is_validated, f.is_deferrable, f.parent_is_partitioned, f.is_inherited,
           f.binds_every_row AND own.is_direct AS binds_every_row, own.is_direct
    FROM ({foreign_keys}) AS f
    LEFT JOIN ends AS child ON child.relation = f.child AND child.refers
    LEFT JOIN ends AS parent ON parent.relation = f.parent AND parent.is_referred_to
    CROSS JOIN LATERAL (SELECT COALESCE(child.is_direct, true) AND COALESCE(parent.is_direct, true) AS is_direct) AS own
    WHERE (%(children)s::text[] IS NULL OR child.refers)
      AND (%(parents)s::text[] IS NULL OR parent.is_referred_to)
      AND (own.is_direct OR NOT f.is_inherited)
)
SELECT child_name, own, parent_name, of_parent, name, kinds, on_delete, is_validated, is_deferrable, parent_is_partitioned,
       is_inherited, binds_every_row, NOT is_direct
FROM (
    SELECT DISTINCT ON (child_name, own, parent_name, of_parent, CASE WHEN is_direct THEN name END) *
    FROM found
    ORDER BY child_name, own, parent_name, of_parent, CASE WHEN is_direct THEN name END, is_validated, name
) AS found
WHERE is_direct
   OR NOT EXISTS (
       SELECT
       FROM found AS direct
       WHERE direct.is_direct
         AND (direct.child_name, direct.own, direct.parent_name, direct.of_parent) = (found.child_name, found.own, found.parent_name, found.of_parent)
   )
ORDER BY child_name, own, name

-- name: unique_keys_of_tables
-- The unique keys of these tables, the primary one of each first.
SELECT wanted.relation, k.columns, k.is_primary, k.is_valid, k.is_partial, k.has_expressions, k.includes_others, k.is_deferrable,
       k.nulls_are_equal,
       COALESCE((
           SELECT min(f.conrelid::regclass::text) FROM pg_constraint AS f WHERE f.contype = 'f' AND f.confrelid = k.relation AND f.conindid = k.index
       ), '')
FROM unnest(%(relations)s::text[]) AS wanted (relation)
JOIN ({unique_keys}) AS k ON k.relation = to_regclass(wanted.relation)
ORDER BY wanted.relation, NOT k.is_primary, k.index::regclass::text
