-- name: who_is_at_work
-- Whether somebody carries a run out in this database just now, and how many help.
SELECT count(*) FILTER (WHERE l.objid = %(run)s) > 0, count(*) FILTER (WHERE l.objid = %(worker)s)
FROM pg_locks AS l
WHERE l.locktype = 'advisory'
  AND l.classid = %(space)s
  AND l.granted
  AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
