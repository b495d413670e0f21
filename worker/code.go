package main

import (
	"runtime/debug"

	"github.com/loanops/loanops/internal/registry"
)

// code is this program, as versions that it trains tell it.
func code() registry.Code {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return registry.Code{}
	}
	return codeOf(info)
}

func codeOf(info *debug.BuildInfo) registry.Code {
	c := registry.Code{Version: info.Main.Version, Go: info.GoVersion}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			c.Revision = setting.Value
		case "vcs.modified":
			c.Modified = setting.Value == "true"
		}
	}
	return c
}
