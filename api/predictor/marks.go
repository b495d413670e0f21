package predictor

import (
	"github.com/labstack/echo/v4"

	"github.com/loanops/loanops/internal/deploy/contract"
)

// marks say of a request why its decisions are meant for nobody.
type marks struct {
	mirrored  bool // a copy of one that another track serves
	synthetic bool // the platform's own
}

func marksOf(c echo.Context) marks {
	header := c.Request().Header
	return marks{mirrored: header.Get(contract.MirroredHeader) == "true", synthetic: header.Get(contract.SyntheticHeader) == "true"}
}
