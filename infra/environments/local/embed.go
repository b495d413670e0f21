// Package local is the Terraform configuration of one pipeline's environment on this machine, embedded so that a worker
// needs no checkout.
package local

import "embed"

// FS holds the *.tf files.
//
//go:embed *.tf
var FS embed.FS
