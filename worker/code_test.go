package main

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/registry"
)

func TestCodeOfABuild(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "(devel)"}, Settings: []debug.BuildSetting{
		{Key: "-trimpath", Value: "true"}, {Key: "vcs", Value: "git"}, {Key: "vcs.revision", Value: "0c622a7e"}, {Key: "vcs.modified", Value: "true"},
	}}
	require.Equal(t, registry.Code{Version: "(devel)", Revision: "0c622a7e", Modified: true, Go: "go1.26.8"}, codeOf(info))
	info.Settings = nil
	require.Equal(t, registry.Code{Version: "(devel)", Go: "go1.26.8"}, codeOf(info), "built without version control")
	require.NotEmpty(t, code().Go)
}
