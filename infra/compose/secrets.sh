#!/bin/sh
# Makes the secrets of docker-compose.yml once: .env for the servers' passwords, infra/compose/secrets/ for the tokens and keys that
# programs read from files. Nothing that is there already is changed.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
hash() { printf %s "$1" | sha256sum | cut -d' ' -f1; }

for name in agent.token rollback.token gateway.token synthetic.key north-bank.key repository.secret features-reader.key features-writer.key; do
  [ -s "secrets/$name" ] || random > "secrets/$name"
done
# What others give: a forge to whoever may clone, where a repository is not open to anybody; a registry of yours, with LOANOPS_REGISTRY_USERNAME.
for name in repository.token registry.password; do
  [ -e "secrets/$name" ] || : > "secrets/$name"
done
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
# A key that was made anew is nobody's until its server knows it.
known() {
  hash=$(hash "$(cat "secrets/$1")")
  grep -q "$hash" "secrets/$2" || echo "secrets.sh: infra/compose/secrets/$2 does not know $1: its sha256 there has to be $hash" >&2
}
known synthetic.key gateway-keys.json
known north-bank.key gateway-keys.json
known features-reader.key features-server-keys.json
known features-writer.key features-server-keys.json
# What a person gives to the command and gets from it; the command runs as another user there.
mkdir -p ../../files
chmod 1777 ../../files

# Compose mounts secret files as they are, and the programs run as another user there; on this host the folder keeps them.
chmod 644 secrets/*

cd ../..
[ -e .env ] || : > .env
chmod go-rwx .env
[ -z "$(tail -c 1 .env)" ] || echo >> .env # somebody's last line
# is what a setting is, however it is written: Compose reads export, blanks, a colon and quotes as well.
is() {
  sed -n -E "s/^[[:space:]]*(export[[:space:]]+)?$1[[:space:]]*[=:][[:space:]]*//p" .env | tail -n 1 | sed -E "s/^[\"'](.*)[\"'][[:space:]]*\$/\\1/"
}
setting() { [ -n "$(is "$1")" ] || echo "$1=$2" >> .env; }
setting TEMPORAL_DATABASE_PASSWORD "$(random)"
setting LOANOPS_DATABASE_PASSWORD "$(random)"
setting LOANOPS_FEATURES_PASSWORD "$(random)"
setting LOANOPS_S3_SECRET "$(random)"
# Who may ask the Docker engine, for the agent; a socket of another place is LOANOPS_DOCKER_SOCKET.
socket=${LOANOPS_DOCKER_SOCKET:-$(is LOANOPS_DOCKER_SOCKET)}
setting LOANOPS_DOCKER_GROUP "$(stat -L -c %g "${socket:-/var/run/docker.sock}" 2>/dev/null || echo 0)"
