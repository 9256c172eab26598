-- What the platform's owner has in a project beside the platform: sign-ups fill public.users, and listeners hear of messages.
CREATE FUNCTION public.handle_new_user() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    INSERT INTO public.users (id, email, tenant_id)
    VALUES (NEW.id, NEW.email, (NEW.raw_app_meta_data ->> 'tenant_id')::uuid);
    RETURN NEW;
END
$$;
CREATE TRIGGER on_auth_user_created AFTER INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION public.handle_new_user();
CREATE PUBLICATION supabase_realtime FOR TABLE public.messages;
