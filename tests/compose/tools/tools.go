//go:build tools

// Package tools names the programs that the test of the Compose form builds where the machine has none of its own, so that go.mod holds their versions.
package tools

import _ "github.com/docker/compose/v2/cmd"
