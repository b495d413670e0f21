// Package contract carries the REST contracts.
package contract

import _ "embed" // for the OpenAPI documents

// YAML is the OpenAPI document of decisions; a predictor fills in its model's fields.
//
//go:embed openapi.yaml
var YAML []byte

// Features is the OpenAPI document of the feature store.
//
//go:embed features.yaml
var Features []byte
