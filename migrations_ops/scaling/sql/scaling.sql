-- name: tables_to_scale
-- Every table of these schemas: whether it has the tenant column, the planner's estimate of its rows, its bytes.
SELECT format('%I.%I', n.nspname, c.relname),
       EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = {tenant} AND NOT a.attisdropped),
       greatest(c.reltuples, 0)::bigint,
       pg_total_relation_size(c.oid),
       c.relkind = 'p'
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
  AND c.relpersistence = 'p'
  AND NOT c.relispartition
  AND n.nspname = ANY({schemas}::text[])
ORDER BY 1

-- name: keys_to_scale
-- The indexes of these tables, the primary one first: whether it is a constraint's, primary, unique or excluding; its columns (none
-- where it is made of expressions), how it is defined.
SELECT format('%I.%I', n.nspname, c.relname), x.relname::text, k.oid IS NOT NULL, i.indisprimary, i.indisunique OR i.indisexclusion,
       CASE WHEN i.indexprs IS NULL THEN ARRAY(
           SELECT a.attname::text
           FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS part (attnum, place)
           JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.attnum
           WHERE part.place <= i.indnkeyatts
           ORDER BY part.place
       ) ELSE '{{}}' END,
       COALESCE(pg_get_constraintdef(k.oid), pg_get_indexdef(i.indexrelid))
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_class AS x ON x.oid = i.indexrelid
LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
WHERE i.indisvalid
  AND i.indrelid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
ORDER BY 1, i.indisprimary DESC, 2

-- name: references_to_scale
-- The foreign keys from or to these tables: both sides, and what it says beside them.
SELECT format('%I.%I', cn.nspname, cc.relname), f.conname::text, key.of, format('%I.%I', pn.nspname, pc.relname), key.to,
       substring(pg_get_constraintdef(f.oid) FROM 'REFERENCES [^(]*\([^)]*\)(.*)$')
FROM pg_constraint AS f
CROSS JOIN LATERAL (
    SELECT array_agg(c.attname::text ORDER BY place) AS of, array_agg(p.attname::text ORDER BY place) AS to
    FROM unnest(f.conkey, f.confkey) WITH ORDINALITY AS part (child, parent, place)
    JOIN pg_attribute AS c ON c.attrelid = f.conrelid AND c.attnum = part.child
    JOIN pg_attribute AS p ON p.attrelid = f.confrelid AND p.attnum = part.parent
) AS key
JOIN pg_class AS cc ON cc.oid = f.conrelid
JOIN pg_namespace AS cn ON cn.oid = cc.relnamespace
JOIN pg_class AS pc ON pc.oid = f.confrelid
JOIN pg_namespace AS pn ON pn.oid = pc.relnamespace
WHERE f.contype = 'f'
  AND f.conparentid = 0
  AND (f.conrelid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
       OR f.confrelid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t))
ORDER BY 1, 2

-- name: triggers_to_scale
-- The triggers of these tables, by name.
SELECT format('%I.%I', n.nspname, c.relname), array_agg(t.tgname::text ORDER BY t.tgname)
FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = t.tgrelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal
  AND t.tgrelid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
GROUP BY 1
ORDER BY 1

-- name: references_across
-- How many rows refer to a row of another tenant, or of none: the Platform's, mostly.
SELECT count(*)
FROM {child} AS c
JOIN {parent} AS t ON {same}
WHERE c.{tenant} IS DISTINCT FROM t.{tenant}

-- name: rows_of_tenants
-- Each tenant's rows of a table, the most first.
SELECT {tenant}::text, count(*) FROM {relation} GROUP BY 1 ORDER BY 2 DESC, 1

-- name: rows_of_nobody
-- How many rows of a table have no tenant.
SELECT count(*) FROM {relation} WHERE {tenant} IS NULL

-- name: columns_to_carry
-- The columns of a table that are written, not computed.
SELECT attname::text FROM pg_attribute
WHERE attrelid = to_regclass({named}) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum

-- name: grants_to_carry
-- Who may do what with a table or some of its columns, besides its owner.
SELECT CASE acl.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(acl.grantee)::text END, array_agg(acl.privilege ORDER BY acl.privilege), acl.is_grantable
FROM (
    SELECT c.relowner, may.grantee, may.is_grantable, may.privilege_type::text AS privilege
    FROM pg_class AS c
    CROSS JOIN LATERAL aclexplode(c.relacl) AS may
    WHERE c.oid = to_regclass({named})
    UNION ALL
    SELECT c.relowner, may.grantee, may.is_grantable, format('%s (%I)', may.privilege_type, a.attname)
    FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND NOT a.attisdropped
    CROSS JOIN LATERAL aclexplode(a.attacl) AS may
    WHERE c.oid = to_regclass({named})
) AS acl
WHERE acl.grantee <> acl.relowner
GROUP BY acl.grantee, acl.is_grantable
ORDER BY 1, 3

-- name: policies_to_carry
-- The policies of a table, as they were written.
SELECT polname::text, polpermissive,
       CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
       ARRAY(SELECT CASE role WHEN 0 THEN '' ELSE pg_get_userbyid(role)::text END FROM unnest(polroles) AS role),
       pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
FROM pg_policy
WHERE polrelid = to_regclass({named})
ORDER BY polname

-- name: security_to_carry
-- Whether policies are in force, and for the owner as well.
SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = to_regclass({named})

-- name: triggers_to_carry
-- How the triggers of a table were made: what comes before and after the table's name; its own name, and its state where that
-- is not the usual one.
SELECT split_part(made, place, 1), substr(made, strpos(made, place) + length(place)), tgname::text,
       CASE tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE '' END
FROM (
    SELECT t.tgname, t.tgenabled, pg_get_triggerdef(t.oid) AS made, format(' ON %I.%I ', n.nspname, c.relname) AS place
    FROM pg_trigger AS t
    JOIN pg_class AS c ON c.oid = t.tgrelid
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE t.tgrelid = to_regclass({named})
      AND NOT t.tgisinternal
) AS own
ORDER BY tgname

-- name: sequences_to_carry
-- The sequences that a table's columns draw their numbers from and that go with it: column, sequence, whether it is an identity's.
SELECT a.attname::text, format('%I.%I', n.nspname, s.relname), d.deptype = 'i'
FROM pg_depend AS d
JOIN pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_namespace AS n ON n.oid = s.relnamespace
JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_class'::regclass
  AND d.refclassid = 'pg_class'::regclass
  AND d.refobjid = to_regclass({named})
  AND d.deptype IN ('a', 'i')
ORDER BY a.attnum

-- name: views_to_carry
-- The views of these schemas that read a table: what they say of themselves, and how they are made.
SELECT format('%I.%I', n.nspname, v.relname), COALESCE(array_to_string(v.reloptions, ', '), ''), rtrim(pg_get_viewdef(v.oid), ';')
FROM pg_class AS v
JOIN pg_namespace AS n ON n.oid = v.relnamespace
WHERE v.relkind = 'v'
  AND n.nspname = ANY({schemas}::text[])
  AND EXISTS (
      SELECT
      FROM pg_rewrite AS r
      JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
      WHERE r.ev_class = v.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass({named})
  )
ORDER BY v.oid

-- name: bound_to_table
-- What else is bound to the table itself, whatever it is called: but for its own parts, foreign keys, and views of these schemas.
SELECT DISTINCT CASE
           WHEN v.relkind = 'm' THEN format('the materialized view %s', v.oid::regclass)
           WHEN v.relkind = 'v' THEN format('the view %s', v.oid::regclass)
           ELSE pg_describe_object(d.classid, d.objid, 0)
       END
FROM pg_class AS c
JOIN pg_type AS t ON t.oid = c.reltype
JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
                    OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray)
LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
LEFT JOIN pg_class AS v ON v.oid = r.ev_class
LEFT JOIN pg_namespace AS n ON n.oid = v.relnamespace
LEFT JOIN pg_policy AS p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
WHERE c.oid = to_regclass({named})
  AND (
      d.classid IN ('pg_proc'::regclass, 'pg_publication_rel'::regclass)
      OR p.polrelid <> c.oid
      OR r.ev_class <> c.oid AND NOT (v.relkind = 'v' AND n.nspname = ANY({schemas}::text[]))
      OR d.classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = d.objid AND i.inhparent = c.oid)
      OR d.refclassid = 'pg_type'::regclass AND d.classid = 'pg_class'::regclass AND d.objid <> c.oid
  )
ORDER BY 1

-- name: policies_citus_refuses
-- Of the policies of these tables: those that ask by a subquery, the restrictive ones, and how many tables have such.
SELECT count(*) FILTER (WHERE asks), count(*) FILTER (WHERE NOT polpermissive), count(DISTINCT polrelid)
FROM (
    SELECT polrelid, polpermissive, concat(polqual::text, polwithcheck::text) LIKE '%{{SUBLINK %' AS asks
    FROM pg_policy
    WHERE polrelid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
) AS policy
WHERE asks OR NOT polpermissive

-- name: make_copies_folder
-- Where empty copies are tried, in a transaction that is taken back.
CREATE SCHEMA {folder}

-- name: empty_copy
-- The table without its rows and indexes; those are made under their own names.
CREATE TABLE {copy} (LIKE {relation} INCLUDING ALL EXCLUDING INDEXES)
