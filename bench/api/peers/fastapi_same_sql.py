"""FastAPI and asyncpg with VITAL's own statement for the page, prepared; no credentials, no transaction, no RLS."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from fastapi import FastAPI
from fastapi.responses import Response

OWN, PLATFORM = os.environ["BENCH_TENANTS"].split(",")
STATEMENT = Path(os.environ["BENCH_STATEMENT"]).read_text(encoding="utf-8")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"]) as app.state.pool:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/api/tools-crud")
async def tools(limit: int = 10_000, offset: int = 0) -> Response:
    async with app.state.pool.acquire() as connection:
        rows = await connection.fetch(STATEMENT, OWN, PLATFORM, limit, offset, limit + offset)
    shown = ", ".join([row[0] for row in rows])
    rest = f'"count": {rows[0][1] if rows else 0}, "limit": {limit}, "offset": {offset}'
    return Response(f'{{"success": true, "tools": [{shown}], {rest}}}', media_type="application/json")
