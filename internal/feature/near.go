package feature

import (
	"fmt"
	"strings"

	"github.com/loanops/loanops/internal/pipeline"
)

// maxNear is how many names are listed where none is near.
const maxNear = 12

// near says which name was meant, or what there is.
func near(name string, known []string) string {
	if said := pipeline.Suggestion(name, known); len(known) <= maxNear || !strings.HasPrefix(said, "known are ") {
		return said
	}
	return fmt.Sprintf("known are %s and %d more", strings.Join(known[:maxNear], ", "), len(known)-maxNear)
}
