// Package problem writes errors as application/problem+json (RFC 9457). What it does not know it logs and never shows.
package problem

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/loanops/loanops/internal/fault"
)

// FieldError is one field of an application and what would be right there. It never repeats the applicant's value.
type FieldError struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Problem is the body of an error.
type Problem struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail,omitempty"`
	Errors []FieldError `json:"errors,omitempty"`
}

// Error is the detail, so that a Problem can be returned as an error.
func (p *Problem) Error() string { return p.Detail }

// maxFields bounds how many wrong fields an answer names: what is sent wrong must not make the answer larger than what was sent.
const maxFields = 100

// New is a problem of a status. Of very many wrong fields the first are named.
func New(status int, detail string, fields ...FieldError) *Problem {
	if len(fields) > maxFields {
		detail = fmt.Sprintf("%s; the first %d of %d are listed", detail, maxFields, len(fields))
		fields = fields[:maxFields]
	}
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Errors: fields}
}

var statuses = map[fault.Code]int{
	fault.Invalid: http.StatusUnprocessableEntity, fault.NotFound: http.StatusNotFound, fault.Conflict: http.StatusConflict,
	fault.Refused: http.StatusUnprocessableEntity, fault.Unavailable: http.StatusServiceUnavailable, fault.Unauthorized: http.StatusUnauthorized,
}

// Handler is Echo's error handler.
func Handler(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	p := from(err)
	if p.Status == http.StatusInternalServerError {
		slog.Error("request failed", "path", c.Path(), "error", err.Error())
	}
	if p.Status == http.StatusUnauthorized {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="loanops"`)
	}
	c.Response().Header().Set(echo.HeaderContentType, "application/problem+json")
	c.Response().WriteHeader(p.Status)
	if c.Request().Method != http.MethodHead {
		_ = c.Echo().JSONSerializer.Serialize(c, p, "") // the client may be gone
	}
}

func from(err error) *Problem {
	var p *Problem
	var framework *echo.HTTPError
	var known *fault.Error
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &framework):
		return New(framework.Code, map[int]string{
			http.StatusNotFound:              "there is no such resource; see /openapi.json",
			http.StatusMethodNotAllowed:      "the resource has no such method; see /openapi.json",
			http.StatusRequestEntityTooLarge: "the body is too large; at most 1 MiB is read",
		}[framework.Code])
	case errors.As(err, &known) && statuses[known.Code] != 0:
		return New(statuses[known.Code], known.Message)
	default:
		return New(http.StatusInternalServerError, "the request failed by a fault of the server")
	}
}

// RequireJSON refuses bodies of another media type.
func RequireJSON(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		media, _, _ := strings.Cut(c.Request().Header.Get(echo.HeaderContentType), ";")
		if c.Request().Method == http.MethodPost && !strings.EqualFold(strings.TrimSpace(media), echo.MIMEApplicationJSON) {
			return New(http.StatusUnsupportedMediaType, "send Content-Type: application/json")
		}
		return next(c)
	}
}
