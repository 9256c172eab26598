-- name: wait_briefly
-- Nobody is to queue behind a rehearsal.
SELECT set_config('lock_timeout', '5s', true)

-- name: become_tenant_for_now
-- The owner is no member of vital_tenant, or its restrictive policies would bind it: only inside this transaction.
-- Where a DBA made it one that inherits nothing, it is left so.
DO $join$
BEGIN
    IF current_setting('server_version_num')::int >= 160000 THEN
        IF NOT pg_has_role('vital_tenant', 'SET') THEN
            EXECUTE 'GRANT vital_tenant TO CURRENT_USER WITH INHERIT FALSE, SET TRUE';
        END IF;
    ELSIF NOT pg_has_role('vital_tenant', 'MEMBER') THEN
        EXECUTE 'GRANT vital_tenant TO CURRENT_USER';
    END IF;
END
$join$

-- name: be_nobody
-- The restricted role with no tenant set.
SELECT set_config('role', 'vital_tenant', true), set_config('vital.tenant_id', '', true)

-- name: be_tenant
-- The restricted role with this tenant set.
SELECT set_config('role', 'vital_tenant', true), set_config('vital.tenant_id', {tenant}, true)

-- name: be_operator
-- Back to the role that sees everything.
SELECT set_config('role', 'vital_operator', true)

-- name: every_tenant
-- Everybody the fence is to keep apart.
SELECT id::text, name FROM {relation} ORDER BY name

-- name: rows_per_tenant
-- What each tenant owns, as the operator sees it.
SELECT t.{column}::text, count(*) FROM {relation} AS t GROUP BY 1

-- name: visible_rows
-- What the current tenant is shown, by owner.
SELECT COALESCE(t.{column}::text, 'nobody'), count(*) FROM {relation} AS t GROUP BY 1

-- name: touch_rows_of
-- Try to write another's rows without changing them; policies make it 0 rows.
WITH touched AS (UPDATE {relation} AS t SET {column} = t.{column} WHERE t.{column} = {owner}::uuid RETURNING 1)
SELECT count(*) FROM touched

-- name: delete_rows_of
-- Try to delete another's rows; the transaction is rolled back in any case.
WITH deleted AS (DELETE FROM {relation} AS t WHERE t.{column} = {owner}::uuid RETURNING 1)
SELECT count(*) FROM deleted
