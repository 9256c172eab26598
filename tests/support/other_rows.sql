-- Sites, and rows whose site only other rows know.
CREATE TABLE sites (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE folders (id int PRIMARY KEY, name text, site_id bigint REFERENCES sites, above int REFERENCES folders);
CREATE TABLE devices (id uuid PRIMARY KEY, site_id bigint NOT NULL REFERENCES sites);
CREATE TABLE memberships (id serial PRIMARY KEY, person_id int NOT NULL, site_id bigint NOT NULL REFERENCES sites);
CREATE TABLE people (id int PRIMARY KEY, name text);
CREATE TABLE notes (id int PRIMARY KEY, about_type text NOT NULL, about_id text NOT NULL, body text);
CREATE TABLE reports (id int PRIMARY KEY, sites bigint[], facts jsonb);
CREATE INDEX ON memberships (person_id);
INSERT INTO sites VALUES (1, 'Digital Health'), (2, 'Pharma');
INSERT INTO folders VALUES (1, 'clinic', 1, NULL), (2, 'trials', 2, NULL),
    (3, 'apps', NULL, 1), (4, 'phase 2', NULL, 2), (5, 'site 7', NULL, 4), (6, 'shared by clinic', 1, 4), (7, 'below that', NULL, 6), (8, 'nobody''s', NULL, NULL);
INSERT INTO folders VALUES (9, 'round', NULL, NULL), (10, 'and round', NULL, 9), (11, 'beside', NULL, 10);
UPDATE folders SET above = 10 WHERE id = 9;
INSERT INTO devices VALUES ('00000000-0000-4000-8000-000000000001', 1), ('00000000-0000-4000-8000-000000000002', 2);
INSERT INTO people SELECT n, 'person ' || n FROM generate_series(1, 5) AS n;
INSERT INTO memberships (person_id, site_id) VALUES (1, 1), (2, 2), (3, 2), (3, 2), (3, 2), (3, 1), (4, 1), (4, 2);
INSERT INTO notes VALUES (1, 'Device', '00000000-0000-4000-8000-000000000001', ''), (2, 'Folder', '5', ''),
    (3, 'Folder', 'five', ''), (4, 'Device', '5', ''), (5, 'Invoice', '1', '');
INSERT INTO reports VALUES (1, '{1,1}', '{}'), (2, '{2}', '{"site": 1}'), (3, '{1,2}', '{"site": "2"}'), (4, NULL, '[]');
