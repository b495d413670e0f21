#!/bin/sh
# Brings a platform that runs to the commit that is checked out, one service after the other, while clients ask: what answers them is started anew beside the old
# one, which ends when the new one is well. It stops at the first that does not become well, with what ran before going on; the same command again does the rest.
#
#   git pull && infra/compose/upgrade.sh
#
# DOCKER_COMPOSE is how Compose is called, where that is not `docker compose`.
set -eu
cd "$(dirname "$0")/../.."
compose=${DOCKER_COMPOSE:-docker compose}
limit=180 # seconds in which a container has to become well

say() { echo "==> $*"; }
stop() {
  echo "upgrade.sh: $*" >&2
  exit 1
}
cli() { $compose run --rm --no-TTY --no-deps cli "$@"; }

# look finds the containers of a service: $new are as the file and the images are now, $old are not.
look() {
  old='' new=''
  hash=$($compose --profile '*' config --hash "$1" | cut -d' ' -f2)
  for c in $($compose ps --all --quiet "$1"); do
    image=$(docker inspect --format '{{.Config.Image}}' "$c")
    now="$hash $(docker image inspect --format '{{.Id}}' "$image")"
    if [ "$(docker inspect --format '{{index .Config.Labels "com.docker.compose.config-hash"}} {{.Image}}' "$c")" = "$now" ]; then
      new="$new $c"
    else
      old="$old $c"
    fi
  done
}

# well waits for containers of a service, as many as there are to be.
well() { $compose up --detach --no-deps --wait --wait-timeout "$limit" "$@"; }

count() { echo $#; }

# beside has a new container well beside each old one; without old ones there is nothing to do.
beside() {
  look "$1"
  if [ -z "$old" ]; then
    say "$1: nothing to do"
    return
  fi
  say "$1: the new one beside the old one"
  olds=$(count $old) news=$(count $new)
  [ "$news" -ge "$olds" ] || news=$olds
  became=well
  well --no-recreate --scale "$1=$((olds + news))" "$1" || became=ill
  look "$1"
  [ "$became" = well ] || withdraw "$1" "did not become well"
}

# withdraw takes the new containers away, after what they said last.
withdraw() {
  for c in $new; do
    docker logs --tail 20 "$c" >&2 || true
    docker rm --force "$c" >/dev/null
  done
  stop "the new $1 $2, and is gone again; the old one goes on. Mend what is said above and repeat this, or check the former commit out and repeat this"
}

# end ends the old containers. They finish what they do: the gateway's say that they are not ready first.
end() {
  docker stop --time 30 $old >/dev/null
  docker rm $old >/dev/null
}

replace() {
  beside "$1"
  [ -z "$old" ] || end
}

# agent is made to be killed: its predictors serve on, and the next one adopts them. Told to end, it would end them.
agent() {
  look agent
  if [ -z "$old" ]; then
    say "agent: nothing to do"
    return
  fi
  say "agent: the next one adopts the predictors"
  $compose kill agent
  well agent || stop "the new agent did not become well: docker compose logs agent. Predictors serve on, and nothing is delivered: mend it and repeat this, or check the former commit out and repeat this"
}

# worker: runs begin on the new build once it has passed its trial, and those that go on end on the old one.
worker() {
  beside worker
  [ -n "$old" ] || return 0
  build=$(docker exec "${new##* }" /usr/local/bin/loanops-worker build)
  say "worker: build $build is tried"
  cli workers promote "$build" || withdraw worker "did not pass its trial"
  for c in $old; do
    was=$(docker exec "$c" /usr/local/bin/loanops-worker build) || continue # it does not run, or knows no such command
    [ "$was" != "$build" ] || continue
    say "worker: runs of build $was end; until then this may be interrupted, and repeated"
    cli workers drain "$was" --wait
  done
  end
}

# alone is away for a moment.
alone() {
  look "$1"
  if [ -z "$old" ]; then
    say "$1: nothing to do"
    return
  fi
  say "$1: it is away for a moment"
  well "$1" || stop "the new $1 did not become well: docker compose logs $1"
}

[ -n "$($compose ps --quiet gateway)" ] || stop "there is nothing to upgrade: docker compose up --build --detach"
say "images"
infra/compose/secrets.sh
$compose build agent gateway worker
replace features
agent
replace gateway
worker
alone hooks
say "done"
# The servers below are not of this project: when to have them away is a person's decision.
for service in $($compose config --services); do
  look "$service"
  [ -n "$old$new" ] || echo "$service is new: docker compose up --detach --no-deps $service"
  [ -z "$old" ] || echo "$service is another one now; away for a moment: docker compose up --detach --no-deps $service"
done
