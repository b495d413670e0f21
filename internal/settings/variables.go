package settings

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// variable is one of the settings as its field describes it.
type variable struct {
	name, value string
	neededBy    []string
}

// variables lists all of them in the order of the fields.
func (s Settings) variables() []variable {
	var all []variable
	fields := reflect.ValueOf(s)
	for i := range fields.NumField() {
		field := fields.Type().Field(i)
		if needed, ok := field.Tag.Lookup("needed"); ok {
			all = append(all, variable{field.Tag.Get("env"), fields.Field(i).String(), strings.Fields(needed)})
		}
	}
	return all
}

// of keeps those that one of the roles needs.
func of(all []variable, roles []string) []variable {
	return slices.DeleteFunc(all, func(v variable) bool {
		return !slices.ContainsFunc(v.neededBy, func(role string) bool { return slices.Contains(roles, role) })
	})
}

// Environ returns what the roles need as NAME=value.
func (s Settings) Environ(roles ...string) []string {
	var environ []string
	for _, v := range of(s.variables(), roles) {
		environ = append(environ, v.name+"="+v.value)
	}
	return environ
}

// require names all variables that the roles need and that are not set, each with the roles that need it.
func (s Settings) require(roles ...string) error {
	var missing []string
	for _, v := range of(s.variables(), roles) {
		if v.value == "" {
			needing := slices.DeleteFunc(v.neededBy, func(role string) bool { return !slices.Contains(roles, role) })
			missing = append(missing, fmt.Sprintf("%s (for %s)", v.name, strings.Join(needing, ", ")))
		}
	}
	if len(missing) > 0 {
		return fault.New(fault.Invalid, "these variables are not set: %s; see docs/reference.md, or start the platform with `loanops up`",
			strings.Join(missing, ", "))
	}
	return nil
}
