-- name: begin_as
-- A transaction, and who it is: nothing of this outlives it, and no statement can come in between.
BEGIN ISOLATION LEVEL READ COMMITTED, {access};
SELECT set_config('role', {role}, true), set_config('vital.tenant_id', {tenant}, true), set_config('search_path', {path}, true),
       {settings}, set_config('statement_timeout', {timeout}, true),
       set_config('lock_timeout', {timeout}, true), set_config('idle_in_transaction_session_timeout', '60s', true)
