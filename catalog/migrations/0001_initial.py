"""The legacy baseline where there is none, and the unmanaged models' state. Undoing it leaves every table."""

import uuid
from decimal import Decimal

import django.contrib.postgres.fields
import django.db.models.functions.datetime
from django.db import migrations, models

import catalog.models.prompts
from catalog import baseline


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.RunPython(baseline.create_where_absent, migrations.RunPython.noop),
        migrations.CreateModel(
            name="Agent",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("display_name", models.CharField(max_length=100)),
                ("description", models.TextField()),
                ("system_prompt", models.TextField()),
                (
                    "tier",
                    models.CharField(
                        choices=[("tier_1", "Tier 1"), ("tier_2", "Tier 2"), ("tier_3", "Tier 3")],
                        default="tier_3",
                        max_length=20,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("inactive", "Inactive"), ("testing", "Testing")],
                        default="active",
                        max_length=20,
                    ),
                ),
                (
                    "knowledge_domains",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), default=list, size=None),
                ),
                (
                    "capabilities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, size=None
                    ),
                ),
                ("avatar_url", models.TextField(blank=True, null=True)),
                ("priority", models.IntegerField(default=0)),
                ("metadata", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "agents",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="AgentToolAssignment",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("is_enabled", models.BooleanField(default=True, null=True)),
                ("auto_use", models.BooleanField(default=False, null=True)),
                ("requires_confirmation", models.BooleanField(default=False, null=True)),
                ("priority", models.IntegerField(blank=True, default=0, null=True)),
                ("max_uses_per_conversation", models.IntegerField(blank=True, null=True)),
                ("max_uses_per_day", models.IntegerField(blank=True, null=True)),
                ("current_day_usage", models.IntegerField(blank=True, default=0, null=True)),
                ("times_used", models.IntegerField(blank=True, default=0, null=True)),
                ("success_count", models.IntegerField(blank=True, default=0, null=True)),
                ("failure_count", models.IntegerField(blank=True, default=0, null=True)),
                ("avg_user_satisfaction", models.DecimalField(blank=True, decimal_places=2, max_digits=3, null=True)),
                ("assigned_by", models.UUIDField(blank=True, null=True)),
                ("assigned_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("notes", models.TextField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
            ],
            options={
                "db_table": "agent_tool_assignments",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Conversation",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=200)),
                (
                    "mode",
                    models.CharField(
                        choices=[
                            ("query_automatic", "Query Automatic"),
                            ("query_manual", "Query Manual"),
                            ("chat_automatic", "Chat Automatic"),
                            ("chat_manual", "Chat Manual"),
                            ("agent", "Agent"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("active", "Active"), ("archived", "Archived"), ("deleted", "Deleted")],
                        default="active",
                        max_length=20,
                    ),
                ),
                ("compliance_level", models.CharField(default="standard", max_length=20)),
                ("metadata", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("archived_at", models.DateTimeField(blank=True, null=True)),
                ("deleted_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "conversations",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="KnowledgeChunk",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("chunk_index", models.IntegerField()),
                ("content", models.TextField()),
                ("content_hash", models.CharField(max_length=64)),
                ("pinecone_id", models.CharField(blank=True, max_length=255, null=True, unique=True)),
                ("metadata", models.JSONField(blank=True, default=dict, null=True)),
                ("domain", models.CharField(max_length=100)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, null=True, size=None
                    ),
                ),
                ("is_active", models.BooleanField(default=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
            ],
            options={
                "verbose_name": "knowledge chunk",
                "db_table": "knowledge_base",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="KnowledgeDomain",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("code", models.TextField(unique=True)),
                ("name", models.TextField(unique=True)),
                ("slug", models.TextField(unique=True)),
                ("description", models.TextField(blank=True, null=True)),
                ("tier", models.IntegerField(default=1)),
                ("priority", models.IntegerField(default=1)),
                (
                    "keywords",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, null=True, size=None
                    ),
                ),
                (
                    "sub_domains",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, null=True, size=None
                    ),
                ),
                ("agent_count_estimate", models.IntegerField(blank=True, default=0, null=True)),
                ("color", models.TextField(blank=True, default="#3B82F6", null=True)),
                ("is_active", models.BooleanField(default=True, null=True)),
                ("metadata", models.JSONField(blank=True, default=dict, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
            ],
            options={
                "db_table": "knowledge_domains",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="KnowledgeSource",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=500)),
                ("description", models.TextField(blank=True, null=True)),
                ("source_type", models.CharField(default="document", max_length=50)),
                ("source_url", models.TextField(blank=True, null=True)),
                ("file_path", models.TextField(blank=True, null=True)),
                ("file_size", models.BigIntegerField(blank=True, null=True)),
                ("mime_type", models.CharField(blank=True, max_length=100, null=True)),
                ("domain", models.CharField(max_length=100)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, null=True, size=None
                    ),
                ),
                ("metadata", models.JSONField(blank=True, default=dict, null=True)),
                ("is_active", models.BooleanField(default=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
            ],
            options={
                "db_table": "knowledge_sources",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                (
                    "role",
                    models.CharField(
                        choices=[("user", "User"), ("assistant", "Assistant"), ("system", "System")], max_length=20
                    ),
                ),
                ("content", models.TextField()),
                (
                    "reasoning",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, null=True, size=None
                    ),
                ),
                (
                    "citations",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, null=True, size=None
                    ),
                ),
                ("confidence", models.DecimalField(blank=True, decimal_places=2, max_digits=3, null=True)),
                ("tokens_prompt", models.IntegerField(blank=True, null=True)),
                ("tokens_completion", models.IntegerField(blank=True, null=True)),
                ("tokens_total", models.IntegerField(blank=True, null=True)),
                ("estimated_cost", models.DecimalField(blank=True, decimal_places=6, max_digits=10, null=True)),
                ("latency_ms", models.IntegerField(blank=True, null=True)),
                ("metadata", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "messages",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="PlatformUser",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("email", models.CharField(max_length=255)),
                ("full_name", models.CharField(blank=True, max_length=100, null=True)),
                ("avatar_url", models.TextField(blank=True, null=True)),
                ("role", models.CharField(default="user", max_length=50)),
                ("preferences", models.JSONField(blank=True, default=dict)),
                ("metadata", models.JSONField(blank=True, default=dict)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("last_login_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "user",
                "db_table": "users",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Prompt",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=255)),
                ("display_name", models.CharField(max_length=255)),
                ("description", models.TextField()),
                ("category", models.CharField(max_length=100)),
                ("system_prompt", models.TextField()),
                ("user_prompt_template", models.TextField(blank=True, null=True)),
                ("execution_instructions", models.JSONField(blank=True, default=dict, null=True)),
                ("success_criteria", models.JSONField(blank=True, default=dict, null=True)),
                (
                    "model_requirements",
                    models.JSONField(blank=True, default=catalog.models.prompts.default_model_requirements, null=True),
                ),
                ("input_schema", models.JSONField(blank=True, default=dict, null=True)),
                ("output_schema", models.JSONField(blank=True, default=dict, null=True)),
                ("validation_rules", models.JSONField(blank=True, default=dict, null=True)),
                (
                    "complexity_level",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("basic", "Basic"),
                            ("intermediate", "Intermediate"),
                            ("advanced", "Advanced"),
                            ("expert", "Expert"),
                        ],
                        default="intermediate",
                        max_length=20,
                        null=True,
                    ),
                ),
                ("domain", models.CharField(default="general", max_length=100)),
                ("estimated_tokens", models.IntegerField(blank=True, default=1000, null=True)),
                (
                    "prerequisite_prompts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, null=True, size=None
                    ),
                ),
                (
                    "prerequisite_capabilities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, null=True, size=None
                    ),
                ),
                (
                    "related_capabilities",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, null=True, size=None
                    ),
                ),
                (
                    "required_context",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, null=True, size=None
                    ),
                ),
                (
                    "validation_status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("active", "Active"),
                            ("inactive", "Inactive"),
                            ("beta", "Beta"),
                            ("deprecated", "Deprecated"),
                        ],
                        default="active",
                        max_length=20,
                        null=True,
                    ),
                ),
                (
                    "accuracy_threshold",
                    models.DecimalField(blank=True, decimal_places=2, default=Decimal("0.85"), max_digits=3, null=True),
                ),
                ("testing_scenarios", models.JSONField(blank=True, default=list, null=True)),
                ("hipaa_relevant", models.BooleanField(default=False, null=True)),
                ("phi_handling_rules", models.JSONField(blank=True, default=dict, null=True)),
                (
                    "compliance_tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, default=list, null=True, size=None
                    ),
                ),
                ("version", models.CharField(blank=True, default="1.0.0", max_length=20, null=True)),
                (
                    "status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("draft", "Draft"),
                            ("active", "Active"),
                            ("deprecated", "Deprecated"),
                            ("archived", "Archived"),
                        ],
                        default="active",
                        max_length=20,
                        null=True,
                    ),
                ),
                ("metadata", models.JSONField(blank=True, default=dict, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("created_by", models.UUIDField(blank=True, null=True)),
            ],
            options={
                "db_table": "prompts",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Tool",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("tool_key", models.TextField()),
                ("name", models.TextField()),
                ("description", models.TextField()),
                ("category", models.TextField(blank=True, null=True)),
                ("tool_type", models.TextField()),
                ("implementation_path", models.TextField(blank=True, null=True)),
                ("api_endpoint", models.TextField(blank=True, null=True)),
                ("requires_api_key", models.BooleanField(default=False, null=True)),
                ("api_key_env_var", models.TextField(blank=True, null=True)),
                ("input_schema", models.JSONField(blank=True, null=True)),
                ("output_format", models.TextField(blank=True, null=True)),
                ("max_iterations", models.IntegerField(blank=True, default=1, null=True)),
                ("timeout_seconds", models.IntegerField(blank=True, default=30, null=True)),
                ("rate_limit_per_minute", models.IntegerField(blank=True, null=True)),
                (
                    "estimated_cost_per_call",
                    models.DecimalField(blank=True, decimal_places=6, max_digits=10, null=True),
                ),
                ("avg_response_time_ms", models.IntegerField(blank=True, null=True)),
                ("is_active", models.BooleanField(default=True, null=True)),
                ("is_premium", models.BooleanField(default=False, null=True)),
                ("requires_approval", models.BooleanField(default=False, null=True)),
                ("usage_examples", models.JSONField(blank=True, null=True)),
                (
                    "best_practices",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, null=True, size=None
                    ),
                ),
                (
                    "limitations",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, null=True, size=None
                    ),
                ),
                ("documentation_url", models.TextField(blank=True, null=True)),
                ("total_calls", models.IntegerField(blank=True, default=0, null=True)),
                ("success_rate", models.DecimalField(blank=True, decimal_places=2, max_digits=5, null=True)),
                ("avg_confidence_score", models.DecimalField(blank=True, decimal_places=2, max_digits=5, null=True)),
                ("metadata", models.JSONField(blank=True, default=dict, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
            ],
            options={
                "db_table": "tools",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="ToolCategory",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("name", models.TextField(unique=True)),
                ("description", models.TextField(blank=True, null=True)),
                ("icon", models.TextField(blank=True, null=True)),
                ("display_order", models.IntegerField(blank=True, default=0, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), null=True)),
            ],
            options={
                "verbose_name_plural": "tool categories",
                "db_table": "tool_categories",
                "managed": False,
            },
        ),
    ]
