// Package pipelines carries the specs that come with LoanOps: one YAML file per loan product.
package pipelines

import "embed"

// FS holds the *.yaml files of this folder.
//
//go:embed *.yaml
var FS embed.FS
