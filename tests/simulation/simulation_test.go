package simulation

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const written = `# Rates

Of 20 each.

## First

| Found, % | few | many |
|---|---:|---:|
| one | 5.0 | 100.0 |
| two | – | 0.5 |

## Second

| Found, % | few | many |
|---|---:|---:|
| one | 1.0 | 2.0 |
`

func page(t *testing.T, text string) Page {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	p, err := ReadPage(path)
	require.NoError(t, err)
	return p
}

// A table is found by its section, its head and the row.
func TestPage(t *testing.T) {
	t.Parallel()
	p := page(t, written)
	require.Equal(t, []string{"5.0", "100.0"}, p.Row("First", "Found, %", "one"))
	numbers, err := p.Numbers("Second", "Found, %", "one", 2)
	require.NoError(t, err)
	require.Equal(t, []float64{1, 2}, numbers)
	_, err = p.Numbers("Second", "Found, %", "one", 3)
	require.EqualError(t, err, "Second; Found, %; one has 2 cells, not 3")
	_, err = p.Numbers("First", "Found, %", "two", 2)
	require.ErrorContains(t, err, "First; Found, %; two: ")
	require.Empty(t, p.Row("First", "Found, %", "three"))
}

// What another run would write is found, whatever it is.
func TestStale(t *testing.T) {
	t.Parallel()
	p := page(t, written)
	cell := func(change func(*Cell)) []Cell {
		c := Cell{Section: "First", Title: "Found, %", Row: "two", Column: 1, Text: "0.5"}
		change(&c)
		return []Cell{c}
	}
	require.Empty(t, p.Stale([]string{"Of 20 each.\n", "## First\n"}, cell(func(*Cell) {})))
	require.Equal(t, []string{"the text Of 30 each."}, p.Stale([]string{"Of 30 each."}, nil))
	require.Equal(t, []string{"First; Found, %; two, cell 1: 0.5, now it is 0.6"}, p.Stale(nil, cell(func(c *Cell) { c.Text = "0.6" })))
	for _, change := range []func(*Cell){func(c *Cell) { c.Column = 2 }, func(c *Cell) { c.Row = "three" }, func(c *Cell) { c.Section = "Second" }, func(c *Cell) { c.Title = "Lost, %" }} {
		require.Len(t, p.Stale(nil, cell(change)), 1)
	}
}

// The largest counts that a binomial number exceeds at most once in 1,000: sums of its probabilities, with Python.
func TestMost(t *testing.T) {
	t.Parallel()
	require.Equal(t, 4, Most(60, 0.01))
	require.Equal(t, 14, Most(120, 0.05))
	require.Equal(t, 299, Most(5000, 0.05))
}

// All is done, what costs most first, and of what costs the same what comes first.
func TestRun(t *testing.T) {
	t.Parallel()
	var done [5]atomic.Int64
	var order []int
	var work []Work
	for i, cost := range []float64{1, 3, 1, 2, 3} {
		work = append(work, Work{Cost: cost, Do: func() { done[i].Add(1) }})
	}
	for _, w := range ordered(work) {
		w.Do()
		for i := range done {
			if done[i].Swap(0) > 0 {
				order = append(order, i)
			}
		}
	}
	require.Equal(t, []int{1, 4, 3, 0, 2}, order)
	Run(work)
	for i := range done {
		require.EqualValues(t, 1, done[i].Load())
	}
}

// Something is said every ten seconds at most, and what is left is taken to go on as it went.
func TestProgress(t *testing.T) {
	t.Parallel()
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	p := progress{began: at(0), said: at(0), all: 200}
	require.Empty(t, p.after(20, at(9)))
	require.Equal(t, " 20 % after 12s, about 48s left", p.after(20, at(12)))
	require.Empty(t, p.after(20, at(21)))
	require.Equal(t, "100 % after 1m0s, about 0s left", p.after(140, at(60)))
	unknown := progress{began: at(0), said: at(0), all: 1}
	require.Empty(t, unknown.after(0, at(60)), "nothing that costs is done")
}
