package predictor

import (
	"fmt"
	"net/http"

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
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

func fieldSchema(f request.Field) map[string]any {
	schema := map[string]any{"type": "number"}
	if f.Type == pipeline.Category {
		schema = map[string]any{"type": "string", "minLength": 1, "maxLength": request.MaxTextBytes, "description": textBound}
	}
	if len(f.Domain) > 0 {
		values := make([]any, 0, len(f.Domain)+1)
		for _, value := range f.Domain {
			values = append(values, value)
		}
		if f.Nullable {
			values = append(values, nil)
		}
		schema = map[string]any{"type": "string", "enum": values}
	}
	if f.Min != nil {
		schema["minimum"] = *f.Min
	}
	if f.Max != nil {
		schema["maximum"] = *f.Max
	}
	if f.Unit != "" {
		schema["description"] = "in " + f.Unit
	}
	if f.Nullable {
		schema["nullable"] = true
	}
	return schema
}
