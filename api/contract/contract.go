// Package contract carries the REST contract.
package contract

import _ "embed" // for openapi.yaml

// YAML is the OpenAPI document; a predictor fills in its model's fields.
//
//go:embed openapi.yaml
var YAML []byte
