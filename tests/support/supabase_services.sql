-- What a project's owner adds so that Supabase's services work with the platform; the policy on files as the dashboard
-- makes it, which has the storage's role. Run by supabase_admin.
GRANT anon, authenticated, service_role TO supabase_storage_admin;
SET ROLE postgres;
ALTER TABLE public.notes REPLICA IDENTITY FULL;
CREATE TABLE public.profiles (
    id uuid PRIMARY KEY REFERENCES auth.users ON DELETE CASCADE, org_id bigint REFERENCES public.orgs, nickname text
);
INSERT INTO public.profiles (id, org_id) SELECT id, org_id FROM public.users;
ALTER TABLE public.profiles ENABLE ROW LEVEL SECURITY;
CREATE POLICY "My own profile" ON public.profiles TO authenticated USING (auth.uid() = id);
CREATE FUNCTION public.make_profile() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$ BEGIN INSERT INTO public.profiles (id) VALUES (NEW.id); RETURN NEW; END $$;
CREATE FUNCTION public.handle_changed_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE public.users SET email = NEW.email WHERE id = NEW.id;
    RETURN NEW;
END
$$;
CREATE FUNCTION public.custom_access_token_hook(event jsonb) RETURNS jsonb LANGUAGE sql STABLE
AS $$
    SELECT jsonb_set(event, '{claims,org_id}', to_jsonb(org_id)) FROM public.users WHERE id = (event ->> 'user_id')::uuid
$$;
REVOKE ALL ON FUNCTION public.custom_access_token_hook(jsonb) FROM PUBLIC, anon, authenticated;
GRANT EXECUTE ON FUNCTION public.custom_access_token_hook(jsonb) TO supabase_auth_admin;
GRANT USAGE ON SCHEMA public TO supabase_auth_admin;
GRANT SELECT ON public.users TO supabase_auth_admin;
CREATE POLICY "The token hook reads users" ON public.users FOR SELECT TO supabase_auth_admin USING (true);
CREATE FUNCTION public.my_org() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$ SELECT o.name FROM public.orgs AS o JOIN public.users AS u ON u.org_id = o.id WHERE u.id = auth.uid() $$;
CREATE TRIGGER make_profile AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION public.make_profile();
CREATE TRIGGER on_auth_user_changed AFTER UPDATE OF email ON auth.users
FOR EACH ROW EXECUTE FUNCTION public.handle_changed_user();
SET ROLE supabase_storage_admin;
CREATE POLICY "Files of my organisation" ON storage.objects TO authenticated
USING (bucket_id = 'files' AND split_part(name, '/', 1) = public.my_org());
RESET ROLE;
