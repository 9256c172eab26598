-- What PostgreSQL knows, for the market's tables. A `version` is the first server that has it; of those with one `instead`
-- there can be one; a `plan` is a table that the plan lets everybody read; what is `refused` is so by 000, in these words,
-- and before later questions where that is a `gate`.
-- {owner}, {giver}, {reader} and {team} are roles.

-- oddity: a domain that is NOT NULL
CREATE DOMAIN flag AS boolean NOT NULL;
ALTER TABLE orders ADD paid flag DEFAULT true;
ALTER TABLE stores ADD open flag DEFAULT true;
ALTER TABLE visits ADD seen flag DEFAULT true;

-- oddity: a domain with a check that old rows break
CREATE DOMAIN tag AS text;
ALTER TABLE items ADD tag tag DEFAULT '';
ALTER DOMAIN tag ADD CONSTRAINT filled CHECK (VALUE <> '') NOT VALID;

-- oddity: a domain with a default
CREATE DOMAIN pieces AS integer DEFAULT 7 CHECK (VALUE > 0);
ALTER TABLE items ADD pieces pieces;
COMMENT ON DOMAIN pieces IS 'how many';

-- oddity: a domain over a domain
CREATE DOMAIN inner_d AS text NOT NULL DEFAULT 'x';
CREATE DOMAIN outer_d AS inner_d CHECK (length(VALUE) < 5);
ALTER TABLE visits ADD o outer_d;

-- oddity: a generated column
ALTER TABLE orders ADD loud text GENERATED ALWAYS AS (upper(note)) STORED;

-- oddity: a generated column of a partitioned table
ALTER TABLE visits ADD loud text GENERATED ALWAYS AS (upper(note)) STORED;

-- oddity: a column that is computed when read
-- version: 18
ALTER TABLE orders ADD low text GENERATED ALWAYS AS (lower(note)) VIRTUAL;

-- oddity: columns that are gone
ALTER TABLE orders ADD gone integer DEFAULT 1;
ALTER TABLE orders DROP COLUMN gone;
ALTER TABLE visits ADD gone integer;
ALTER TABLE visits DROP COLUMN gone;

-- oddity: identities that have gone on
ALTER TABLE orders ALTER id SET GENERATED ALWAYS SET INCREMENT BY 7 RESTART WITH 500;
SELECT setval('items_id_seq', 77, false);

-- oddity: storage of columns
ALTER TABLE orders ALTER note SET STORAGE EXTERNAL, ALTER note SET STATISTICS 321, ALTER amount SET (n_distinct = 5);

-- oddity: a composite column
CREATE TYPE pair AS (x integer, y text);
ALTER TABLE items ADD pair pair DEFAULT ROW(1, 'b');

-- oddity: a column of a table's row type
CREATE TABLE kept (id integer, was orders);

-- oddity: a partial index
CREATE INDEX of_notes ON orders (note) WHERE amount > 0;

-- oddity: an index of expressions
CREATE INDEX loud_notes ON orders (upper(note), (amount + 1));
ALTER INDEX loud_notes ALTER COLUMN 2 SET STATISTICS 99;

-- oddity: an index that carries columns
CREATE UNIQUE INDEX carrying ON items (code) INCLUDE (note);

-- oddity: NULLs that are equal
-- version: 15
CREATE UNIQUE INDEX equal_nulls ON items (code, note) NULLS NOT DISTINCT;

-- oddity: an index of a partitioned table
CREATE INDEX of_visits ON visits (note);
COMMENT ON INDEX of_visits IS 'of all';
CREATE INDEX of_low ON visits_low (store_id);

-- oddity: a hash index, a gin index, an exclusion
CREATE INDEX h ON orders USING hash (note);
CREATE INDEX g ON orders USING gin (to_tsvector('simple', note));
ALTER TABLE orders ADD CONSTRAINT apart EXCLUDE USING btree (id WITH =);

-- oddity: options of a key
ALTER INDEX orders_sku_key SET (fillfactor = 70);
ALTER INDEX items_code SET (fillfactor = 71, deduplicate_items = off);

-- oddity: comments on keys
COMMENT ON CONSTRAINT orders_sku_key ON orders IS 'one each';
COMMENT ON INDEX orders_sku_key IS 'its index';
COMMENT ON INDEX items_code IS 'by code';

-- oddity: a table clustered by a key
ALTER TABLE orders CLUSTER ON orders_sku_key;

-- oddity: a key of another order
-- instead: items_code
DROP INDEX items_code;
CREATE UNIQUE INDEX items_code ON items (code DESC NULLS LAST);

-- oddity: a key of another collation
-- instead: items_code
DROP INDEX items_code;
CREATE UNIQUE INDEX items_code ON items (code COLLATE "C" text_pattern_ops);

-- oddity: a key that is a deferrable constraint
-- instead: orders_sku_key
ALTER TABLE orders DROP CONSTRAINT orders_sku_key, ADD CONSTRAINT orders_sku_key UNIQUE (sku) DEFERRABLE INITIALLY DEFERRED;

-- oddity: a key where NULLs are equal
-- version: 15
-- instead: orders_sku_key
ALTER TABLE orders DROP CONSTRAINT orders_sku_key, ADD CONSTRAINT orders_sku_key UNIQUE NULLS NOT DISTINCT (sku);

-- oddity: a key for some rows
-- instead: items_code
DROP INDEX items_code;
CREATE UNIQUE INDEX items_code ON items (code) WHERE note IS NOT NULL;

-- oddity: two keys of the same columns
CREATE UNIQUE INDEX items_code_2 ON items (code) WHERE id > 3;
ALTER TABLE items ADD CONSTRAINT items_code_3 UNIQUE (code);

-- oddity: extended statistics
CREATE STATISTICS notes ON note, amount FROM orders;
ALTER STATISTICS notes SET STATISTICS 55;

-- oddity: a key's index that an extension needs
ALTER INDEX items_code DEPENDS ON EXTENSION plpgsql;

-- oddity: a trigger before updates
CREATE TRIGGER stamped BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stamp();
COMMENT ON TRIGGER stamped ON orders IS 'says so';

-- oddity: a trigger with a condition
CREATE TRIGGER "When 100% {x}" BEFORE INSERT OR UPDATE OF note, amount ON orders FOR EACH ROW WHEN (NEW.note <> ') EXECUTE FUNCTION (' AND (NEW.amount > 0)) EXECUTE FUNCTION stamp('a', '');

-- oddity: a trigger that fires always
CREATE TRIGGER always BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE items ENABLE ALWAYS TRIGGER always;

-- oddity: a trigger of replicas
CREATE TRIGGER replica BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE items ENABLE REPLICA TRIGGER replica;

-- oddity: a trigger that is off
CREATE TRIGGER off BEFORE UPDATE ON items FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE items DISABLE TRIGGER off;

-- oddity: a constraint trigger
CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.amount < 0) EXECUTE FUNCTION silent();

-- oddity: a trigger for whole statements
CREATE TRIGGER whole AFTER UPDATE ON orders REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION silent();

-- oddity: a trigger of a partitioned table
CREATE TRIGGER stamped_v BEFORE UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION stamp();

-- oddity: a trigger that is off in a partition
CREATE TRIGGER stamped_p BEFORE UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE visits_low DISABLE TRIGGER stamped_p;
ALTER TABLE visits_high ENABLE ALWAYS TRIGGER stamped_p;

-- oddity: a trigger of a partition alone
CREATE TRIGGER stamped_low BEFORE UPDATE ON visits_low FOR EACH ROW EXECUTE FUNCTION stamp();

-- oddity: a trigger that an extension needs
CREATE TRIGGER ext BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TRIGGER ext ON orders DEPENDS ON EXTENSION plpgsql;

-- oddity: a counter in another table
ALTER TABLE stores ADD changes bigint NOT NULL DEFAULT 0;
CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE public.stores SET changes = changes + 1; RETURN NULL; END $$;
CREATE TRIGGER counted AFTER INSERT OR UPDATE ON orders FOR EACH ROW WHEN (NEW.note <> ') EXECUTE FUNCTION (') EXECUTE FUNCTION counted('x', ' FOR EACH ROW');
COMMENT ON TRIGGER counted ON orders IS 'changes of orders';
CREATE TRIGGER counted_all AFTER UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION counted();
ALTER TABLE visits_low ENABLE ALWAYS TRIGGER counted_all;

-- oddity: a counter of statements in another table
ALTER TABLE orders ADD touched bigint;
CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE orders AS o SET touched = COALESCE(touched, 0) + 1 FROM n WHERE n.order_id = o.id; RETURN NULL; END $$;
CREATE TRIGGER told AFTER UPDATE ON items REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION told();
ALTER TABLE items ENABLE ALWAYS TRIGGER told;
CREATE TRIGGER told_before BEFORE UPDATE ON items FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION told();
ALTER TABLE items DISABLE TRIGGER told_before;

-- oddity: a counter behind a constraint trigger
ALTER TABLE stores ADD moved bigint NOT NULL DEFAULT 0;
CREATE FUNCTION moves(which bigint) RETURNS void LANGUAGE sql AS 'UPDATE public.stores SET moved = moved + 1 WHERE id = which';
CREATE FUNCTION moving() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM moves(NEW.store_id); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER moving AFTER INSERT OR UPDATE ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.note <> ') EXECUTE FUNCTION (') EXECUTE FUNCTION moving();
COMMENT ON TRIGGER moving ON orders IS 'moves of orders';
COMMENT ON CONSTRAINT moving ON orders IS 'its constraint';
CREATE CONSTRAINT TRIGGER moving AFTER UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION moving();
ALTER TABLE visits_low ENABLE ALWAYS TRIGGER moving;
ALTER TRIGGER moving ON orders DEPENDS ON EXTENSION plpgsql;

-- oddity: a counter in a table that is named as it runs
ALTER TABLE stores ADD seen bigint NOT NULL DEFAULT 0;
CREATE FUNCTION seeing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('UPDATE %I SET seen = seen + 1', TG_ARGV[0]); RETURN NULL; END $$;
CREATE TRIGGER seeing AFTER UPDATE ON items FOR EACH ROW EXECUTE FUNCTION seeing('stores');

-- oddity: a counter behind another table's trigger
ALTER TABLE stores ADD logged bigint NOT NULL DEFAULT 0;
CREATE TABLE queue (line text);
CREATE FUNCTION queueing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO queue VALUES (NEW.note); RETURN NULL; END $$;
CREATE FUNCTION queued() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE stores SET logged = logged + 1; RETURN NULL; END $$;
CREATE TRIGGER queued AFTER INSERT ON queue FOR EACH ROW EXECUTE FUNCTION queued();
CREATE TRIGGER queueing AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION queueing();

-- oddity: names without a schema
CREATE SCHEMA elsewhere;
GRANT USAGE ON SCHEMA elsewhere TO PUBLIC;
CREATE FUNCTION elsewhere.is_known(code text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION elsewhere.is_good(code text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN is_known(code); END $$;
CREATE FUNCTION elsewhere.looking() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM is_known(NEW.note); RETURN NULL; END $$;
CREATE FUNCTION elsewhere.pg_current_xact_id() RETURNS xid8 LANGUAGE plpgsql AS $$ BEGIN RAISE 'not the server''s own'; END $$;
DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = elsewhere, public, pg_catalog', current_database()); END $$;
SET search_path = elsewhere, public;
ALTER TABLE items ADD CONSTRAINT good CHECK (is_good(code));
CREATE TRIGGER looking AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION looking();
RESET search_path;

-- oddity: a foreign key's triggers that are off
ALTER TABLE items DISABLE TRIGGER ALL;

-- oddity: a view with a trigger
CREATE VIEW all_orders AS SELECT * FROM orders;
CREATE TRIGGER instead INSTEAD OF UPDATE ON all_orders FOR EACH ROW EXECUTE FUNCTION stamp();

-- oddity: policies that are off
CREATE POLICY p ON orders USING (true);
CREATE POLICY q ON orders AS RESTRICTIVE FOR SELECT TO {reader} USING (amount > 0);
COMMENT ON POLICY p ON orders IS 'open';

-- oddity: policies that count
ALTER TABLE items ENABLE ROW LEVEL SECURITY;
CREATE POLICY "P 100% {x}" ON items FOR UPDATE TO {reader} USING (note IS NULL) WITH CHECK (true);

-- oddity: a policy with a name like ours
CREATE POLICY vital_signs ON orders FOR SELECT TO {reader} USING (true);

-- oddity: a trigger with a name like ours
CREATE TRIGGER vital_signs BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stamp();

-- oddity: grants that are passed on
GRANT SELECT, UPDATE ON orders TO {team} WITH GRANT OPTION;
SET ROLE {team};
GRANT SELECT ON orders TO {reader};
RESET ROLE;

-- oddity: grants on columns
GRANT SELECT (note), UPDATE (note, code) ON items TO {reader};
GRANT SELECT (id) ON items TO PUBLIC;

-- oddity: grants taken from the owner
REVOKE TRUNCATE ON orders FROM {owner};
GRANT ALL ON visits_low TO {reader};

-- oddity: default grants
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} GRANT SELECT ON TABLES TO {reader};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- oddity: our roles have grants already
{our_roles};
GRANT SELECT ON orders TO vital_tenant WITH GRANT OPTION;
GRANT SELECT (note), UPDATE (note) ON items TO vital_tenant;
GRANT USAGE, SELECT ON SEQUENCE items_id_seq TO vital_operator;
GRANT CREATE ON SCHEMA public TO vital_operator;
GRANT TRUNCATE ON visits_low TO vital_operator;

-- oddity: our roles have grants by another grantor
{our_roles};
GRANT SELECT, INSERT ON orders TO {team} WITH GRANT OPTION;
SET ROLE {team};
GRANT SELECT ON orders TO vital_tenant;
RESET ROLE;

-- oddity: a table of another owner, passed on
-- plan: auth.people
-- refused: auth.people: belongs to vital_test_giver, who owns no table of the plan
-- gate: tables that the role does not own
CREATE SCHEMA auth AUTHORIZATION {giver};
SET ROLE {giver};
CREATE TABLE auth.people (id integer);
GRANT SELECT ON auth.people TO {owner} WITH GRANT OPTION;
GRANT USAGE, CREATE ON SCHEMA auth TO {owner} WITH GRANT OPTION;
RESET ROLE;

-- oddity: a table of another owner, passed on by a team
-- plan: auth2.people
-- refused: auth2.people: belongs to vital_test_giver, who owns no table of the plan
-- gate: tables that the role does not own
CREATE SCHEMA auth2 AUTHORIZATION {giver};
SET ROLE {giver};
CREATE TABLE auth2.people (id integer);
GRANT SELECT, TRIGGER ON auth2.people TO {team} WITH GRANT OPTION;
GRANT INSERT, UPDATE, DELETE, TRUNCATE ON auth2.people TO {owner} WITH GRANT OPTION;
GRANT USAGE, CREATE ON SCHEMA auth2 TO {team} WITH GRANT OPTION;
RESET ROLE;

-- oddity: tables of a team
ALTER TABLE items OWNER TO {team};
ALTER TABLE countries OWNER TO {team};
GRANT ALL ON SCHEMA public TO {team};

-- oddity: storage parameters
ALTER TABLE orders SET (fillfactor = 50, autovacuum_enabled = off, toast.autovacuum_enabled = off);
ALTER TABLE visits_low SET (fillfactor = 60);

-- oddity: comments
COMMENT ON TABLE orders IS 'all of them';
COMMENT ON COLUMN orders.note IS 'free';
COMMENT ON COLUMN visits.note IS 'free';

-- oddity: rules
CREATE RULE noted AS ON DELETE TO orders DO ALSO INSERT INTO log (line) VALUES (OLD.note);
CREATE RULE once AS ON INSERT TO countries DO NOTHING;

-- oddity: a rule that is off
CREATE RULE off AS ON UPDATE TO orders DO INSTEAD NOTHING;
ALTER TABLE orders DISABLE RULE off;

-- oddity: views
CREATE VIEW v AS SELECT * FROM orders;
CREATE VIEW w WITH (security_barrier) AS SELECT id, note FROM items;
ALTER VIEW v ALTER note SET DEFAULT 'x';
COMMENT ON VIEW v IS 'all';

-- oddity: a materialized view
CREATE MATERIALIZED VIEW m AS SELECT store_id, count(*) FROM orders GROUP BY 1;
CREATE UNIQUE INDEX ON m (store_id);
CREATE MATERIALIZED VIEW empty_m AS SELECT * FROM items WITH NO DATA;

-- oddity: inheritance
-- instead: heirs
CREATE TABLE old_orders () INHERITS (orders);
ALTER TABLE old_orders ADD PRIMARY KEY (id), ADD extra text;
INSERT INTO old_orders (id, store_id, note) VALUES (1000, 1, 'old');

-- oddity: inheritance from a table without a plan
CREATE TABLE things (note text, tenant text);
ALTER TABLE orders ADD tenant text;
ALTER TABLE orders INHERIT things;

-- oddity: checks that are not valid
ALTER TABLE orders ADD CONSTRAINT small CHECK (amount < 100) NOT VALID;
ALTER TABLE items ADD CONSTRAINT other_order FOREIGN KEY (order_id) REFERENCES orders NOT VALID;
COMMENT ON CONSTRAINT small ON orders IS 'small';

-- oddity: a constraint that is not inherited
ALTER TABLE orders ADD CONSTRAINT here CHECK (amount > -5) NO INHERIT;

-- oddity: a publication
CREATE PUBLICATION pub FOR TABLE orders, visits, stores;
ALTER TABLE stores REPLICA IDENTITY FULL;
ALTER TABLE countries REPLICA IDENTITY NOTHING;

-- oddity: a publication of all tables
CREATE PUBLICATION everything FOR ALL TABLES;

-- oddity: a publication of columns and rows
-- version: 15
CREATE PUBLICATION few FOR TABLE orders (id, note) WHERE (id > 3), TABLE visits;

-- oddity: a publication of a schema
-- version: 15
CREATE PUBLICATION schemas FOR TABLES IN SCHEMA public;

-- oddity: more partitions
ALTER TABLE visits DETACH PARTITION visits_high;
CREATE TABLE visits_more PARTITION OF visits FOR VALUES FROM (1000) TO (2000) PARTITION BY HASH (id);
CREATE TABLE visits_more_0 PARTITION OF visits_more FOR VALUES WITH (MODULUS 1, REMAINDER 0);
ALTER TABLE visits_high ADD CONSTRAINT within CHECK (id >= 100 AND id < 1000);
ALTER TABLE visits ATTACH PARTITION visits_high FOR VALUES FROM (100) TO (1000);

-- oddity: an unlogged table
ALTER TABLE items SET UNLOGGED;

-- oddity: functions that know the table
CREATE FUNCTION of_orders() RETURNS SETOF orders LANGUAGE sql AS 'SELECT * FROM orders';
CREATE FUNCTION added() RETURNS void LANGUAGE sql BEGIN ATOMIC INSERT INTO orders (store_id) VALUES (1); END;

-- oddity: a tenant column that is there
ALTER TABLE items ADD tenant_id uuid;
COMMENT ON COLUMN items.tenant_id IS 'of old';
CREATE INDEX by_tenant ON items (tenant_id);
ALTER TABLE items ALTER tenant_id SET STATISTICS 50;

-- oddity: a tenant column in a child
-- instead: heirs
CREATE TABLE young_orders (tenant_id uuid) INHERITS (orders);
ALTER TABLE young_orders ADD PRIMARY KEY (id);

-- oddity: a policy under a name of ours
-- refused: orders: has a policy vital_tenant
CREATE POLICY vital_tenant ON orders USING (true);

-- oddity: a trigger under a name of ours
-- refused: orders: has a trigger vital_late_writer
CREATE TRIGGER vital_late_writer BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stamp();

-- oddity: a constraint under a name of ours
-- refused: orders: has a constraint orders_tenant_id_fkey
ALTER TABLE orders ADD CONSTRAINT orders_tenant_id_fkey CHECK (amount > -7);

-- oddity: an index under a name of ours
-- refused: "orders_tenant_id_idx" for an index, and index orders_tenant_id_idx has it
CREATE INDEX orders_tenant_id_idx ON orders (note);

-- oddity: a table under a name of ours
-- refused: "orders_tenant_id_sku_key" for an index, and table orders_tenant_id_sku_key has it
CREATE TABLE orders_tenant_id_sku_key ();

-- oddity: a key that is the replica identity
-- refused: items: the key (code) is the replica identity
ALTER TABLE items REPLICA IDENTITY USING INDEX items_code;

-- oddity: a key that a rule needs
-- refused: orders: the key (sku) is used by rule upserted on table log
CREATE RULE upserted AS ON INSERT TO log DO ALSO
INSERT INTO orders (store_id, sku) VALUES (1, NEW.line) ON CONFLICT ON CONSTRAINT orders_sku_key DO NOTHING;

-- oddity: a published table whose rows cannot be told apart
-- refused: visits_low: its rows cannot be changed: cannot update table "visits_low" because it does not have a replica identity
ALTER TABLE visits_low REPLICA IDENTITY NOTHING;
CREATE PUBLICATION visitors FOR TABLE visits_low;

-- oddity: a rule for updates
-- refused: items: its rows cannot be changed: DO ALSO rules are not supported for data-modifying statements in WITH
CREATE RULE updated AS ON UPDATE TO items DO ALSO INSERT INTO log (line) VALUES (NEW.note);

-- oddity: a table of a type
-- gate: columns
-- refused: stores: is a table of the type named
CREATE TYPE named AS (id bigint, name text);
ALTER TABLE stores OF named;

-- oddity: rows on another server
-- gate: columns
-- refused: items: its rows in far are on another server
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE far () INHERITS (items) SERVER elsewhere;

-- oddity: rights that the owner took from itself
-- gate: rights
-- refused: orders: vital_test_owner, who owns it, may not trigger: GRANT TRIGGER ON public.orders TO vital_test_owner
REVOKE TRIGGER ON orders FROM {owner};
