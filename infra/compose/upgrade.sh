#!/bin/sh
# Brings a platform that runs to the commit that is checked out, one service after the other, while clients ask: what answers them is started anew beside the old
# one, which ends when the new one is well. It stops at the first that does not become well, with what ran before going on; the same command again does the rest.
#
#   git pull && infra/compose/upgrade.sh
#
# DOCKER_COMPOSE is how Compose is called, where that is not `docker compose`; UPGRADE_LIMIT are the seconds in which a container has to become well.
set -eu
cd "$(dirname "$0")/../.."
compose=${DOCKER_COMPOSE:-docker compose}
limit=${UPGRADE_LIMIT:-180}
trap 'exit 130' INT # else an interrupted command would pass for one that failed

say() { echo "==> $*"; }
stop() {
  echo "upgrade.sh: $*" >&2
  exit 1
}
cli() { $compose run --rm --no-TTY --no-deps cli "$@"; }

# look finds the containers of a service: $new are as the file and the images are now, $old are not. $kinds has a line for each of the old ones, with what they are
# made of.
look() {
  old='' new='' kinds=''
  hash=$($compose --profile '*' config --hash "$1")
  hash=${hash#* }
  all=$($compose ps --all --quiet "$1")
  for c in $all; do
    image=$(docker inspect --format '{{.Config.Image}}' "$c")
    now=$(docker image inspect --format '{{.Id}}' "$image")
    is=$(docker inspect --format '{{index .Config.Labels "com.docker.compose.config-hash"}} {{.Image}}' "$c")
    if [ "$is" = "$hash $now" ]; then
      new="$new $c"
    else
      old="$old $c"
      kinds="$kinds$is
"
    fi
  done
}

# await waits until each of the containers is well: it runs, and its health check, where it has one, says so.
await() {
  seconds=$limit
  for c in "$@"; do
    until docker inspect --format '{{.State.Status}} {{with .State.Health}}{{.Status}}{{end}}' "$c" | grep -qE '^running (healthy)?$'; do
      [ "$seconds" -gt 0 ] || return 1
      seconds=$((seconds - 1))
      sleep 1
    done
  done
}

count() { echo $#; }

# beside has as many new containers well as there are old ones of a kind, however these are: of an upgrade that was not finished there are two kinds. $made are
# those that it had to make. Without old ones there is nothing to do but to see that the new ones are well.
beside() {
  look "$1"
  made=''
  if [ -z "$old" ]; then
    say "$1: nothing to do"
    await $new || stop "$1 is not well: docker compose logs $1"
    return
  fi
  say "$1: the new one beside the old one"
  before=$new
  news=$(count $new)
  wanted=$(printf %s "$kinds" | sort | uniq -c | sort -rn | awk 'NR == 1 {print $1}')
  [ "$news" -ge "$wanted" ] || news=$wanted
  became=well
  $compose up --detach --no-deps --no-recreate --scale "$1=$(($(count $old) + news))" "$1" || became=ill
  look "$1"
  for c in $new; do
    case " $before " in *" $c "*) ;; *) made="$made $c" ;; esac
  done
  if [ "$became" = ill ] || ! await $new; then
    withdraw "$1" "did not become well" $made
  fi
}

# withdraw takes new containers away, after what they said last.
withdraw() {
  service=$1 what=$2
  shift 2
  for c in "$@"; do
    docker logs --tail 20 "$c" >&2 || true
    docker rm --force "$c" >/dev/null
  done
  stop "the new $service $what. What ran before goes on: mend what is said above and repeat this, or check the former commit out and repeat this"
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

# alone has the one container of a service anew: the old one is away before, as it says.
alone() {
  look "$1"
  if [ -z "$old" ]; then
    say "$1: nothing to do"
  else
    say "$1: $2"
  fi
  trap '' INT # what was killed for this would stay away, also when this host starts again
  [ -z "$old" ] || [ "$1" != agent ] || $compose kill agent
  $compose up --detach --no-deps "$1" || true # await says what is wrong
  trap 'exit 130' INT
  look "$1"
  [ -z "$old" ] && [ -n "$new" ] && await $new ||
    stop "the new $1 did not become well: docker compose logs $1. Mend it and repeat this, or check the former commit out and repeat this$3"
}

# worker: runs begin on the new build once it has passed its trial, and those that go on end on the old one.
worker() {
  beside worker
  [ -n "$new" ] || return 0
  build=$(docker exec "${new##* }" /usr/local/bin/loanops-worker build)
  [ -z "$old" ] || say "worker: build $build is tried"
  promoted=0
  cli workers promote "$build" || promoted=$?
  case $promoted in
    0) ;;
    3) [ -n "$old" ] || stop "build $build did not pass its trial, and no worker of another one is there"
      withdraw worker "did not pass its trial" $new ;; # for any other reason it may be what runs begin on: the reply can be what was lost
    *) stop "build $build may be the one on which runs begin, or not: repeat this" ;;
  esac
  for c in $old; do
    if ! was=$(docker exec "$c" /usr/local/bin/loanops-worker build); then
      echo "a worker that does not run ends as well; whether runs wait for its build says: loanops workers list"
      continue
    fi
    [ "$was" != "$build" ] || continue
    say "worker: runs of build $was end; until then this may be interrupted, and repeated"
    cli workers drain "$was" --wait
  done
  [ -z "$old" ] || end
}

[ -n "$($compose ps --all --quiet gateway)" ] || stop "there is nothing to upgrade: docker compose up --build --detach"
say "images"
infra/compose/secrets.sh
# One at a time: what another one has begun would pass for what is there. The folder is one that no checkout replaces.
exec 9< infra/compose/secrets
! command -v flock >/dev/null || flock --nonblock 9 || stop "another upgrade goes on"
$compose build agent gateway worker
replace features
# It is made to be killed: its predictors serve on, and the next one adopts them. Told to end, it would end them.
alone agent "the next one adopts the predictors" ". Predictors serve on, and nothing is delivered"
replace gateway
worker
alone hooks "it is away for a moment" ""
say "done"
# The servers below are not of this project: when to have them away is a person's decision.
for service in $($compose config --services); do
  look "$service"
  [ -n "$old$new" ] || echo "$service is new: docker compose up --detach --no-deps $service"
  [ -z "$old" ] || echo "$service is another one now; away for a moment: docker compose up --detach --no-deps $service"
done
