package warehouse_test

import (
	"flag"
	"os"
	"testing"
)

// histories is how many random histories a property is held to. They are large: most of the time of a small one is that of opening a database and of planning its
// statements.
const histories = "25"

// TestMain takes another number from -rapid.checks.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		if err := flag.Set("rapid.checks", histories); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
