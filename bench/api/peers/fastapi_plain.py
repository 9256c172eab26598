"""FastAPI and asyncpg as a tutorial has them: a plain query, rows to JSON in Python, no credentials and no RLS."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI

TENANTS = os.environ["BENCH_TENANTS"].split(",")
PAGE = """
SELECT * FROM public.tools WHERE tenant_id = ANY($1::uuid[]) ORDER BY name, id LIMIT $2 OFFSET $3
"""
COUNT = "SELECT count(*) FROM public.tools WHERE tenant_id = ANY($1::uuid[])"


async def speak_json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], init=speak_json) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/api/tools-crud")
async def tools(limit: int = 10_000, offset: int = 0) -> dict[str, Any]:
    async with app.state.pool.acquire() as connection:
        rows = await connection.fetch(PAGE, TENANTS, limit, offset)
        count = await connection.fetchval(COUNT, TENANTS)
    shown = [tool(row) for row in rows]
    return {"success": True, "tools": shown, "count": count, "limit": limit, "offset": offset}


def tool(row: asyncpg.Record) -> dict[str, Any]:
    """The names that the frontends know."""
    metadata = row["metadata"] or {}
    return {
        "id": row["id"],
        "slug": row["tool_key"],
        "code": row["tool_key"],
        "unique_id": row["tool_key"],
        "name": row["name"],
        "description": row["description"],
        "tool_description": row["description"],
        "category": row["category"] or "General",
        "category_parent": metadata.get("category_parent"),
        "tool_type": row["tool_type"],
        "implementation_type": metadata.get("implementation_type", row["tool_type"]),
        "integration_name": row["implementation_path"],
        "endpoint_url": row["api_endpoint"] or row["documentation_url"],
        "function_spec": row["input_schema"],
        "configuration": row["usage_examples"],
        "metadata": metadata,
        "tags": metadata.get("tags") or row["best_practices"] or [],
        "average_response_time_ms": row["avg_response_time_ms"],
        "is_active": row["is_active"],
        "requires_approval": row["requires_approval"],
        "usage_count": row["total_calls"],
        "success_rate": row["success_rate"],
        "tenant_id": row["tenant_id"],
        "is_shared": str(row["tenant_id"]) == TENANTS[1],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "deleted_at": None,
        "lifecycle_stage": metadata.get("lifecycle_stage", "production"),
        "langgraph_compatible": metadata.get("langgraph_compatible", True),
        "documentation_url": row["documentation_url"],
        "health_status": metadata.get("health_status", "healthy"),
        "business_impact": metadata.get("business_impact"),
        "usage_guide": metadata.get("usage_guide"),
        "vendor": metadata.get("vendor"),
        "version": metadata.get("version", "1.0.0"),
    }
