-- name: batch_settings
-- A batch is joined with itself by the places of its rows, and the planner takes them for a few: without hash joins it
-- would compare each with each (measured: 46 s for one batch), with little memory it would write them to files.
SELECT set_config('enable_nestloop', 'off', true), set_config('work_mem', '64MB', true)
