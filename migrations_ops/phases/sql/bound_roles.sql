-- name: roles_that_cannot_be_bound
-- A role that is not there, that no policy binds, or whose rights the tables' owner has: policies for it would hide rows from
-- VITAL's own work.
SELECT '', '', CASE
           WHEN r.oid IS NULL THEN format('the role %s of [[bind]] is not there. Create it, or take the [[bind]] out of the plan', wanted.role)
           WHEN r.rolsuper OR r.rolbypassrls THEN format('no policy binds %s, which is %s. Take its [[bind]] out of the plan', wanted.role,
                                                         CASE WHEN r.rolsuper THEN 'a superuser' ELSE 'allowed to bypass row level security' END)
           ELSE format('%s, who owns %s, has the rights of %s, so that its policies would hide rows from VITAL''s own work. %s', o.rolname, owned.oid::regclass, wanted.role,
                       CASE WHEN current_setting('server_version_num')::int >= 160000 THEN format('GRANT %I TO %I WITH INHERIT FALSE', wanted.role, o.rolname)
                            ELSE format('REVOKE %I FROM %I, or ALTER ROLE %I NOINHERIT', wanted.role, o.rolname, o.rolname) END)
       END
FROM unnest({roles}::text[]) AS wanted (role)
LEFT JOIN pg_roles AS r ON r.rolname = wanted.role
LEFT JOIN LATERAL (
    SELECT min(c.oid::oid) AS oid, c.relowner
    FROM pg_class AS c
    WHERE c.oid = ANY(SELECT to_regclass(t) FROM unnest({tables}::text[]) AS t)
      AND pg_has_role(c.relowner, r.oid, 'USAGE')
    GROUP BY c.relowner
) AS owned ON true
LEFT JOIN pg_roles AS o ON o.oid = owned.relowner AND NOT o.rolsuper AND NOT o.rolbypassrls
WHERE r.oid IS NULL OR r.rolsuper OR r.rolbypassrls OR o.oid IS NOT NULL

-- name: create_tenant_function
-- Called once in a statement, by the policies of a bound role. Its owner reads who is a tenant, which the caller may not.
CREATE OR REPLACE FUNCTION {function}() RETURNS uuid LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS {body}

-- name: open_function
-- Policies are carried out with the rights of who asks.
GRANT EXECUTE ON FUNCTION {function}() TO {role}

-- name: built_on_function
-- Policies of others, such as those for files, that ask the function whose request it is.
SELECT '', '', format('%s asks %s, which the undo drops. Drop it first: DROP POLICY %I ON %s', pg_describe_object(d.classid, d.objid, 0), {signature}, p.polname, p.polrelid::regclass)
FROM pg_depend AS d
JOIN pg_policy AS p ON p.oid = d.objid
WHERE d.classid = 'pg_policy'::regclass
  AND d.refclassid = 'pg_proc'::regclass
  AND d.refobjid = to_regprocedure({signature})
  AND NOT starts_with(p.polname, 'vital_bound_')

-- name: drop_tenant_function
-- The function was ours.
DROP FUNCTION IF EXISTS {function}()

-- name: drop_unused_function
-- The same, once no trigger calls it.
DO $unused$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgfoid = to_regprocedure({signature})) THEN
        EXECUTE 'DROP FUNCTION IF EXISTS ' || {signature};
    END IF;
END
$unused$

-- name: family_but_planned
-- The table, its partitions and heirs; one that the plan names has policies of its own.
SELECT oid FROM ({heirs}) AS heir WHERE oid = to_regclass({name}) OR oid <> ALL(SELECT to_regclass(t)::oid FROM unnest({planned}::text[]) AS t WHERE to_regclass(t) IS NOT NULL)

-- name: take_rights
-- What a bound role was granted on the table by its owner and is not to have beside policies. Partitions and heirs are read
-- through the table.
DO $rights$
DECLARE
    taken record;
BEGIN
    FOR taken IN
        SELECT h.kind, h.object, h.part, h.privilege
        FROM ({held_by_roles}) AS h
        JOIN pg_class AS c ON c.oid = to_regclass(h.object)
        WHERE h.kind = 'TABLE'
          AND h.role = {role}
          AND h.giver = pg_get_userbyid(c.relowner)
          AND (c.oid <> to_regclass({name}) OR h.privilege <> ALL({allowed}::text[]))
    LOOP
        EXECUTE format('REVOKE %s%s ON %s %s FROM %I CASCADE', taken.privilege, ' (' || NULLIF(taken.part, '') || ')', taken.kind, taken.object, {role});
    END LOOP;
END
$rights$

-- name: create_writer
-- Before the trigger that goes by the plan's rules. A function that works as its owner is no caller, and stays as it was.
CREATE OR REPLACE TRIGGER {trigger} BEFORE INSERT ON {relation} FOR EACH ROW WHEN {condition} EXECUTE FUNCTION {function}()

-- name: drop_writer
-- Rows written from now on are the plan's rules' again.
DROP TRIGGER IF EXISTS {trigger} ON {relation}
