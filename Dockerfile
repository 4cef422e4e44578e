# One image, three commands; the voice server is what it does unless told otherwise:
#   session bridge  gunicorn --name openclaw services.session_bridge.app:create   (with PORT=8082)
#   sandbox         python -m sandbox                                   (with PORT, SANDBOX_PORT, SANDBOX_HOST)
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS packages
WORKDIR /build
# pip has a venv of its own and fills the one that the image keeps.
RUN ["python3", "-m", "venv", "/pip"]
COPY requirements.txt .
RUN ["/pip/bin/python", "-m", "venv", "--without-pip", "/venv"]
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_REQUIRE_HASHES=1 PIP_ONLY_BINARY=:all:
RUN ["/pip/bin/pip", "--python", "/venv/bin/python", "install", "--requirement", "requirements.txt"]

FROM ${BASE}
# Whoever it runs as may write there, in volumes made from these folders too.
RUN ["install", "--directory", "--mode=1777", "/data", "/openclaw"]
COPY --from=packages /venv /venv
WORKDIR /app
# Nothing goes into the image but what is named here.
COPY config/agent.json config/prices.json config/
COPY services services/
COPY shared shared/
COPY sandbox sandbox/
RUN ["/venv/bin/python", "-m", "compileall", "-q", "."]

# PORT is where the container listens, on all its addresses: gunicorn reads it, and so does the health check. On the
# host's network gunicorn needs a --bind besides, as in docker-compose.yml.
# One worker, since calls and followers live in its memory. gunicorn waits longer than the services need to
# drain (DRAIN_SECONDS + 5), and docker-compose.yml longer than gunicorn; a longer drain needs all three.
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PORT=8080 \
    GUNICORN_CMD_ARGS="--worker-class=aiohttp.GunicornWebWorker --workers=1 --no-control-socket --graceful-timeout=30"

USER 1000:1000
EXPOSE 8080 8082 8090
HEALTHCHECK --interval=15s --timeout=5s --start-period=15s --retries=3 CMD ["python", "-c", "\
import http.client, os, sys; \
c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=4); \
c.request('GET', '/health'); \
sys.exit(c.getresponse().status != 200)"]
# In here the folders are these: what an env file says of them is meant for programs on the host.
ENTRYPOINT ["env", "DATA_DIR=/data", "CONFIG_DIR=/app/config", "OPENCLAW_STATE_DIR=/openclaw"]
CMD ["gunicorn", "services.voice_server.app:create"]
