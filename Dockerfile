# syntax=docker/dockerfile:1
# Tags name exact versions. Pin them by digest in your own registry: a digest written here would
# hold back the security fixes of the base image until the next release of this project.
FROM node:22-bookworm-slim AS assets
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-progress

FROM python:3.11-slim-bookworm AS packages
COPY requirements.txt .
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 desk \
    && useradd --uid 10001 --gid desk --no-create-home --home-dir /app --shell /usr/sbin/nologin desk
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=tradingsite.settings.production
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY . .
COPY --from=assets /build/node_modules/bootstrap/LICENSE \
    /build/node_modules/bootstrap/dist/css/bootstrap.min.css \
    /build/node_modules/bootstrap/dist/css/bootstrap.min.css.map \
    /build/node_modules/bootstrap/dist/js/bootstrap.bundle.min.js \
    /build/node_modules/bootstrap/dist/js/bootstrap.bundle.min.js.map static/vendor/bootstrap/
COPY --from=assets /build/node_modules/lightweight-charts/LICENSE \
    /build/node_modules/lightweight-charts/dist/lightweight-charts.standalone.production.js \
    static/vendor/lightweight-charts/
# The settings want services to be named; collecting files opens none of them
RUN DATABASE_URL=postgresql://nobody@localhost/none REDIS_URL=redis://localhost/0 \
    DESK_ALLOWED_HOSTS=localhost DESK_SECRET_KEY=only-while-the-image-is-built \
    DESK_SEALING_KEYS=none:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    python manage.py collectstatic --noinput --verbosity 0
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-m", "config.container_health"]
CMD ["sh", "-c", "exec gunicorn --config python:apps.operations.web_server \
    --bind 0.0.0.0:${DESK_HTTP_PORT:-8000} --workers ${DESK_WEB_WORKERS:-2} tradingsite.wsgi"]
