package drill_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/drill"
	"github.com/loanops/loanops/internal/fault"
)

// The grammar is that of docs/reference.md: nothing, delay=200ms (at most a minute), crash_after=20.
func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]drill.Drill{
		"":                                {},
		"delay=200ms":                     {Delay: 200 * time.Millisecond},
		"delay=1ns":                       {Delay: 1},
		"delay=1m":                        {Delay: time.Minute},
		"delay=0.5s":                      {Delay: 500 * time.Millisecond},
		"crash_after=1":                   {CrashAfter: 1},
		"crash_after=20":                  {CrashAfter: 20},
		"crash_after=2147483647":          {CrashAfter: 1<<31 - 1},
		"delay=1h":                        {},
		"delay=60.000000001s":             {},
		"delay=0s":                        {},
		"delay=-1s":                       {},
		"delay=200":                       {}, // of what?
		"delay=":                          {},
		"delay":                           {},
		"Delay=1s":                        {},
		" delay=1s":                       {},
		"delay=1s ":                       {},
		"delay=1s,crash_after=2":          {},
		"delay=1s=2s":                     {},
		"delay=9999999999999999h":         {},
		"crash_after=0":                   {},
		"crash_after=-1":                  {},
		"crash_after=1.5":                 {},
		"crash_after=0x10":                {},
		"crash_after=many":                {},
		"crash_after=":                    {},
		"crash_after=9999999999999999999": {},
		"=":                               {},
		"=200ms":                          {},
		"meteor":                          {},
		"meteor=1":                        {},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := drill.Parse(text)
			require.Equal(t, want, got)
			if want == (drill.Drill{}) && text != "" {
				require.Equal(t, fault.Invalid, fault.CodeOf(err))
				require.ErrorContains(t, err, "delay=200ms (at most 1m0s) or crash_after=20")
				return
			}
			require.NoError(t, err)
		})
	}
}

// Whatever is asked for, a drill injects at most one fault, of a bounded size, and what is not understood injects none: it is refused.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"", "delay=200ms", "crash_after=20", "delay=1h", "crash_after=0", "=", "delay=1s=2s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := drill.Parse(text)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			require.Zero(t, d)
			return
		}
		require.Equal(t, text == "", d == drill.Drill{})
		require.True(t, d.Delay == 0 || d.CrashAfter == 0)
		require.True(t, d.Delay >= 0 && d.Delay <= time.Minute)
		require.GreaterOrEqual(t, d.CrashAfter, 0)
		again, err := drill.Parse(text)
		require.NoError(t, err)
		require.Equal(t, d, again)
	})
}
