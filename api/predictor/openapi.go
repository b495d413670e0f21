package predictor

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/labstack/echo/v4"

	"github.com/loanops/loanops/api/contract"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
)

// openAPI answers the contract with this model's fields in it.
func (p *Predictor) openAPI(c echo.Context) error {
	var document map[string]any
	if err := yaml.Unmarshal(contract.YAML, &document); err != nil {
		return fmt.Errorf("openapi.yaml: %w", err)
	}
	schemas := document["components"].(map[string]any)["schemas"].(map[string]any)
	schemas["Application"] = applicationSchema(p.decider.Model.Contract)
	return c.JSON(http.StatusOK, document)
}

// textBound says in words what maxLength, which counts characters, cannot.
var textBound = fmt.Sprintf("at most %d bytes of UTF-8", request.MaxTextBytes)

// applicationSchema describes what the contract takes.
func applicationSchema(accepted request.Contract) map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, f := range accepted.Fields {
		properties[f.Name] = fieldSchema(f)
		if !f.Nullable {
			required = append(required, f.Name)
		}
	}
	for _, name := range accepted.Identifiers {
		properties[name] = map[string]any{"description": "accepted and not looked at: a text of " + textBound + ", a number or null", "nullable": true}
	}
	for _, column := range accepted.Added {
		for key, name := range column.Keys {
			if accepted.Index(name) < 0 {
				properties[name] = map[string]any{"description": fmt.Sprintf("names the %s, of whom features are looked up: a text of %s, a number or null", key, textBound), "nullable": true}
			}
		}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// fieldSchema describes what may be sent in a field: where that is cleaned, the forms before and, in words, the cleaning and what is wanted after
// it.
func fieldSchema(f request.Field) map[string]any {
	forms := formsOf(f)
	for _, form := range forms {
		if f.Nullable {
			form["nullable"] = true
		}
	}
	schema := forms[0]
	if len(forms) > 1 {
		schema = map[string]any{"anyOf": forms}
	}
	if words := wordsOf(f); len(words) > 0 {
		schema["description"] = strings.Join(words, "; ")
	}
	return schema
}

// formsOf are the JSON forms of a field. Bounds and domain are of what is clean, and say nothing about what will be cleaned.
func formsOf(f request.Field) []map[string]any {
	form := map[string]any{"type": "number"}
	switch f.Type {
	case pipeline.Category:
		form["type"] = "string"
	case pipeline.Integer, pipeline.Boolean:
		form["type"] = string(f.Type)
	}
	switch {
	case len(f.Clean) > 0:
		if f.Type != pipeline.Category && f.TakesTexts() {
			return []map[string]any{form, {"type": "string"}}
		}
	case len(f.Domain) > 0:
		values := make([]any, 0, len(f.Domain)+1)
		for _, value := range f.Domain {
			values = append(values, value)
		}
		if f.Nullable {
			values = append(values, nil)
		}
		form["enum"] = values
	case f.Type == pipeline.Category:
		form["minLength"], form["maxLength"] = 1, request.MaxTextBytes
	default:
		if f.Min != nil {
			form["minimum"] = *f.Min
		}
		if f.Max != nil {
			form["maximum"] = *f.Max
		}
	}
	return []map[string]any{form}
}

// wordsOf says what no schema can.
func wordsOf(f request.Field) (words []string) {
	switch {
	case len(f.Clean) > 0 && len(f.Domain) > 0:
		words = append(words, "cleaned before it is looked at, and then one of "+strings.Join(f.Domain, ", "))
	case len(f.Clean) > 0:
		words = append(words, "cleaned before it is looked at, and then "+f.Values())
	case f.Type == pipeline.Decimal:
		words = append(words, fmt.Sprintf("at most %d decimal places", pipeline.DecimalPlaces))
	case f.Type == pipeline.Category && len(f.Domain) == 0:
		words = append(words, textBound)
	}
	words = append(words, f.Cleaning()...)
	if f.Unit != "" {
		words = append(words, "in "+f.Unit)
	}
	return words
}
