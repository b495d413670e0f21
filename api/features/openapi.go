package features

import (
	"fmt"
	"net/http"

	"github.com/goccy/go-yaml"
	"github.com/labstack/echo/v4"

	"github.com/loanops/loanops/api/contract"
)

func (s *Server) openAPI(c echo.Context) error {
	var document map[string]any
	if err := yaml.Unmarshal(contract.Features, &document); err != nil {
		return fmt.Errorf("features.yaml: %w", err)
	}
	return c.JSON(http.StatusOK, document)
}
