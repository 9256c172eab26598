-- What a Supabase project has before its owner makes anything. Run by a superuser, in a database that belongs to the role
-- postgres, as supabase_admin.
ALTER DATABASE app SET search_path TO "$user", public, extensions;
GRANT USAGE ON SCHEMA public TO postgres, anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT ALL ON TABLES TO postgres, anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT ALL ON SEQUENCES TO postgres, anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA public GRANT ALL ON FUNCTIONS TO postgres, anon, authenticated, service_role;
ALTER DEFAULT PRIVILEGES FOR ROLE supabase_admin IN SCHEMA public GRANT ALL ON TABLES TO postgres, anon, authenticated, service_role;

CREATE SCHEMA extensions AUTHORIZATION supabase_admin;
GRANT USAGE ON SCHEMA extensions TO anon, authenticated, service_role, dashboard_user;
GRANT ALL ON SCHEMA extensions TO postgres;
DO $extensions$
DECLARE
    found name;
BEGIN
    -- Those that postgres may make itself, which Supabase lets it with vector; and one that it may not.
    FOR found IN
        SELECT DISTINCT name FROM pg_available_extension_versions
        WHERE name IN ('pgcrypto', 'vector') AND trusted
           OR name = 'pg_stat_statements'
    LOOP
        EXECUTE format('CREATE EXTENSION %I SCHEMA extensions', found);
    END LOOP;
END
$extensions$;
CREATE FUNCTION extensions.pgrst_ddl_watch() RETURNS event_trigger LANGUAGE plpgsql
AS $$ BEGIN NOTIFY pgrst, 'reload schema'; END $$;
CREATE EVENT TRIGGER pgrst_ddl_watch ON ddl_command_end EXECUTE FUNCTION extensions.pgrst_ddl_watch();
CREATE EVENT TRIGGER pgrst_drop_watch ON sql_drop EXECUTE FUNCTION extensions.pgrst_ddl_watch();

CREATE SCHEMA auth AUTHORIZATION supabase_auth_admin;
GRANT USAGE ON SCHEMA auth TO anon, authenticated, service_role, dashboard_user, postgres;
SET ROLE supabase_auth_admin;
CREATE TABLE auth.users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email varchar(255) UNIQUE, encrypted_password varchar(255),
    raw_app_meta_data jsonb, raw_user_meta_data jsonb, created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE auth.sessions (id uuid PRIMARY KEY, user_id uuid NOT NULL REFERENCES auth.users ON DELETE CASCADE);
CREATE TABLE auth.schema_migrations (version varchar(255) PRIMARY KEY);
INSERT INTO auth.schema_migrations VALUES ('20260101000000');
CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE
AS $$ SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE
AS $$ SELECT (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid $$;
CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE
AS $$ SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role' $$;
RESET ROLE;

CREATE SCHEMA storage AUTHORIZATION supabase_admin;
GRANT USAGE ON SCHEMA storage TO postgres, anon, authenticated, service_role;
GRANT ALL ON SCHEMA storage TO supabase_storage_admin WITH GRANT OPTION;
SET ROLE supabase_storage_admin;
CREATE TABLE storage.buckets (id text PRIMARY KEY, name text NOT NULL UNIQUE, public boolean DEFAULT false);
CREATE TABLE storage.objects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), bucket_id text REFERENCES storage.buckets, name text, owner uuid,
    updated_at timestamptz DEFAULT now()
);
CREATE FUNCTION storage.update_updated_at_column() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE TRIGGER update_objects_updated_at BEFORE UPDATE ON storage.objects
FOR EACH ROW EXECUTE FUNCTION storage.update_updated_at_column();
ALTER TABLE storage.objects ENABLE ROW LEVEL SECURITY;
INSERT INTO storage.buckets VALUES ('files', 'files', false);
INSERT INTO storage.objects (bucket_id, name) VALUES ('files', 'north/plan.pdf'), ('files', 'south/plan.pdf');
GRANT ALL ON storage.buckets, storage.objects TO postgres, anon, authenticated, service_role;
RESET ROLE;

CREATE SCHEMA realtime AUTHORIZATION supabase_admin;
GRANT USAGE ON SCHEMA realtime TO postgres, anon, authenticated, service_role;
CREATE TABLE realtime.messages (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, payload jsonb);
CREATE TABLE realtime.subscription (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, entity regclass NOT NULL);
GRANT SELECT, INSERT ON realtime.messages TO postgres, anon, authenticated, service_role;
CREATE PUBLICATION supabase_realtime_messages FOR TABLE realtime.messages;
CREATE SCHEMA _realtime AUTHORIZATION supabase_admin;
CREATE TABLE _realtime.tenants (id uuid PRIMARY KEY, jwt_secret text);

CREATE SCHEMA vault AUTHORIZATION supabase_admin;
CREATE TABLE vault.secrets (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text, secret text NOT NULL);
INSERT INTO vault.secrets (name, secret) VALUES ('key', 'sealed');
CREATE VIEW vault.decrypted_secrets AS SELECT id, name, secret FROM vault.secrets;
GRANT USAGE ON SCHEMA vault TO postgres;
