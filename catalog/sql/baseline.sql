-- The twelve legacy tables as they stand before the migration, for a database that has none of them.
-- A line that ends in "needs vector" stays out where that extension is not installed; {vector} is its schema.

-- Types and the function of the triggers ------------------------------------------------------------------------------

CREATE TYPE public.agent_status AS ENUM ('active', 'inactive', 'testing');
CREATE TYPE public.agent_tier AS ENUM ('tier_1', 'tier_2', 'tier_3');
CREATE TYPE public.compliance_level AS ENUM ('standard', 'hipaa', 'gdpr', 'fda', 'soc2', 'ccpa');
CREATE TYPE public.conversation_status AS ENUM ('active', 'archived', 'deleted');
CREATE TYPE public.message_role AS ENUM ('user', 'assistant', 'system');
CREATE TYPE public.orchestration_mode AS ENUM (
    'query_automatic', 'query_manual', 'chat_automatic', 'chat_manual', 'agent'
);

CREATE FUNCTION public.update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END
$$;

-- Organisations and people --------------------------------------------------------------------------------------------

CREATE TABLE public.tenants (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    name varchar(100) NOT NULL,
    slug varchar(50) NOT NULL UNIQUE,
    domain varchar(255) UNIQUE,
    compliance_level public.compliance_level DEFAULT 'standard' NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    settings jsonb DEFAULT '{}' NOT NULL,
    metadata jsonb DEFAULT '{}' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT tenants_slug_format CHECK (slug ~ '^[a-z0-9-]+$')
);
CREATE INDEX idx_tenants_active ON public.tenants (is_active) WHERE is_active;
CREATE INDEX idx_tenants_domain ON public.tenants (domain);
CREATE INDEX idx_tenants_slug ON public.tenants (slug);

CREATE TABLE public.users (
    id uuid PRIMARY KEY REFERENCES auth.users (id) ON DELETE CASCADE,
    tenant_id uuid REFERENCES public.tenants (id) ON DELETE CASCADE,
    email varchar(255) NOT NULL,
    full_name varchar(100),
    avatar_url text,
    role varchar(50) DEFAULT 'user' NOT NULL,
    preferences jsonb DEFAULT '{}' NOT NULL,
    metadata jsonb DEFAULT '{}' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    last_login_at timestamptz,
    CONSTRAINT users_email_format CHECK (email ~* '^[^@\s]+@[^@\s]+\.[a-z]{2,}$')
);
CREATE INDEX idx_users_email ON public.users (email);
CREATE INDEX idx_users_role ON public.users (role);
CREATE INDEX idx_users_tenant_id ON public.users (tenant_id);

-- Tools ---------------------------------------------------------------------------------------------------------------

CREATE TABLE public.tool_categories (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    name text NOT NULL UNIQUE,
    description text,
    icon text,
    display_order integer DEFAULT 0,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);

CREATE TABLE public.tools (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    tool_key text NOT NULL UNIQUE,
    name text NOT NULL,
    description text NOT NULL,
    category_id uuid REFERENCES public.tool_categories (id) ON DELETE SET NULL,
    tool_type text NOT NULL,
    implementation_path text,
    api_endpoint text,
    requires_api_key boolean DEFAULT false,
    api_key_env_var text,
    input_schema jsonb,
    output_format text,
    max_iterations integer DEFAULT 1,
    timeout_seconds integer DEFAULT 30,
    rate_limit_per_minute integer,
    estimated_cost_per_call numeric(10, 6),
    avg_response_time_ms integer,
    is_active boolean DEFAULT true,
    is_premium boolean DEFAULT false,
    requires_approval boolean DEFAULT false,
    usage_examples jsonb,
    best_practices text[],
    limitations text[],
    documentation_url text,
    total_calls integer DEFAULT 0,
    success_rate numeric(5, 2),
    avg_confidence_score numeric(5, 2),
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);
CREATE INDEX idx_tools_category ON public.tools (category_id);
CREATE INDEX idx_tools_is_active ON public.tools (is_active);
CREATE INDEX idx_tools_tool_key ON public.tools (tool_key);

-- Agents --------------------------------------------------------------------------------------------------------------

CREATE TABLE public.agents (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    tenant_id uuid REFERENCES public.tenants (id) ON DELETE CASCADE,
    name varchar(100) NOT NULL,
    display_name varchar(100) NOT NULL,
    description text NOT NULL,
    system_prompt text NOT NULL,
    tier public.agent_tier DEFAULT 'tier_3' NOT NULL,
    status public.agent_status DEFAULT 'active' NOT NULL,
    knowledge_domains text[] DEFAULT '{}' NOT NULL,
    capabilities text[] DEFAULT '{}' NOT NULL,
    avatar_url text,
    priority integer DEFAULT 0 NOT NULL,
    embedding {vector}.vector(1536), -- needs vector
    metadata jsonb DEFAULT '{}' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT agents_knowledge_domains_not_empty CHECK (array_length(knowledge_domains, 1) > 0),
    CONSTRAINT agents_priority_range CHECK (priority BETWEEN 0 AND 1000)
);
CREATE INDEX idx_agents_knowledge_domains ON public.agents USING gin (knowledge_domains);
CREATE INDEX idx_agents_status ON public.agents (status) WHERE status = 'active';
CREATE INDEX idx_agents_tenant_id ON public.agents (tenant_id);
CREATE INDEX idx_agents_tier ON public.agents (tier);
CREATE INDEX idx_agents_embedding ON public.agents USING ivfflat (embedding {vector}.vector_cosine_ops) WITH (lists = 100); -- needs vector

CREATE TABLE public.agent_tool_assignments (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    agent_id uuid REFERENCES public.agents (id) ON DELETE CASCADE,
    tool_id uuid REFERENCES public.tools (id) ON DELETE CASCADE,
    is_enabled boolean DEFAULT true,
    auto_use boolean DEFAULT false,
    requires_confirmation boolean DEFAULT false,
    priority integer DEFAULT 0,
    max_uses_per_conversation integer,
    max_uses_per_day integer,
    current_day_usage integer DEFAULT 0,
    times_used integer DEFAULT 0,
    success_count integer DEFAULT 0,
    failure_count integer DEFAULT 0,
    avg_user_satisfaction numeric(3, 2),
    assigned_by uuid REFERENCES auth.users (id),
    assigned_at timestamptz DEFAULT now(),
    last_used_at timestamptz,
    notes text,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    UNIQUE (agent_id, tool_id)
);
CREATE INDEX idx_agent_tools_agent ON public.agent_tool_assignments (agent_id);
CREATE INDEX idx_agent_tools_tool ON public.agent_tool_assignments (tool_id);

-- Prompts -------------------------------------------------------------------------------------------------------------

CREATE TABLE public.prompts (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    name varchar(255) NOT NULL UNIQUE,
    display_name varchar(255) NOT NULL,
    description text NOT NULL,
    category varchar(100) NOT NULL,
    system_prompt text NOT NULL,
    user_prompt_template text,
    execution_instructions jsonb DEFAULT '{}',
    success_criteria jsonb DEFAULT '{}',
    model_requirements jsonb DEFAULT '{"model": "gpt-4", "max_tokens": 2000, "temperature": 0.7}',
    input_schema jsonb DEFAULT '{}',
    output_schema jsonb DEFAULT '{}',
    validation_rules jsonb DEFAULT '{}',
    complexity_level varchar(20) DEFAULT 'intermediate',
    domain varchar(100) DEFAULT 'general' NOT NULL,
    estimated_tokens integer DEFAULT 1000,
    prerequisite_prompts text[],
    prerequisite_capabilities text[] DEFAULT '{}',
    related_capabilities text[],
    required_context text[],
    validation_status varchar(20) DEFAULT 'active',
    accuracy_threshold numeric(3, 2) DEFAULT 0.85,
    testing_scenarios jsonb DEFAULT '[]',
    hipaa_relevant boolean DEFAULT false,
    phi_handling_rules jsonb DEFAULT '{}',
    compliance_tags text[] DEFAULT '{}',
    version varchar(20) DEFAULT '1.0.0',
    status varchar(20) DEFAULT 'active',
    metadata jsonb DEFAULT '{}',
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    created_by uuid,
    CONSTRAINT prompts_complexity_level_check CHECK (
        complexity_level IN ('basic', 'intermediate', 'advanced', 'expert')
    ),
    CONSTRAINT prompts_status_check CHECK (status IN ('draft', 'active', 'deprecated', 'archived')),
    CONSTRAINT prompts_validation_status_check CHECK (
        validation_status IN ('active', 'inactive', 'beta', 'deprecated')
    ),
    CONSTRAINT prompts_accuracy_threshold_check CHECK (accuracy_threshold BETWEEN 0 AND 1)
);
CREATE INDEX idx_prompts_capabilities ON public.prompts USING gin (prerequisite_capabilities);
CREATE INDEX idx_prompts_category ON public.prompts (category);
CREATE INDEX idx_prompts_complexity ON public.prompts (complexity_level);
CREATE INDEX idx_prompts_domain ON public.prompts (domain);
CREATE INDEX idx_prompts_name ON public.prompts (name);
CREATE INDEX idx_prompts_status ON public.prompts (status);
CREATE INDEX idx_prompts_tags ON public.prompts USING gin (compliance_tags);
CREATE INDEX idx_prompts_validation_status ON public.prompts (validation_status);

-- Knowledge -----------------------------------------------------------------------------------------------------------

CREATE TABLE public.knowledge_domains (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    code text NOT NULL UNIQUE,
    name text NOT NULL UNIQUE,
    slug text NOT NULL UNIQUE,
    description text,
    tier integer DEFAULT 1 NOT NULL,
    priority integer DEFAULT 1 NOT NULL,
    keywords text[] DEFAULT '{}',
    sub_domains text[] DEFAULT '{}',
    agent_count_estimate integer DEFAULT 0,
    color text DEFAULT '#3B82F6',
    is_active boolean DEFAULT true,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);
CREATE INDEX idx_knowledge_domains_active ON public.knowledge_domains (is_active);
CREATE INDEX idx_knowledge_domains_code ON public.knowledge_domains (code);
CREATE INDEX idx_knowledge_domains_keywords ON public.knowledge_domains USING gin (keywords);
CREATE INDEX idx_knowledge_domains_priority ON public.knowledge_domains (priority);
CREATE INDEX idx_knowledge_domains_slug ON public.knowledge_domains (slug);
CREATE INDEX idx_knowledge_domains_tier ON public.knowledge_domains (tier);

CREATE TABLE public.knowledge_sources (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    tenant_id uuid REFERENCES public.tenants (id) ON DELETE CASCADE,
    title varchar(500) NOT NULL,
    description text,
    source_type varchar(50) DEFAULT 'document' NOT NULL,
    source_url text,
    file_path text,
    file_size bigint,
    mime_type varchar(100),
    domain varchar(100) NOT NULL,
    tags text[] DEFAULT '{}',
    metadata jsonb DEFAULT '{}',
    is_active boolean DEFAULT true,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now(),
    created_by uuid REFERENCES public.users (id),
    updated_by uuid REFERENCES public.users (id)
);
CREATE INDEX idx_knowledge_sources_active ON public.knowledge_sources (is_active);
CREATE INDEX idx_knowledge_sources_domain ON public.knowledge_sources (domain);
CREATE INDEX idx_knowledge_sources_metadata ON public.knowledge_sources USING gin (metadata);
CREATE INDEX idx_knowledge_sources_tags ON public.knowledge_sources USING gin (tags);
CREATE INDEX idx_knowledge_sources_tenant ON public.knowledge_sources (tenant_id);

CREATE TABLE public.knowledge_base (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    source_id uuid REFERENCES public.knowledge_sources (id) ON DELETE CASCADE,
    tenant_id uuid REFERENCES public.tenants (id) ON DELETE CASCADE,
    chunk_index integer NOT NULL,
    content text NOT NULL,
    content_hash varchar(64) NOT NULL,
    pinecone_id varchar(255) UNIQUE,
    metadata jsonb DEFAULT '{}',
    domain varchar(100) NOT NULL,
    tags text[] DEFAULT '{}',
    is_active boolean DEFAULT true,
    created_at timestamptz DEFAULT now(),
    updated_at timestamptz DEFAULT now()
);
CREATE INDEX idx_knowledge_base_active ON public.knowledge_base (is_active);
CREATE INDEX idx_knowledge_base_chunk_index ON public.knowledge_base (source_id, chunk_index);
CREATE INDEX idx_knowledge_base_content_hash ON public.knowledge_base (content_hash);
CREATE INDEX idx_knowledge_base_domain ON public.knowledge_base (domain);
CREATE INDEX idx_knowledge_base_metadata ON public.knowledge_base USING gin (metadata);
CREATE INDEX idx_knowledge_base_pinecone_id ON public.knowledge_base (pinecone_id);
CREATE INDEX idx_knowledge_base_source ON public.knowledge_base (source_id);
CREATE INDEX idx_knowledge_base_tags ON public.knowledge_base USING gin (tags);
CREATE INDEX idx_knowledge_base_tenant ON public.knowledge_base (tenant_id);

-- Conversations -------------------------------------------------------------------------------------------------------

CREATE TABLE public.conversations (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    tenant_id uuid REFERENCES public.tenants (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES public.users (id) ON DELETE CASCADE,
    title varchar(200) NOT NULL,
    mode public.orchestration_mode NOT NULL,
    status public.conversation_status DEFAULT 'active' NOT NULL,
    compliance_level public.compliance_level DEFAULT 'standard' NOT NULL,
    persistent_agent_id uuid REFERENCES public.agents (id) ON DELETE SET NULL,
    metadata jsonb DEFAULT '{}' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    archived_at timestamptz,
    deleted_at timestamptz,
    CONSTRAINT conversations_deleted_check CHECK ((status = 'deleted') = (deleted_at IS NOT NULL))
);
CREATE INDEX idx_conversations_created_at ON public.conversations (created_at DESC);
CREATE INDEX idx_conversations_mode ON public.conversations (mode);
CREATE INDEX idx_conversations_status ON public.conversations (status);
CREATE INDEX idx_conversations_tenant_id ON public.conversations (tenant_id);
CREATE INDEX idx_conversations_user_id ON public.conversations (user_id);

CREATE TABLE public.messages (
    id uuid DEFAULT gen_random_uuid() PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES public.conversations (id) ON DELETE CASCADE,
    role public.message_role NOT NULL,
    content text NOT NULL,
    agent_id uuid REFERENCES public.agents (id) ON DELETE SET NULL,
    reasoning text[],
    citations text[],
    confidence numeric(3, 2),
    tokens_prompt integer,
    tokens_completion integer,
    tokens_total integer,
    estimated_cost numeric(10, 6),
    latency_ms integer,
    metadata jsonb DEFAULT '{}' NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT messages_confidence_range CHECK (confidence IS NULL OR confidence BETWEEN 0 AND 1),
    CONSTRAINT messages_content_not_empty CHECK (length(trim(content)) > 0),
    CONSTRAINT messages_tokens_positive CHECK (
        (tokens_prompt IS NULL OR tokens_prompt >= 0)
        AND (tokens_completion IS NULL OR tokens_completion >= 0)
        AND (tokens_total IS NULL OR tokens_total >= 0)
    )
);
CREATE INDEX idx_messages_agent_id ON public.messages (agent_id);
CREATE INDEX idx_messages_conversation_id ON public.messages (conversation_id);
CREATE INDEX idx_messages_created_at ON public.messages (created_at DESC);
CREATE INDEX idx_messages_role ON public.messages (role);

-- Triggers: no other table has one ------------------------------------------------------------------------------------

CREATE TRIGGER update_tenants_updated_at BEFORE UPDATE ON public.tenants
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_users_updated_at BEFORE UPDATE ON public.users
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_tool_categories_updated_at BEFORE UPDATE ON public.tool_categories
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_tools_updated_at BEFORE UPDATE ON public.tools
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_agents_updated_at BEFORE UPDATE ON public.agents
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_agent_tool_assignments_updated_at BEFORE UPDATE ON public.agent_tool_assignments
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_prompts_updated_at BEFORE UPDATE ON public.prompts
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_knowledge_sources_updated_at BEFORE UPDATE ON public.knowledge_sources
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_knowledge_base_updated_at BEFORE UPDATE ON public.knowledge_base
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();
CREATE TRIGGER update_conversations_updated_at BEFORE UPDATE ON public.conversations
    FOR EACH ROW EXECUTE FUNCTION public.update_updated_at_column();

-- Row security: switched on for six tables, three of them without a policy --------------------------------------------

ALTER TABLE public.tool_categories ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.tools ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.agent_tool_assignments ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.knowledge_domains ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.knowledge_sources ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.knowledge_base ENABLE ROW LEVEL SECURITY;

CREATE POLICY "Tool categories are viewable by everyone" ON public.tool_categories FOR SELECT USING (true);
CREATE POLICY "Tools are viewable by everyone" ON public.tools FOR SELECT USING (true);
CREATE POLICY "Allow public read access to knowledge_domains" ON public.knowledge_domains FOR SELECT USING (true);
CREATE POLICY "Allow service role to manage knowledge_domains" ON public.knowledge_domains
    USING (auth.role() = 'service_role');
