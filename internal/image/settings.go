package image

import "github.com/loanops/loanops/internal/settings"

// RegistryOf is the registry that a program's settings name.
func RegistryOf(s settings.Settings) Registry {
	return Registry{URL: s.Registry, Username: s.RegistryUsername, PasswordFile: s.RegistryPasswordFile}
}
