// Package features carries the feature definitions that come with LoanOps: what a credit bureau and a history of payments say of applicants.
package features

import "embed"

// FS holds the *.yaml files of this folder.
//
//go:embed *.yaml
var FS embed.FS
