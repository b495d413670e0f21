package simulation

import (
	"fmt"
	"strings"
)

// Head begins a table of numbers: what its rows are is in its first cell.
func Head(b *strings.Builder, title string, columns ...string) {
	Row(b, title, columns...)
	b.WriteString("|---|" + strings.Repeat("---:|", len(columns)) + "\n")
}

// Row is a row of a table.
func Row(b *strings.Builder, name string, cells ...string) {
	fmt.Fprintf(b, "| %s |\n", strings.Join(append([]string{name}, cells...), " | "))
}

// Percent is a share in percent with so many places.
func Percent(count, of, places int) string {
	return fmt.Sprintf("%.*f", places, 100*float64(count)/float64(of))
}
