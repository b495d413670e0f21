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
	usedBy      []string // by these as well, where it is set
}

// variables lists all of them in the order of the fields.
func (s Settings) variables() []variable {
	var all []variable
	fields := reflect.ValueOf(s)
	for i := range fields.NumField() {
		field := fields.Type().Field(i)
		if name := field.Tag.Get("env"); name != "-" {
			all = append(all, variable{name, fields.Field(i).String(), strings.Fields(field.Tag.Get("needed")), strings.Fields(field.Tag.Get("used"))})
		}
	}
	return all
}

// Variables are the names of those that programs of the roles need, or use where they are set.
func Variables(roles ...string) []string {
	var names []string
	for _, v := range (Settings{}).variables() {
		if among(v.neededBy, roles) || among(v.usedBy, roles) {
			names = append(names, v.name)
		}
	}
	return names
}

// among reports whether one of the roles is among others.
func among(others, roles []string) bool {
	return slices.ContainsFunc(others, func(role string) bool { return slices.Contains(roles, role) })
}

// Environ returns what the roles need, and what they use that is set, as NAME=value.
func (s Settings) Environ(roles ...string) []string {
	var environ []string
	for _, v := range s.variables() {
		if among(v.neededBy, roles) || v.value != "" && among(v.usedBy, roles) {
			environ = append(environ, v.name+"="+v.value)
		}
	}
	return environ
}

// require names all variables that the roles need and that are not set, each with the roles that need it.
func (s Settings) require(roles ...string) error {
	var missing []string
	for _, v := range s.variables() {
		if v.value == "" && among(v.neededBy, roles) {
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
