# The service, its workers and every command in one image: `web` (the default), `worker`, or any word of manage.py.
# The wheels are made ready in a stage of their own, so that pip and its cache stay behind.
FROM python:3.11-slim-bookworm AS wheels
COPY requirements.txt /requirements.txt
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /requirements.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /srv/vital --shell /usr/sbin/nologin vital
COPY --from=wheels /venv /venv
WORKDIR /srv/vital
COPY manage.py ./
COPY vital ./vital
COPY tenants ./tenants
COPY catalog ./catalog
COPY migrations_ops ./migrations_ops
COPY deploy/container.sh deploy/healthcheck.py ./deploy/
# Nobody may write beside the modules later, and every command would compile them anew.
RUN /venv/bin/python -m compileall -q vital tenants catalog migrations_ops
# Logs and backups are all that is written; mount volumes there, or they go with the container.
RUN mkdir logs backups && chown vital logs backups
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PORT=3000
USER vital
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["python", "deploy/healthcheck.py"]
ENTRYPOINT ["sh", "deploy/container.sh"]
CMD ["web"]
