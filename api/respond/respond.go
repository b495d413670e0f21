// Package respond answers Echo's requests with problems. What it does not know it logs and never shows.
package respond

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/problem"
)

// Error is Echo's error handler.
func Error(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := problemOf(err)
	if p.Status == http.StatusInternalServerError {
		slog.Error("request failed", "path", c.Path(), "error", err.Error())
	}
	if p.Status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="loanops"`)
	}
	c.Response().Header().Set(echo.HeaderContentType, problem.MediaType)
	c.Response().WriteHeader(p.Status)
	if c.Request().Method != http.MethodHead {
		_ = c.Echo().JSONSerializer.Serialize(c, p, "") // the client may be gone
	}
}

func problemOf(err error) *problem.Problem {
	var p *problem.Problem
	var framework *echo.HTTPError
	var known *fault.Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &framework):
		return problem.New(framework.Code, map[int]string{
			http.StatusNotFound:         "there is no such resource; see /openapi.json",
			http.StatusMethodNotAllowed: "the resource has no such method; see /openapi.json",
		}[framework.Code])
	case errors.As(err, &known):
		// A lender hears what is wrong with the request; a cause may tell of the inside.
		return problem.FromFault(fault.New(known.Code, "%s", known.Message))
	default:
		return problem.FromFault(err)
	}
}

// RequireJSON refuses bodies of another media type.
func RequireJSON(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		media, _, _ := strings.Cut(c.Request().Header.Get(echo.HeaderContentType), ";")
		if c.Request().Method == http.MethodPost && !strings.EqualFold(strings.TrimSpace(media), echo.MIMEApplicationJSON) {
			return problem.New(http.StatusUnsupportedMediaType, "send Content-Type: application/json")
		}
		return next(c)
	}
}
