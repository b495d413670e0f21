package measure_test

import (
	"os"
	"testing"

	"github.com/loanops/loanops/internal/deploy/deploytest"
)

// TestMain is also the predictor that Run starts.
func TestMain(m *testing.M) {
	deploytest.Main()
	os.Exit(m.Run())
}
