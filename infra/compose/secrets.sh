#!/bin/sh
# Makes the secrets of docker-compose.yml once: .env for the servers' passwords, infra/compose/secrets/ for the tokens and keys that
# programs read from files. Nothing that is there already is changed.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
hash() { printf %s "$1" | sha256sum | cut -d' ' -f1; }

for name in agent.token rollback.token gateway.token synthetic.key north-bank.key repository.secret features-reader.key features-writer.key; do
  [ -s "secrets/$name" ] || random > "secrets/$name"
done
# What a forge gives to whoever may clone; put it here, where a repository is not open to anybody.
[ -e secrets/repository.token ] || : > secrets/repository.token
# What signs alerts, in the form of Standard Webhooks: whsec_ and base64.
[ -s secrets/alert.secret ] || printf 'whsec_%s' "$(head -c 32 /dev/urandom | base64)" > secrets/alert.secret
[ -s secrets/gateway-keys.json ] || cat > secrets/gateway-keys.json <<JSON
{
  "synthetic": {"sha256": "$(hash "$(cat secrets/synthetic.key)")"},
  "north-bank": {"sha256": "$(hash "$(cat secrets/north-bank.key)")", "type": "bank"}
}
JSON
[ -s secrets/features-server-keys.json ] || cat > secrets/features-server-keys.json <<JSON
{
  "reader": {"sha256": "$(hash "$(cat secrets/features-reader.key)")", "rights": ["read"]},
  "writer": {"sha256": "$(hash "$(cat secrets/features-writer.key)")", "rights": ["read", "write"]}
}
JSON
# What a person gives to the command and gets from it; the command runs as another user there.
mkdir -p ../../files
chmod 1777 ../../files

# Compose mounts secret files as they are, and the programs run as another user there; on this host the folder keeps them.
chmod 644 secrets/*

[ -s ../../.env ] || cat > ../../.env <<ENV
TEMPORAL_DATABASE_PASSWORD=$(random)
LOANOPS_DATABASE_PASSWORD=$(random)
LOANOPS_FEATURES_PASSWORD=$(random)
LOANOPS_S3_SECRET=$(random)
ENV
# Of before there was a feature store; its role and database are then to be made as database.sh makes them.
grep -q '^LOANOPS_FEATURES_PASSWORD=' ../../.env || echo "LOANOPS_FEATURES_PASSWORD=$(random)" >> ../../.env
# Who may ask the Docker engine, for the agent; a socket of another place is LOANOPS_DOCKER_SOCKET.
grep -q '^LOANOPS_DOCKER_GROUP=' ../../.env || echo "LOANOPS_DOCKER_GROUP=$(stat -c %g "${LOANOPS_DOCKER_SOCKET:-/var/run/docker.sock}" 2>/dev/null || echo 0)" >> ../../.env
