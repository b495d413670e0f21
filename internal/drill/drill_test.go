package drill_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/drill"
	"github.com/loanops/loanops/internal/fault"
)

// all is every request, in hundredths of a percent.
const all = 10_000

// The grammar is that of docs/reference.md. What is wanted to be nothing is refused, but for the empty text.
func TestParse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]drill.Drill{
		"":                                {},
		"delay=200ms":                     {Kind: drill.Delay, Delay: 200 * time.Millisecond, Share: all},
		"delay=1ns":                       {Kind: drill.Delay, Delay: 1, Share: all},
		"delay=1m":                        {Kind: drill.Delay, Delay: time.Minute, Share: all},
		"delay=0.5s":                      {Kind: drill.Delay, Delay: 500 * time.Millisecond, Share: all},
		"delay=300ms@3%":                  {Kind: drill.Delay, Delay: 300 * time.Millisecond, Share: 300},
		"delay=300ms@0.5%":                {Kind: drill.Delay, Delay: 300 * time.Millisecond, Share: 50},
		"crash_after=1":                   {Kind: drill.CrashAfter, After: 1},
		"crash_after=20":                  {Kind: drill.CrashAfter, After: 20},
		"crash_after=2147483647":          {Kind: drill.CrashAfter, After: 1<<31 - 1},
		"errors=5%":                       {Kind: drill.Errors, Share: 500},
		"errors=0.01%":                    {Kind: drill.Errors, Share: 1},
		"errors=0.5%":                     {Kind: drill.Errors, Share: 50},
		"errors=0.05%":                    {Kind: drill.Errors, Share: 5},
		"errors=12.34%":                   {Kind: drill.Errors, Share: 1234},
		"errors=100%":                     {Kind: drill.Errors, Share: all},
		"errors=100.00%":                  {Kind: drill.Errors, Share: all},
		"reject=5%":                       {Kind: drill.Reject, Share: 500},
		"hang=10%":                        {Kind: drill.Hang, Share: 1000},
		"swap":                            {Kind: drill.Swap},
		"leak=1KiB":                       {Kind: drill.Leak, Size: 1024, Share: all},
		"leak=8MiB":                       {Kind: drill.Leak, Size: 8 << 20, Share: all},
		"leak=1GiB":                       {Kind: drill.Leak, Size: 1 << 30, Share: all},
		"leak=1024MiB":                    {Kind: drill.Leak, Size: 1 << 30, Share: all},
		"leak=1025MiB":                    {},
		"leak=2GiB":                       {},
		"leak=17179869185GiB":             {}, // 2^34 + 1: in bytes it would begin at 0 again
		"leak=18446744073709551616KiB":    {},
		"leak=0MiB":                       {},
		"leak=-1MiB":                      {},
		"leak=+1MiB":                      {},
		"leak=1.5MiB":                     {},
		"leak=8":                          {}, // of what?
		"leak=8MB":                        {},
		"leak=8mib":                       {},
		"leak=8B":                         {},
		"leak=8TiB":                       {},
		"leak=8 MiB":                      {},
		"leak=MiB":                        {},
		"leak=8MiBKiB":                    {},
		"leak=8MiB@3%":                    {},
		"leak=5%":                         {},
		"leak=":                           {},
		"leak":                            {},
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
		"delay=1s@":                       {},
		"delay=1s@3":                      {},
		"delay=1s@0%":                     {},
		"delay=1s@3%@3%":                  {},
		"delay=@3%":                       {},
		"delay=2m@3%":                     {},
		"delay=3%":                        {},
		"crash_after=0":                   {},
		"crash_after=-1":                  {},
		"crash_after=+1":                  {},
		"crash_after=1.5":                 {},
		"crash_after=0x10":                {},
		"crash_after=many":                {},
		"crash_after=":                    {},
		"crash_after=5%":                  {},
		"crash_after=2147483648":          {},
		"crash_after=9999999999999999999": {},
		"errors":                          {},
		"errors=":                         {},
		"errors=%":                        {},
		"errors=5":                        {}, // of how many?
		"errors=0.05":                     {},
		"errors=0%":                       {},
		"errors=0.00%":                    {},
		"errors=0.001%":                   {},
		"errors=100.01%":                  {},
		"errors=101%":                     {},
		"errors=1000%":                    {},
		"errors=-5%":                      {},
		"errors=+5%":                      {},
		"errors=5 %":                      {},
		"errors=5%%":                      {},
		"errors=5%\n":                     {},
		"errors=5.%":                      {},
		"errors=.5%":                      {},
		"errors=5,5%":                     {},
		"errors=1e1%":                     {},
		"errors=٥%":                       {},
		"errors=5%@3%":                    {},
		"reject":                          {},
		"hang=1s":                         {},
		"swap=":                           {},
		"swap=5%":                         {},
		"swap ":                           {},
		"=":                               {},
		"=200ms":                          {},
		"=5%":                             {},
		"meteor":                          {},
		"meteor=1":                        {},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := drill.Parse(text)
			require.Equal(t, want, got)
			if want == (drill.Drill{}) && text != "" {
				require.Equal(t, fault.Invalid, fault.CodeOf(err))
				for _, form := range []string{"empty", "delay=300ms (at most 1m0s)", "delay=300ms@3%", "crash_after=20", "errors=5%", "reject=5%", "hang=10%", "swap", "leak=8MiB (at most 1GiB)"} {
					require.ErrorContains(t, err, form)
				}
				return
			}
			require.NoError(t, err)
		})
	}
}

// Whatever is asked for, a drill injects at most one fault, of a bounded size, and what is not understood injects none: it is refused.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "delay=200ms", "delay=300ms@3%", "crash_after=20", "errors=5%", "reject=0.5%", "hang=10.25%", "swap", "leak=8MiB", "leak=1KiB",
		"delay=1h", "crash_after=0", "errors=0%", "hang=101%", "swap=1", "=", "delay=1s=2s", "delay=1s@", "leak=2GiB", "leak=99999999999999999GiB",
	} {
		f.Add(text)
	}
	shared := []drill.Kind{drill.Delay, drill.Errors, drill.Reject, drill.Hang, drill.Leak}
	kinds := append([]drill.Kind{"", drill.CrashAfter, drill.Swap}, shared...)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := drill.Parse(text)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			require.Zero(t, d)
			return
		}
		require.Contains(t, kinds, d.Kind)
		require.Equal(t, text == "", d.Kind == "")
		require.Equal(t, d.Kind == drill.Delay, d.Delay > 0)
		require.LessOrEqual(t, d.Delay, time.Minute)
		require.GreaterOrEqual(t, d.Delay, time.Duration(0))
		require.Equal(t, d.Kind == drill.CrashAfter, d.After > 0)
		require.Equal(t, d.Kind == drill.Leak, d.Size > 0)
		require.LessOrEqual(t, d.Size, uint64(1<<30))
		require.Equal(t, slices.Contains(shared, d.Kind), d.Share > 0)
		require.LessOrEqual(t, d.Share, drill.Share(all))
	})
}
