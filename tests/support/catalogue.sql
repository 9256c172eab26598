-- What a dump leaves out or leaves to chance, one text a line: equal databases give equal lines. VITAL's own schema, and
-- the view that the guide reads, are left out.
WITH ours AS (
    SELECT format('%I.%I', n.nspname, c.relname) AS name, c.*
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN ('vital', 'pg_catalog', 'information_schema', 'pg_toast')
      AND n.nspname NOT LIKE 'pg\_temp%'
      AND (n.nspname, c.relname) <> ('public', 'migration_tracking')
)
SELECT concat_ws(' | ', part, name, fact)
FROM (
    SELECT 'relation', name, format('%s owner %s replica %s security %s/%s options %s space %s persistence %s type %s', relkind,
           pg_get_userbyid(relowner), relreplident, relrowsecurity, relforcerowsecurity, reloptions, reltablespace,
           relpersistence, reloftype::regtype)
    FROM ours
    UNION ALL
    SELECT 'grant on', o.name, format('%s to %s by %s, passed on %s', acl.privilege_type, CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(acl.grantee) END,
           pg_get_userbyid(acl.grantor), acl.is_grantable)
    FROM ours AS o
    CROSS JOIN LATERAL aclexplode(COALESCE(o.relacl, acldefault(CASE o.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", o.relowner))) AS acl
    UNION ALL
    SELECT 'grant on column', format('%s.%I', o.name, a.attname), format('%s to %s by %s, passed on %s', acl.privilege_type,
           CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(acl.grantee) END, pg_get_userbyid(acl.grantor), acl.is_grantable)
    FROM ours AS o
    JOIN pg_attribute AS a ON a.attrelid = o.oid AND NOT a.attisdropped
    CROSS JOIN LATERAL aclexplode(a.attacl) AS acl
    UNION ALL
    SELECT 'grant on schema', n.nspname, format('%s to %s by %s, passed on %s', acl.privilege_type,
           CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(acl.grantee) END, pg_get_userbyid(acl.grantor), acl.is_grantable)
    FROM pg_namespace AS n
    CROSS JOIN LATERAL aclexplode(COALESCE(n.nspacl, acldefault('n', n.nspowner))) AS acl
    WHERE n.nspname <> 'vital'
    UNION ALL
    SELECT 'grant on function', p.oid::regprocedure::text, p.proacl::text
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname NOT IN ('vital', 'pg_catalog', 'information_schema')
    UNION ALL
    SELECT 'default grant', d.defaclnamespace::regnamespace::text, concat(pg_get_userbyid(d.defaclrole), d.defaclobjtype, d.defaclacl)
    FROM pg_default_acl AS d
    UNION ALL
    SELECT 'column', format('%s.%I', o.name, a.attname), format('%s not null %s statistics %s options %s storage %s compression %s local %s/%s identity %s generated %s',
           format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attstattarget, a.attoptions, a.attstorage, a.attcompression, a.attislocal, a.attinhcount,
           a.attidentity, a.attgenerated)
    FROM ours AS o
    JOIN pg_attribute AS a ON a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 'constraint', format('%s.%I', o.name, k.conname), format('%s valid %s local %s/%s inherits %s', pg_get_constraintdef(k.oid), k.convalidated,
           k.conislocal, k.coninhcount, NOT k.connoinherit)
    FROM ours AS o
    JOIN pg_constraint AS k ON k.conrelid = o.oid
    UNION ALL
    SELECT 'index', o.name, format('%s valid %s replica %s clustered %s', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisreplident, i.indisclustered)
    FROM ours AS o
    JOIN pg_index AS i ON i.indexrelid = o.oid
    UNION ALL
    SELECT 'trigger', format('%s.%I', o.name, g.tgname), format('%s state %s', pg_get_triggerdef(g.oid), g.tgenabled)
    FROM ours AS o
    JOIN pg_trigger AS g ON g.tgrelid = o.oid AND NOT g.tgisinternal
    UNION ALL
    SELECT 'rule', format('%s.%I', o.name, r.rulename), format('%s state %s', pg_get_ruledef(r.oid), r.ev_enabled)
    FROM ours AS o
    JOIN pg_rewrite AS r ON r.ev_class = o.oid
    UNION ALL
    SELECT 'policy', format('%s.%I', o.name, p.polname), format('%s %s %s %s %s', p.polcmd, p.polpermissive, p.polroles::regrole[],
           pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
    FROM ours AS o
    JOIN pg_policy AS p ON p.polrelid = o.oid
    UNION ALL
    SELECT 'comment on', what.identity, d.description
    FROM pg_description AS d
    CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS what
    WHERE d.objoid >= 16384
      AND what.schema IS DISTINCT FROM 'vital'
      AND what.identity NOT LIKE '%migration_tracking%'
      AND what.identity <> 'vital'
      AND what.identity NOT LIKE '% on vital.%'
    UNION ALL
    SELECT 'depends on extension', what.identity, e.extname
    FROM pg_depend AS d
    JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid
    CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS what
    WHERE d.deptype = 'x'
    UNION ALL
    SELECT 'publication', p.pubname, format('%s %s', pr.prrelid::regclass, to_jsonb(pr) - 'oid' - 'prpubid' - 'prrelid')
    FROM pg_publication AS p
    LEFT JOIN pg_publication_rel AS pr ON pr.prpubid = p.oid
    UNION ALL
    SELECT 'inherits', inhrelid::regclass::text, format('%s %s', inhparent::regclass, inhseqno)
    FROM pg_inherits
    UNION ALL
    SELECT 'statistics', s.stxname::text, pg_get_statisticsobjdef(s.oid)
    FROM pg_statistic_ext AS s
    UNION ALL
    SELECT 'function', p.oid::regprocedure::text, md5(p.prosrc)
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname NOT IN ('vital', 'pg_catalog', 'information_schema')
    UNION ALL
    SELECT 'sequence', q.schemaname || '.' || q.sequencename, to_jsonb(q)::text
    FROM pg_sequences AS q
    WHERE q.schemaname <> 'vital'
    UNION ALL
    SELECT 'settings', COALESCE(d.datname, ''), format('%s %s', s.setrole, s.setconfig)
    FROM pg_db_role_setting AS s
    LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
    WHERE d.datname = current_database()
    UNION ALL
    SELECT 'database', '', format('%s to %s by %s, passed on %s', acl.privilege_type,
           CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(acl.grantee) END, pg_get_userbyid(acl.grantor), acl.is_grantable)
    FROM pg_database AS d
    CROSS JOIN LATERAL aclexplode(COALESCE(d.datacl, acldefault('d', d.datdba))) AS acl
    WHERE d.datname = current_database()
) AS found (part, name, fact)
ORDER BY 1
