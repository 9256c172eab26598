-- name: session_settings
-- Each of these settings that this server knows, that is another now and that we may set, from here on in this session; and
-- who said so before. (The server may ask for a setting's value before it has looked whether it knows it.)
SELECT set_config(wanted.name, wanted.value, false), wanted.name, s.source
FROM unnest({names}::text[], {values}::text[]) AS wanted (name, value)
JOIN pg_settings AS s ON lower(s.name) = lower(wanted.name)
WHERE current_setting(wanted.name, true) <> wanted.value
  AND (s.context = 'user' OR current_setting('is_superuser')::boolean)

-- name: settings_otherwise
-- Which of these settings are another here.
SELECT wanted.name FROM unnest({names}::text[], {values}::text[]) AS wanted (name, value) WHERE current_setting(wanted.name) <> wanted.value

-- name: set_in_transaction
-- Part of a SELECT: until the transaction ends.
set_config({name}, {value}, true)

-- name: session_settings_on_cluster
-- For a session of one's own.
SELECT {settings}

-- name: set_in_session
-- Part of a SELECT: until the session ends.
set_config({name}, {value}, false)

-- name: set_in_function
-- Part of a function's definition: while it runs.
SET {name} = {value}
