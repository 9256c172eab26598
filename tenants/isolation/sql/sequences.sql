-- name: sequences_drawn
-- The sequences of others that a row which is planted in the table, or in one that it refers to, may draw from: by a trigger, a
-- rule or a function of a default, by what these call, and by the tables that they write. The keys of planted rows are given,
-- so the table's own sequences are not among them. With each, its increment, and whether its owner is at work.
WITH RECURSIVE planted AS (
    SELECT to_regclass({name})::oid AS oid
    UNION
    SELECT f.confrelid FROM pg_constraint AS f JOIN planted ON f.conrelid = planted.oid WHERE f.contype = 'f'
), reached (kind, oid) AS (
    SELECT 'planted', oid FROM planted
    UNION
    SELECT other.kind, other.oid
    FROM reached AS r
    CROSS JOIN LATERAL (
        SELECT CASE r.kind
                   WHEN 'function' THEN (
                       SELECT regexp_replace(COALESCE(NULLIF(p.prosrc, ''), pg_get_function_sqlbody(p.oid)), '--[^\n]*|/\*.*?\*/', '', 'g')
                       FROM pg_proc AS p WHERE p.oid = r.oid
                   )
                   WHEN 'rule' THEN pg_get_ruledef(r.oid)
                   WHEN 'default' THEN (SELECT pg_get_expr(a.adbin, a.adrelid) FROM pg_attrdef AS a WHERE a.oid = r.oid)
               END AS text
    ) AS source
    CROSS JOIN LATERAL (
        SELECT 'function' AS kind, g.tgfoid AS oid
        FROM pg_trigger AS g
        WHERE r.kind IN ('planted', 'written') AND g.tgrelid = r.oid AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
        UNION ALL
        SELECT 'rule', w.oid FROM pg_rewrite AS w
        WHERE r.kind IN ('planted', 'written') AND w.ev_class = r.oid AND w.ev_type <> '1'
        UNION ALL
        SELECT 'default', a.oid FROM pg_attrdef AS a
        WHERE r.kind IN ('planted', 'written') AND a.adrelid = r.oid
        UNION ALL
        SELECT 'sequence', d.objid FROM pg_depend AS d
        WHERE r.kind = 'written' AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid
        UNION ALL
        SELECT 'sequence', d.refobjid
        FROM pg_attrdef AS a
        JOIN pg_depend AS d ON d.classid = 'pg_attrdef'::regclass AND d.objid = a.oid AND d.refclassid = 'pg_class'::regclass
        WHERE r.kind = 'written' AND a.adrelid = r.oid
        UNION ALL
        SELECT 'function', q.oid
        FROM regexp_matches(source.text, '([\w$]+)"?\s*\(', 'g') AS call (words)
        JOIN pg_proc AS q ON q.proname IN (words[1], lower(words[1])) AND q.prorettype <> 'trigger'::regtype
        UNION ALL
        SELECT 'written', c.oid
        FROM regexp_matches(
            source.text, '\m(?:insert\s+into|update(?:\s+only)?|delete\s+from(?:\s+only)?|merge\s+into)\s+(?:[\w$"]+\.)?"?([\w$]+)', 'gi'
        ) AS match (words)
        JOIN pg_class AS c ON c.relname IN (words[1], lower(words[1])) AND c.relkind IN ('r', 'p', 'v', 'f')
        UNION ALL
        SELECT 'sequence', c.oid
        FROM regexp_matches(source.text, '[\w$]+', 'g') AS match (words)
        JOIN pg_class AS c ON c.relname IN (words[1], lower(words[1])) AND c.relkind = 'S'
        WHERE r.kind <> 'default' OR source.text ~ '::text'
    ) AS other
    WHERE NOT EXISTS (
        SELECT FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE other.kind = 'function' AND p.oid = other.oid AND n.nspname IN ('pg_catalog', 'information_schema', 'vital')
    )
)
SELECT format('%I.%I', n.nspname, c.relname), s.seqincrement
FROM (SELECT DISTINCT oid FROM reached WHERE kind = 'sequence') AS r
JOIN pg_class AS c ON c.oid = r.oid AND c.relkind = 'S'
JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname <> 'vital'
JOIN pg_sequence AS s ON s.seqrelid = c.oid
WHERE pg_has_role(session_user, c.relowner, 'USAGE')
ORDER BY 1

-- name: increment_of
-- The increment of a sequence, where it may be altered.
SELECT s.seqincrement FROM pg_sequence AS s JOIN pg_class AS c ON c.oid = s.seqrelid
WHERE s.seqrelid = to_regclass({name}) AND pg_has_role(session_user, c.relowner, 'USAGE')

-- name: hold_sequence
-- It stays as it is, in a new file of this transaction's own: what is drawn from now on is forgotten as the transaction is
-- rolled back. Others who draw wait until then.
ALTER SEQUENCE {relation} INCREMENT BY {increment}

-- name: wait_hardly
-- Others who draw from a sequence queue behind whoever waits for it.
SELECT set_config('lock_timeout', '100ms', true)

-- name: somebody_waits
-- Whether others wait for what this transaction holds of a sequence.
SELECT EXISTS (
    SELECT
    FROM pg_locks AS w
    JOIN pg_class AS c ON c.oid = w.relation AND c.relkind = 'S'
    JOIN pg_locks AS h ON h.locktype = 'relation' AND h.database = w.database AND h.relation = w.relation AND h.pid = pg_backend_pid()
    WHERE w.locktype = 'relation'
      AND NOT w.granted
      AND w.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
)

-- name: drawn_from
-- The sequences of others from which this transaction has drawn: their locks stay until its end, also where a subtransaction
-- was rolled back.
SELECT DISTINCT format('%I.%I', n.nspname, c.relname)
FROM pg_locks AS l
JOIN pg_class AS c ON c.oid = l.relation AND c.relkind = 'S'
JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname <> 'vital'
WHERE l.pid = pg_backend_pid()
  AND l.locktype = 'relation'
  AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
  AND l.mode = 'RowExclusiveLock'
