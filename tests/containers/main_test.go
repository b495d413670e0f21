package containers

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/loanops/loanops/tests/compose/engine"
	"github.com/loanops/loanops/tests/platformtest"
)

// TestMain starts an engine where none answers and this is allowed: without one there is nothing to test.
func TestMain(m *testing.M) {
	stop, err := engine.Ensure(context.Background(), "../../.compose/engine", platformtest.Say)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	stop()
	os.Exit(code)
}
