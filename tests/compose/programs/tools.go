//go:build tools

// Package programs names the programs of the public images for which tests/compose makes stand-ins, so that go.mod holds their versions.
package programs

import (
	_ "github.com/distribution/distribution/v3/cmd/registry"
	_ "github.com/temporalio/ui-server/v2/cmd/server"
	_ "github.com/versity/versitygw/cmd/versitygw"
	_ "go.temporal.io/server/cmd/server"
	_ "go.temporal.io/server/cmd/tools/sql"
)
