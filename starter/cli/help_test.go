package cli

import (
	"cmp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// commands lists every command with its path, such as "models show".
func commands() map[string]*cobra.Command {
	all := map[string]*cobra.Command{}
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if path := strings.TrimPrefix(c.CommandPath(), "loanops"); path != "" {
			all[strings.TrimSpace(path)] = c
		}
		for _, child := range c.Commands() {
			visit(child)
		}
	}
	visit((&app{}).root())
	return all
}

// helpColumns is how wide help may be.
const helpColumns = 100

// Help is read on a terminal and learnt from by its example.
func TestEveryHelpFitsATerminalAndShowsAnExample(t *testing.T) {
	t.Parallel()
	for path, c := range commands() {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, code := run(t, append(strings.Fields(path), "--help")...)
			require.Equal(t, 0, code)
			require.Empty(t, stderr)
			require.Contains(t, stdout, "Usage:\n  loanops "+path)
			require.Contains(t, stdout, "Examples:\n"+c.Example)
			require.Contains(t, stdout, cmp.Or(c.Long, c.Short))
			for line := range strings.Lines(stdout) {
				require.LessOrEqual(t, len([]rune(strings.TrimRight(line, "\n"))), helpColumns, line)
			}
		})
	}
}
