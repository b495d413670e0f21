#!/bin/sh
# seed.sh FOLDER, from the root of the project: compiles what its packages and their tests import from Go's standard library and from other modules, and
# analyses it as go vet does, into a build cache that commands of its continuous integration may begin with (see run.sh, and docs/runbook.md, "This
# project's own repository"). Nothing of this project is in it: no package, and no outcome of a test. GOFLAGS and GOMODCACHE are as the commands have them,
# else what they compile is something else.
set -eu
export CGO_ENABLED=1 # as the commands have it, whatever the one that runs this was built with
seed=${1:?the folder of the seed is missing}
mkdir -p "$seed"
seed=$(cd "$seed" && pwd)
module=$(go list -m)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go list -f '{{range .Imports}}{{println .}}{{end}}{{range .TestImports}}{{println .}}{{end}}{{range .XTestImports}}{{println .}}{{end}}' ./... |
	sort -u | grep -v -e "^$module" -e '^C$' -e '^$' >"$work/imports"
cp go.mod go.sum "$work"
cd "$work"
go mod edit -module seed
{
	printf 'package seed\n\nimport (\n'
	sed 's/.*/\t_ "&"/' imports
	printf ')\n'
} >seed.go
printf 'package seed\n\nimport "testing"\n\nfunc TestNothing(*testing.T) {}\n' >seed_test.go
GOCACHE=$seed go build ./...
GOCACHE=$seed go vet ./...
GOCACHE=$seed go test -count=1 ./...
chmod -R a+rX "$seed"
