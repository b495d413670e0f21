package respond

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/loanops/loanops/internal/problem"
)

// BodyLimit refuses requests of more than so many MiB: those that say how long they are before they are read, others by Body. Echo's own does not tell whoever sends them the limit.
func BodyLimit(mib int) echo.MiddlewareFunc {
	most := int64(mib) << 20
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			request := c.Request()
			if request.ContentLength > most {
				return tooLarge(most)
			}
			request.Body = http.MaxBytesReader(c.Response(), request.Body, most)
			return next(c)
		}
	}
}

// Body reads all of a request's body.
func Body(c echo.Context) ([]byte, error) {
	data, err := io.ReadAll(c.Request().Body)
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge(over.Limit)
	case err != nil:
		return nil, problem.New(http.StatusBadRequest, "the body could not be read")
	}
	return data, nil
}

func tooLarge(most int64) error {
	return problem.New(http.StatusRequestEntityTooLarge, fmt.Sprintf("the request is larger than %d MiB", most>>20))
}
