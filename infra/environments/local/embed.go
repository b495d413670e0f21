// Package local is the Terraform environment of one pipeline on this machine: its configuration, embedded so that a worker needs no
// checkout, and what a workspace of it needs.
package local

import "embed"

// FS holds the *.tf files.
//
//go:embed *.tf
var FS embed.FS
